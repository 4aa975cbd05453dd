"""Hold verdicts against the real tf.gradients."""
