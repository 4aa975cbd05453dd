"""TensorFlow's registry of gradient functions: where ``tf.RegisterGradient`` and each ``tf.custom_gradient`` leave a name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from tensorflow.python.framework import ops

REGISTRY: Any = getattr(ops, "gradient_registry", None) or ops._gradient_registry


@contextmanager
def restore_registry() -> Iterator[None]:
    """Drop, at the end of the block, each gradient function that was registered in it."""
    functions = REGISTRY._registry
    before = frozenset(functions)
    try:
        yield
    finally:
        for name in [each for each in functions if each not in before]:
            del functions[name]
