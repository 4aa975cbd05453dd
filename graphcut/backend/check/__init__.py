"""Compare verdicts with the real ``tf.gradients``."""
