"""Search backward from the loss: which tensors get a gradient, which raise, and under which conditions."""
