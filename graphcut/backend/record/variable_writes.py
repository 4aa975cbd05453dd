"""Find the variables that a step writes, by an optimizer's op or an assignment anywhere in the step."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterator, List

from graphcut.backend.live import function_graphs
from graphcut.backend.live.variable_objects import captures
from graphcut.backend.record.captures import called_functions
from graphcut.graph.dtypes import is_handle
from graphcut.graph.op_types import VARIABLES
from graphcut.graph.writing_ops import written_inputs

_VARIABLES = VARIABLES | {"Placeholder", "_Arg"}


def written_variables(root: Any) -> FrozenSet[int]:
    """Return the ``id`` of the handle or reference of each variable that an op in a graph or in its functions writes."""
    graphs = _graphs(root)
    outside = {id(graph): {id(inner): outer for outer, inner in captures(graph)} for graph in graphs}
    handles = (outermost(handle, outside) for graph in graphs for handle in _handles(graph))
    return frozenset(id(handle) for handle in handles if _is_variable(handle))


def _is_variable(handle: Any) -> bool:
    """Return whether a handle may be that of a variable, not of an iterator, a table, a queue or a summary writer.

    TensorFlow keeps the shape and dtype of a variable with its eager handle. In a graph, an op without another resource as its
    input created the resource.
    """
    if not hasattr(handle, "op"):
        return getattr(handle, "_handle_data", handle) is not None
    inputs = [tensor.dtype.as_datatype_enum for tensor in handle.op.inputs]
    return handle.op.type in _VARIABLES or any(map(is_handle, inputs))


def _graphs(root: Any) -> List[Any]:
    """Return the graph and the bodies in it, except those that initialize a variable."""
    result = function_graphs.graphs(root)
    first = {
        name for graph in result.values() for op in graph.get_operations() if _initializes(op) for name in called_functions(op)
    }
    return [graph for name, graph in result.items() if name not in first]


def _initializes(op: Any) -> bool:
    """Return whether an op branches on whether a variable has a value, as for a variable created in a trace."""
    return op.type in ("If", "StatelessIf") and op.inputs[0].op.type == "VarIsInitializedOp"


def _handles(graph: Any) -> Iterator[Any]:
    """Yield the variables that the ops of a graph write, except initializers."""
    for op in graph.get_operations():
        inputs = list(getattr(op, "inputs", ()))  # TensorFlow 2.1 adds placeholders to loops and leaves them incomplete
        dtypes = ([tensor.dtype.as_datatype_enum for tensor in side] for side in (inputs, op.outputs))
        for tensor in (inputs[index] for index in written_inputs(op.type, *dtypes)):
            if op.name != tensor.op.name + "/Assign":
                yield tensor


def outermost(tensor: Any, outside: Dict[int, Dict[int, Any]]) -> Any:
    """Return the tensor outside the graphs that captured it."""
    while True:
        around = outside.get(id(getattr(tensor, "graph", None)), {}) if hasattr(tensor, "op") else {}
        if id(tensor) not in around:
            return tensor
        tensor = around[id(tensor)]
