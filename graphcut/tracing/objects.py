"""Live objects as keys: tensors, eager and graph variables, partitioned variables, Keras 2 and 3 variables."""

from __future__ import annotations

from typing import Any, Iterable, Tuple

import tensorflow as tf
from tensorflow.python.framework import ops


def variable_of(value: Any) -> Any:
    """The ``tf.Variable`` inside of a Keras 3 variable, or the value itself."""
    inner = getattr(value, "value", None)
    return value if isinstance(value, tf.Variable) or callable(inner) or not isinstance(inner, tf.Variable) else inner


def is_variable(value: Any) -> bool:
    """Whether this is a variable of TensorFlow or Keras."""
    return isinstance(variable_of(value), tf.Variable) or hasattr(value, "_variable_list")


def parts(value: Any) -> Tuple[Any, ...]:
    """The variables that a partitioned variable is made of; the variable itself otherwise."""
    if hasattr(value, "_variable_list"):
        return tuple(value._variable_list)
    return (variable_of(value),)


def handle_of(variable: Any) -> Any:
    """The handle of a resource variable, the reference of a v1 variable."""
    return variable.handle if hasattr(variable, "handle") else variable._variable


def tensor_name(value: Any, graph: Any) -> str:
    """The name of the graph tensor that is or stands for a tensor or a variable; empty where there is none."""
    own = stand_ins(value) if isinstance(value, tf.Variable) else (value,)
    inside = [tensor for tensor in own if isinstance(tensor, tf.Tensor) and getattr(tensor, "graph", None) is graph]
    inside += [inner for outer, inner in captures(graph) if any(outer is tensor for tensor in own)]
    return str(inside[0].name) if inside else ""


def stand_ins(variable: Any) -> Tuple[Any, ...]:
    """The tensors by which a graph holds a variable: its handle, or its reference, whose value is what a function captures."""
    handle = handle_of(variable)
    return (handle,) if handle.dtype == tf.resource else (handle, variable._snapshot)


def captures(graph: Any) -> Iterable[Tuple[Any, Any]]:
    """The outer tensors that the graph of a function captured, and what stands for them inside."""
    found = getattr(graph, "captures", ())
    return found.items() if hasattr(found, "items") else found


def is_symbolic(tensor: Any) -> bool:
    """Whether a tensor is one of a graph, not a value."""
    return not hasattr(tensor, "_numpy") and not isinstance(tensor, ops.EagerTensor)


def is_tensor(value: Any) -> bool:
    """Whether this is a symbolic tensor of some graph."""
    return isinstance(value, tf.Tensor)
