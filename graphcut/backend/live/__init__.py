"""Read live TensorFlow objects: functions, graphs, variables, models."""
