"""Record the gradients that a training step takes while it is traced."""
