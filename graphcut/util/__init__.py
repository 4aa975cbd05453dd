"""Small helpers that depend on neither TensorFlow nor graphs."""
