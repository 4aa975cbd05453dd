"""The reasons behind a verdict: the route, what else would stop the gradient, and which loss term it comes through."""
