"""Expand function calls: turn a graph and its library into one flat graph."""
