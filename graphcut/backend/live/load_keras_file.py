"""Load a Keras file as a live model: Keras builds it, and code in the file is never run."""

from __future__ import annotations

from typing import Any, List, Tuple

import tensorflow as tf

from graphcut.backend.live.models import input_specs
from graphcut.errors import GraphcutError, printable
from graphcut.graph.formats import keras_files


def load(path: str) -> Tuple[Any, List[Any]]:
    """Return the model of a Keras file, and what it takes as ``tf.TensorSpec``\\ s.

    Raises:
        GraphcutError: the file holds Python functions, or this Keras cannot build the model.
    """
    with open(path, "rb") as stream:
        keras_file = keras_files.read(stream)
    if keras_file is None or keras_files.holds_code(keras_file):
        raise GraphcutError(
            "%s %s, which graphcut does not run\nLoad the model yourself and call graphcut.audit(model, x)."
            % (
                printable(path),
                "holds Python functions (a Lambda layer)" if keras_file else "cannot be checked for Python functions",
            )
        )
    try:
        model = tf.keras.models.load_model(path, compile=False)
    except Exception as error:  # noqa: BLE001 - the layers of others are built
        message = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise GraphcutError(
            "Keras cannot load %s: %s\nIf it has layers of your own, load it yourself and call graphcut.audit(model, x)."
            % (printable(path), printable(message, 200)[1:-1])
        ) from error
    return model, _specs(model, path)


def _specs(model: Any, path: str) -> List[Any]:
    """Return the one argument that the model takes."""
    specs = input_specs(model)
    if not specs:
        raise GraphcutError(
            "%s does not say what its inputs are\nLoad the model yourself and call graphcut.audit(model, x)." % printable(path)
        )
    return list(specs)
