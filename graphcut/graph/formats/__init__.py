"""Graph files: turn a path or bytes into parsed messages. Nothing in a file is executed."""
