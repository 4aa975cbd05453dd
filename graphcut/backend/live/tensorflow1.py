"""Run TensorFlow 1 code under TensorFlow 2: what a script gets when it imports TensorFlow."""

from __future__ import annotations

import builtins
from typing import Any

import tensorflow as tf

from graphcut.graph.stack_frames import is_library


class TensorFlow1Imports:
    """A context in which a script and the modules in its folder import ``tensorflow.compat.v1`` as TensorFlow.

    Libraries import what they always do: TensorFlow and Keras themselves are among them.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._original = builtins.__import__

    def __enter__(self) -> None:
        if not self._wanted:
            return
        v1 = tf.compat.v1
        v1.disable_v2_behavior()
        original = self._original

        def importing(name: str, importer: Any = None, *rest: Any, **kwargs: Any) -> Any:
            module = original(name, importer, *rest, **kwargs)
            return v1 if module is tf and not is_library(str((importer or {}).get("__file__", "<"))) else module

        setattr(builtins, "__import__", importing)  # noqa: B010

    def __exit__(self, *error: Any) -> None:
        builtins.__import__ = self._original
