"""A trained model for other programs: a file for each format."""
