"""The gradient pattern of each op: which of its inputs get a gradient from which of its outputs."""
