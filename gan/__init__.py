"""The method: networks, losses, optimiser, augmentation, and the checkpoints that hold them."""
