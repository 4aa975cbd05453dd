"""Random graphs, judged by the TensorFlow that is installed."""
