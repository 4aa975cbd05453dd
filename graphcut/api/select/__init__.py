"""Resolve names and objects that a user passes: the loss, variables, places."""
