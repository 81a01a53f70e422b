"""How good pictures are: figures of two arrays of features, and the spaces that features are in."""
