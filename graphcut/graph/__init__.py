"""From bytes to a flat graph: parsing, flattening, names. Knows no TensorFlow, only its file formats."""
