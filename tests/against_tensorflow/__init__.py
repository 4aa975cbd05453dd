"""Tests in which TensorFlow is the judge."""
