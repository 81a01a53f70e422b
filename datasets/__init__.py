"""Where training images come from: idx files or a folder, decoded once, counted and named."""
