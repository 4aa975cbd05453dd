"""The identity of a gradient function: functions with equal keys give equal answers.

TensorFlow makes a new closure, and a new name, at each call of ``tf.custom_gradient``: a thousand calls of ``tf.nn.silu`` make
a thousand closures of one TensorFlow function over different tensors, and one answer holds for all of them. Only TensorFlow's
own functions that close over values, tensors and other such functions have an identity. The answer of user code may depend on
a global, an attribute, an array that is edited in place, or on the number of calls.
"""

from __future__ import annotations

import functools
import types
from typing import Any, Hashable, Iterator, Optional, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops

from graphcut.backend.live.variable_objects import is_symbolic

_PLAIN = (int, float, complex, bool, str, bytes, type(None), tf.DType)
_SMALL = 64
_DEPTH = 16
_ROOT = ops.RegisterGradient.__init__.__code__.co_filename[: -len("python/framework/ops.py")]


class _UnknownValue(Exception):
    """A value that makes the answer of a function unpredictable."""


def identity(function: Any) -> Optional[Hashable]:
    """Return a key that equal gradient functions share; ``None`` if their equality cannot be decided."""
    try:
        return _signature(function, _DEPTH)
    except _UnknownValue:
        return None


def is_tensorflow_code(function: Any) -> bool:
    """Return whether the code of a function is in TensorFlow's own package; the name of its module proves nothing."""
    code = getattr(getattr(function, "func", function), "__code__", None)
    return code is not None and is_tensorflow_path(code.co_filename)


def is_tensorflow_path(path: str) -> bool:
    """Return whether a file is one of TensorFlow's own package."""
    return path.startswith(_ROOT)


def _signature(value: Any, depth: int) -> Hashable:
    """Return a key for an object: plain values unchanged, tensors by their properties, functions by code and references."""
    if isinstance(value, _PLAIN):
        return (type(value).__name__, repr(value) if isinstance(value, (float, complex)) else value)
    if isinstance(value, (tf.Tensor, tf.Variable, np.ndarray, np.generic, tf.TensorShape)):
        return _array(value)
    if not depth:
        raise _UnknownValue
    if type(value) in (list, tuple):
        return (type(value).__name__, *[_signature(each, depth - 1) for each in value])
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return ("dict", *[(key, _signature(value[key], depth - 1)) for key in sorted(value)])
    if type(value) is functools.partial:
        return ("partial", *[_signature(each, depth - 1) for each in (value.func, value.args, value.keywords)])
    if isinstance(value, types.BuiltinFunctionType) and isinstance(value.__self__, (types.ModuleType, type(None))):
        return ("builtin", value)
    if is_tensorflow_code(value):
        return _function(value, depth)
    raise _UnknownValue


def _function(function: Any, depth: int) -> Tuple[Hashable, ...]:
    """Return a key for a function: its code, its closure, the object that it is bound to, and its defaults."""
    cells = tuple(content(cell) for cell in getattr(function, "__closure__", None) or ())
    owner = getattr(function, "__self__", None)
    parts = (cells, owner, function.__defaults__ or (), function.__kwdefaults__ or {})
    return ("function", function.__code__, *[_signature(each, depth - 1) for each in parts])


def _array(value: Any) -> Hashable:
    """Return a key for a tensor or an array: its values, if it has some and they are few enough to be kept."""
    if isinstance(value, tf.TensorShape):
        return ("shape", _sizes(value))
    if isinstance(value, (np.ndarray, np.generic)):
        return ("array", *_values(np.asarray(value)))
    if isinstance(value, tf.Variable):
        return ("variable", value.dtype.as_datatype_enum, _sizes(value.shape), bool(value.trainable))
    dtype, sizes = value.dtype.as_datatype_enum, _sizes(value.shape)
    if value.dtype in (tf.resource, tf.variant):
        return ("handle", dtype, sizes)
    if not is_symbolic(value):
        return ("value", dtype, *_values(value.numpy()))
    if value.op.type != "Const":
        return ("tensor", dtype, sizes, value.op.type)
    return ("constant", dtype, *_values(tf.get_static_value(value)))


def _values(array: Any) -> Iterator[Hashable]:
    if not isinstance(array, (np.ndarray, np.generic, bytes)) or np.size(array) > _SMALL:
        raise _UnknownValue
    values = np.asarray(array)
    return iter((values.dtype.str, values.shape, repr(values.tolist())))


def _sizes(shape: Any) -> Hashable:
    return None if shape.ndims is None else tuple(shape.as_list())


def content(cell: Any) -> Any:
    """Return the value in a closure's cell; ``None`` if nothing was assigned yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
