"""Write an audit as a table, as sentences and as JSON."""
