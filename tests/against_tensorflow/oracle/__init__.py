"""The oracle: small hard graphs, each judged by graphcut and by the real ``tf.gradients`` in the same process."""
