"""Run TensorFlow 1 code: provide the TensorFlow that a script imports, and the graph that a function builds in."""

from __future__ import annotations

import builtins
from typing import Any, Callable, Tuple

import tensorflow as tf

from graphcut.graph.stack_frames import is_library


class TensorFlow1Imports:
    """A context in which a script and the modules in its folder import ``tensorflow.compat.v1`` as TensorFlow.

    The imports of libraries, including TensorFlow and Keras, do not change.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._original = builtins.__import__

    def __enter__(self) -> None:
        if not self._wanted:
            return
        v1 = tf.compat.v1
        verbosity = v1.logging.get_verbosity()
        v1.logging.set_verbosity(v1.logging.ERROR)  # it warns that it is deprecated
        v1.disable_v2_behavior()
        v1.logging.set_verbosity(verbosity)
        original = self._original

        def importing(name: str, importer: Any = None, *rest: Any, **kwargs: Any) -> Any:
            module = original(name, importer, *rest, **kwargs)
            return v1 if module is tf and not is_library(str((importer or {}).get("__file__", "<"))) else module

        setattr(builtins, "__import__", importing)  # noqa: B010

    def __exit__(self, *error: Any) -> None:
        builtins.__import__ = self._original


def build_in_own_graph(function: Callable[[], Any]) -> Tuple[Any, Any]:
    """Call a function without arguments, in a separate graph if it would build into an empty default graph.

    So the function may be called again, and another one may create variables of the same names.

    Returns:
        The function's result, and the graph if it built one without gradients; else ``None``.
    """
    if tf.executing_eagerly() or tf.compat.v1.get_default_graph().get_operations():
        return function(), None
    with tf.Graph().as_default() as graph:
        result = function()
    ops = graph.get_operations()
    return result, None if not ops or any(op.name.startswith("gradients") for op in ops) else graph
