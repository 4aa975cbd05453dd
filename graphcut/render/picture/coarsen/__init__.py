"""Merge boxes until a picture can be read."""
