"""The gradient pattern of each op: what it carries from the gradients of its outputs to those of its inputs."""
