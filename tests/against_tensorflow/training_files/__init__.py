"""Training graphs as people save them, judged by the ``tf.gradients`` answers that were recorded when they were built."""
