"""Record the gradients that code takes while it is traced or runs."""
