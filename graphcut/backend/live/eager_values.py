"""Find eager tensors that a function refers to, and their names in the user's code: ``layer.kernel``, ``weights``."""

from __future__ import annotations

import types
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.framework.tensor_util import constant_value as get_static_value

from graphcut.backend.live.function_identity import content
from graphcut.backend.live.variable_objects import captures, flatten_structure, is_composite, is_symbolic, is_variable

_DEEP, _MANY = 4, 5000


def referred_values(source: Any) -> Iterator[Tuple[str, Any]]:
    """Yield the float tensors in the closure and the globals of a function, and in the attributes of the objects there."""
    waiting: List[Tuple[str, Any, int]] = [("", source, 0)]
    seen: Dict[int, Any] = {}
    while waiting and len(seen) < _MANY:
        name, value, depth = waiting.pop(0)
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if is_variable(value) or isinstance(value, (type, types.ModuleType)):
            continue
        if isinstance(value, tf.Tensor) or is_composite(value):
            yield from ((name, each) for each in flatten_structure(value) if _is_float_value(each))
        elif depth < _DEEP:
            waiting += [(inner, each, depth + 1) for inner, each in _inside(name, value)]


def _is_float_value(tensor: Any) -> bool:
    return isinstance(tensor, tf.Tensor) and not is_symbolic(tensor) and tensor.dtype.is_floating


def _inside(name: str, value: Any) -> Iterator[Tuple[str, Any]]:
    """Yield the values that a function, a container or an object holds, each with its name in the code."""
    function = getattr(value, "python_function", value)
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is not None:
        owner = getattr(getattr(value, "python_function", value), "__self__", None)
        yield from [("self", owner)] * (owner is not None)
        yield from zip(code.co_freevars, map(content, function.__closure__ or ()))
        module_names = function.__globals__
        yield from ((each, module_names[each]) for each in code.co_names if each in module_names)
    elif isinstance(value, dict):
        yield from (("%s[%r]" % (name, key), each) for key, each in list(value.items()))
    elif isinstance(value, (list, tuple)):
        yield from (("%s[%d]" % (name, place), each) for place, each in enumerate(value))
    elif hasattr(value, "__dict__"):
        prefix = name + "." if name else ""
        yield from ((prefix + key, each) for key, each in list(vars(value).items()) if not key.startswith("__"))


def held_values(graph: Any, operations: Sequence[Any], source: Any) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    """Yield the name and shape of values that a function refers to and its loss reads, as a capture or a constant.

    Args:
        graph: the live graph of the function.
        operations: the live ops that the loss is computed by.
        source: the function.
    """
    read = {op.name for op in operations}
    inside = {id(outer) for outer, inner in captures(graph) if inner.op.name in read}
    constants = [op for op in operations if op.type == "Const"]
    for name, value in referred_values(source):
        if id(value) in inside or any(_is_equal(op, value) for op in constants):
            yield name, tuple(value.shape.as_list())


def _is_equal(op: Any, value: Any) -> bool:
    output = op.outputs[0]
    if output.dtype != value.dtype or output.shape != value.shape:
        return False
    constant = get_static_value(output)
    return constant is not None and bool((constant == value.numpy()).all()) and not _is_round(constant)


def _is_round(value: Any) -> bool:
    """Return whether a value is a scalar such as 0.5, which many constants are."""
    return bool(value.size == 1 and float(value * 2).is_integer())
