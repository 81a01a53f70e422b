"""What is made with a trained run: a file for each command of generate.py."""
