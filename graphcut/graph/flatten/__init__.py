"""Open function calls: from a graph and its library to one flat graph."""
