"""Suggestions: the smallest sets of tensors to stop, and the fewest barriers to remove."""
