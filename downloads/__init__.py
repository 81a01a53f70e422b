"""Fetching data sets: one address to one verified file, archives unpacked with care."""
