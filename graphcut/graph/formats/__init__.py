"""Graph files: from a path or bytes to parsed messages; nothing in them is executed."""
