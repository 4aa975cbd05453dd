"""The identity of a gradient function: two closures of one function over like values are one kind.

TensorFlow makes a new closure, and a new name, at each call of ``tf.custom_gradient``; ``tf.nn.silu`` called a thousand
times is a thousand closures of one function over other tensors.
"""

from __future__ import annotations

import functools
from typing import Any, Tuple

import tensorflow as tf

_PLAIN = (int, float, complex, bool, str, bytes, type(None))


def signature(value: Any, depth: int = 12) -> Any:
    """A hashable stand-in: plain values as they are, tensors by dtype, functions by code and what they close over,
    everything else by identity."""
    if isinstance(value, _PLAIN):
        return (type(value).__name__, value)
    if isinstance(value, (tf.Tensor, tf.Variable)):
        return ("tensor", value.dtype.as_datatype_enum)
    if depth and isinstance(value, (list, tuple)):
        return (type(value).__name__,) + tuple(signature(each, depth - 1) for each in value)
    if depth and isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return ("dict",) + tuple((key, signature(value[key], depth - 1)) for key in sorted(value))
    if depth and isinstance(value, functools.partial):
        return ("partial",) + tuple(signature(each, depth - 1) for each in (value.func, value.args, value.keywords))
    if depth and hasattr(value, "__code__"):
        return _function(value, depth)
    return ("object", type(value).__name__, id(value))


def _function(function: Any, depth: int) -> Tuple[Any, ...]:
    cells = [content(cell) for cell in getattr(function, "__closure__", None) or ()]
    owner = getattr(function, "__self__", None)
    given = cells + list(function.__defaults__ or ()) + ([owner] if owner is not None else [])
    return ("function", function.__code__) + tuple(signature(each, depth - 1) for each in given)


def content(cell: Any) -> Any:
    """What a closure's cell holds; ``None`` where nothing was assigned yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
