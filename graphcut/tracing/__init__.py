"""The only room that imports TensorFlow: live sources, variables, and the questions put to its gradient functions."""
