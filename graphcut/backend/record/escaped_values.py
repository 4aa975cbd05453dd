"""Find variables whose value enters a graph without an op: in a Python call, as a constant, or from a dataset.

No op of the graph leads from such a variable to what is computed with its value. (1) A Python function that a ``PyFunc`` or
``EagerPyFunc`` calls refers to the variable. (2) The traced step called ``variable.numpy()``, and then a ``Const`` of exactly
that value was created. (3) A dataset or an iterator that was created outside of the graph computes its elements with the
variable. All three explain why a variable is unused; none affects a verdict.
"""

from __future__ import annotations

import gc
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import tensor_util
from tensorflow.python.ops import resource_variable_ops, script_ops

from graphcut.backend.live.function_graphs import Graphs, Place
from graphcut.backend.live.function_graphs import graphs as graphs_of
from graphcut.backend.live.models import listed_variables, referenced_values
from graphcut.backend.live.variable_objects import captures, function_variables, is_symbolic, is_variable, variable_of
from graphcut.backend.record.patches import Patch
from graphcut.backend.record.tapes import Counts, counts
from graphcut.backend.record.variable_writes import outermost

_DEPTH = 3
Left = Dict[int, Tuple[Place, ...]]


class Read(NamedTuple):
    """A variable's value that Python received, and the numbers of ops in the graphs at that time."""

    variable: Any
    value: Any
    counts: Counts


def escaped_value_ops(graphs: Graphs, reads: Sequence[Read] = ()) -> Left:
    """Return the ops that hold or compute with the value of a variable, by the variable's ``id``."""
    result: Dict[int, List[Place]] = {}
    for function, graph in graphs.items():
        for position, op in enumerate(graph.get_operations()):
            before = [each for each in reads if each.counts.get(id(graph), 0) <= position]
            for variable in _of(op, before):
                result.setdefault(id(variable), []).append((function, op.name))
    for place, handle in _of_data(graphs):
        for variable in _in_datasets(handle):
            result.setdefault(id(variable), []).append(place)
    return {key: tuple(places) for key, places in result.items()}


def patches(noting: Callable[[], Optional[List[Read]]]) -> Iterator[Patch]:
    """Yield the patches that record such reads."""

    def reading(original: Any) -> Any:
        def numpy(self: Any) -> Any:
            value, result = original(self), noting()
            if result is not None:
                result.append(Read(self, np.array(value), counts()))
            return value

        return numpy

    yield Patch(resource_variable_ops.BaseResourceVariable, "numpy", reading)


def _of(op: Any, reads: Sequence[Read]) -> Iterator[Any]:
    """Yield the variables whose value is in an op itself, not in its inputs."""
    if op.type in ("PyFunc", "PyFuncStateless", "EagerPyFunc"):
        function = script_ops._py_funcs._funcs.get(tf.compat.as_str(op.get_attr("token")))
        yield from _used(getattr(function, "_func", function), _DEPTH)
    elif op.type == "Const" and reads:
        yield from (each.variable for each in reads if _is_of(each, op))


def _of_data(graphs: Graphs) -> Iterator[Tuple[Place, Any]]:
    """Yield the ops that take elements of datasets from outside the graphs, each with the dataset or iterator."""
    outside = {id(graph): {id(inner): outer for outer, inner in captures(graph)} for graph in graphs.values()}
    for function, graph in graphs.items():
        for op in graph.get_operations():
            for tensor in op.inputs if "Iterator" in op.type or "Dataset" in op.type else ():
                handle = outermost(tensor, outside)
                if tensor.dtype in (tf.resource, tf.variant) and not is_symbolic(handle):
                    yield (function, op.name), handle


def _in_datasets(handle: Any) -> Iterator[Any]:
    """Yield the variables with which a dataset computes its elements, given the tensor of the dataset or of an iterator."""
    near = (each for owner in _owners(handle) for each in (owner, getattr(owner, "_dataset", None)))
    waiting: List[Any] = [each for each in near if isinstance(each, tf.data.Dataset)]
    while waiting:
        dataset = waiting.pop()
        waiting.extend(dataset._inputs())
        for function in dataset._functions():
            yield from _in_function(function.function)


def _owners(handle: Any) -> Iterator[Any]:
    """Yield the objects that hold a tensor in an attribute; before Python 3.11 only their ``__dict__`` refers to it."""
    for owner in gc.get_referrers(handle):
        if not isinstance(owner, dict):
            yield owner
        elif "_dataset" in owner or "_variant_tensor_attr" in owner:
            yield from (each for each in gc.get_referrers(owner) if getattr(each, "__dict__", None) is owner)


def _in_function(function: Any) -> Iterator[Any]:
    """Yield the variables that a traced function reads, or a Python function that it calls."""
    for graph in graphs_of(function.graph).values():
        yield from function_variables(graph)
        for op in graph.get_operations():
            yield from _of(op, ())


def _used(function: Any, depth: int) -> Iterator[Any]:
    """Yield the variables to which a Python function or its callees refer."""
    held = vars(function.__self__).values() if depth and hasattr(getattr(function, "__self__", None), "__dict__") else ()
    for value in [each for each in held if hasattr(each, "__code__")]:  # a generator's state holds the generator
        yield from _used(value, depth - 1)
    for value in referenced_values(function) if depth and function is not None else ():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            yield from [variable_of(each)] if is_variable(each) else map(variable_of, listed_variables(each, "variables"))
            if hasattr(each, "__code__"):
                yield from _used(each, depth - 1)


def _is_of(read: Read, op: Any) -> bool:
    """Return whether a constant is the value that was read."""
    output = op.outputs[0]
    if output.dtype.base_dtype != read.variable.dtype.base_dtype or tuple(output.shape.as_list()) != read.value.shape:
        return False
    return bool(np.array_equal(tensor_util.MakeNdarray(op.get_attr("value")), read.value))
