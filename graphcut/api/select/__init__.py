"""Resolve what a user names: the loss, variables, places."""
