"""Words: an audit as a table, as sentences, as JSON. Nothing here judges."""
