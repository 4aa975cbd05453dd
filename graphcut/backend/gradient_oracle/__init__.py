"""Ask the installed TensorFlow for the gradient of one op."""
