"""Turn bytes into a flat graph: parsing, flattening, names. This package never imports TensorFlow; it reads its formats."""
