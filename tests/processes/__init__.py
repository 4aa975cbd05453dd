"""Tests that start other processes: a Python, a shell, Git, worker processes, a layout engine."""
