"""What a person wants to know beyond the verdict: the route, what else would stop it, which loss term it comes through."""
