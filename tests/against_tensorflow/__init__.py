"""Tests that compare graphcut with TensorFlow."""
