"""Variables whose value left TensorFlow and came back: in the body of a Python call, or as a constant.

No op of the graph leads from such a variable to what is computed with its value. (1) A Python function that a ``PyFunc`` or
``EagerPyFunc`` calls refers to the variable. (2) While the step was traced ``variable.numpy()`` was called, and after that
a ``Const`` of that very value was made. Both tell why a variable is not used, and decide no verdict.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import tensor_util
from tensorflow.python.ops import resource_variable_ops, script_ops

from graphcut.tracing.bodies import Graphs, Place
from graphcut.tracing.objects import is_variable, variable_of
from graphcut.tracing.owners import listed, referred
from graphcut.tracing.patches import Patch
from graphcut.tracing.tapes import Counts, counts

_DEPTH = 3
Left = Dict[int, Tuple[Place, ...]]


class Read(NamedTuple):
    """The value of a variable that Python was given, and how many ops the graphs had then."""

    variable: Any
    value: Any
    counts: Counts


def left(graphs: Graphs, reads: Sequence[Read] = ()) -> Left:
    """The ops that hold or compute with the value of a variable, by the variable's ``id``."""
    found: Dict[int, List[Place]] = {}
    for function, graph in graphs.items():
        for position, op in enumerate(graph.get_operations()):
            before = [each for each in reads if each.counts.get(id(graph), 0) <= position]
            for variable in _of(op, before):
                found.setdefault(id(variable), []).append((function, op.name))
    return {key: tuple(places) for key, places in found.items()}


def patches(noting: Callable[[], Optional[List[Read]]]) -> Iterator[Patch]:
    """What must be wrapped for such readings to be noted."""

    def reading(original: Any) -> Any:
        def numpy(self: Any) -> Any:
            value, found = original(self), noting()
            if found is not None:
                found.append(Read(self, np.array(value), counts()))
            return value

        return numpy

    yield Patch(resource_variable_ops.BaseResourceVariable, "numpy", reading)


def _of(op: Any, reads: Sequence[Read]) -> Iterator[Any]:
    """The variables whose value is in an op, not in its inputs."""
    if op.type in ("PyFunc", "PyFuncStateless", "EagerPyFunc"):
        function = script_ops._py_funcs._funcs.get(tf.compat.as_str(op.get_attr("token")))
        yield from _used(getattr(function, "_func", function), _DEPTH)
    elif op.type == "Const" and reads:
        yield from (each.variable for each in reads if _is_of(each, op))


def _used(function: Any, depth: int) -> Iterator[Any]:
    """The variables that a Python function refers to, itself or by what it calls."""
    for value in referred(function) if depth and function is not None else ():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            yield from [variable_of(each)] if is_variable(each) else map(variable_of, listed(each, "variables"))
            if hasattr(each, "__code__"):
                yield from _used(each, depth - 1)


def _is_of(read: Read, op: Any) -> bool:
    """Whether a constant is the value that was read."""
    made = op.outputs[0]
    if made.dtype.base_dtype != read.variable.dtype.base_dtype or tuple(made.shape.as_list()) != read.value.shape:
        return False
    return bool(np.array_equal(tensor_util.MakeNdarray(op.get_attr("value")), read.value))
