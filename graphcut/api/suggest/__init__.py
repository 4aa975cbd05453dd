"""Where to cut and what to open: the smallest sets of tensors to stop, the fewest barriers to take out."""
