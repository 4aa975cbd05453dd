"""Tests that mirror the package and need no TensorFlow, unless marked."""
