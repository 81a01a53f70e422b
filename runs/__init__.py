"""A training run: its settings, what is stored of it, and how a trained one is opened."""
