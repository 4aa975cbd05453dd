"""The functions and classes that a user calls."""
