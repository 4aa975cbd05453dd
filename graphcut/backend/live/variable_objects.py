"""Recognize live objects: tensors, composite tensors, eager, graph and partitioned variables, Keras 2 and 3 variables."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, Mapping, Tuple

import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.framework.composite_tensor import CompositeTensor


def variable_of(value: Any) -> Any:
    """Return the ``tf.Variable`` inside a Keras 3 variable; return any other value unchanged."""
    inner = getattr(value, "value", None)
    return value if isinstance(value, tf.Variable) or callable(inner) or not isinstance(inner, tf.Variable) else inner


def is_variable(value: Any) -> bool:
    """Return whether this is a variable of TensorFlow or Keras."""
    return isinstance(variable_of(value), tf.Variable) or hasattr(value, "_variable_list")


def is_composite(value: Any) -> bool:
    """Return whether this is a tensor that consists of others: ragged, sparse, slices, a user's ``ExtensionType``."""
    return isinstance(value, CompositeTensor) and not isinstance(value, tf.Variable)


def flatten_structure(value: Any) -> Iterator[Any]:
    """Yield the tensors and variables in a nested structure, including all components of composite tensors."""
    for each in tf.nest.flatten(value):
        if is_composite(each):
            yield from flatten_structure(each._type_spec._to_components(each))
        else:
            yield each


def components(value: Any) -> Tuple[Any, ...]:
    """Return the components of a composite tensor whose gradient is taken; return any other value itself.

    TensorFlow's ``CompositeTensorGradient`` names them. If a type has none, they are its ``values``, else its floating
    components.
    """
    if not is_composite(value):
        return (value,)
    own = getattr(value, "values", None)
    if hasattr(value, "__composite_gradient__"):
        own = value.__composite_gradient__.get_gradient_components(value)
        own = value.values if own is value else own
    elif not isinstance(own, (tf.Tensor, CompositeTensor)):
        listed = tuple(flatten_structure(value))
        own = [each for each in listed if each.dtype.is_floating or each.dtype.is_complex] or listed
    return tuple(tensor for each in tf.nest.flatten(own) for tensor in components(each))


def function_variables(graph: Any) -> Tuple[Any, ...]:
    """Return the variables that the graph of a function reads and that still exist; none for a graph of TensorFlow 1.

    ``FuncGraph.variables`` raises for a deleted variable, such as that of an optimizer that ``compile`` replaced.
    """
    if not hasattr(graph, "_weak_variables"):
        return tuple(getattr(graph, "variables", ()))
    return tuple(each for each in (reference() for reference in graph._weak_variables) if each is not None)


def parts(value: Any) -> Tuple[Any, ...]:
    """Return the parts of a partitioned variable; return any other variable itself."""
    if hasattr(value, "_variable_list"):
        return tuple(value._variable_list)
    return (variable_of(value),)


def handle_of(variable: Any) -> Any:
    """Return the handle of a resource variable, the reference of a v1 variable."""
    return variable.handle if hasattr(variable, "handle") else variable._variable


def tensor_name(value: Any, graph: Any, captured: Mapping[int, Tuple[int, str]]) -> str:
    """Return the name of the graph tensor of a tensor or variable; empty if there is none.

    ``captured`` is what ``captured_names`` returns for the graph.
    """
    own = stand_ins(value) if isinstance(value, tf.Variable) else (value,)
    inside = [tensor for tensor in own if isinstance(tensor, tf.Tensor) and getattr(tensor, "graph", None) is graph]
    if inside:
        return str(inside[0].name)
    return min((captured[id(tensor)] for tensor in own if id(tensor) in captured), default=(0, ""))[1]


def captured_names(graph: Any) -> Dict[int, Tuple[int, str]]:
    """Map the ``id`` of each captured tensor to its place among the captures and the name of its placeholder."""
    names: Dict[int, Tuple[int, str]] = {}
    for place, (outer, inner) in enumerate(captures(graph)):
        names.setdefault(id(outer), (place, str(inner.name)))
    return names


def stand_ins(variable: Any) -> Tuple[Any, ...]:
    """Return the tensors that stand for a variable in a graph: its handle, or the captured value of its reference."""
    handle = handle_of(variable)
    return (handle,) if handle.dtype == tf.resource else (handle, variable._snapshot)


def captures(graph: Any) -> Iterable[Tuple[Any, Any]]:
    """Return the outer tensors that the graph of a function captured, and their placeholders inside."""
    result = getattr(graph, "captures", ())
    return result.items() if hasattr(result, "items") else result


def is_symbolic(tensor: Any) -> bool:
    """Return whether a tensor belongs to a graph, so it has no value."""
    return not hasattr(tensor, "_numpy") and not isinstance(tensor, ops.EagerTensor)


def values(value: Any) -> Any:
    """Return the values of an eager tensor as an array; ``None`` for anything else."""
    eager = isinstance(value, tf.Tensor) and not is_symbolic(value)
    return value.numpy() if eager else None
