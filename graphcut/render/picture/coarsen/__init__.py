"""Merge boxes until the picture is small enough to read."""
