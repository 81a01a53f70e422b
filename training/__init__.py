"""Training: the trainer, the loop of steps, what is shown of it, and many devices."""
