"""Which elements of a tensor a gradient can be nonzero at."""
