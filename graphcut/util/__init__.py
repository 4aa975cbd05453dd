"""Small helpers that know nothing of TensorFlow or of graphs."""
