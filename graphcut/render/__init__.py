"""Words, pictures and pages made from an audit. Nothing here judges."""
