"""Read facts from the live graphs of function bodies that a ``GraphDef`` lacks."""

from __future__ import annotations

import operator
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import tensorflow as tf

from graphcut.backend.live import source_locations
from graphcut.graph.flat import Shape

Graphs = Dict[Optional[str], Any]
Place = Tuple[Optional[str], str]
Finders = Dict[Optional[str], Callable[[str], Any]]
Made = Tuple[Optional[str], bool]


def graphs(graph: Any) -> Graphs:
    """Return every live graph by the name of its function, and the given one by ``None``, including nested bodies."""
    result: Graphs = {None: graph}
    waiting = [graph]
    while waiting:
        for name, function in functions(waiting.pop()).items():
            body = getattr(function, "graph", None) or getattr(function, "_func_graph", None)
            if name not in result and body is not None:
                result[name] = body
                waiting.append(body)
    return result


def functions(graph: Any) -> Dict[str, Any]:
    """Return the functions of a graph's library, by name."""
    definitions = getattr(graph, "_functions", None) or {}
    return {_text(name): function for name, function in definitions.items()}


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def exits(result: Graphs) -> Tuple[Tuple[Place, ...], Tuple[Place, ...]]:
    """Return the v1 ``Exit`` ops of loops with ``back_prop=False``, and of loops that compute gradients themselves."""
    dead, second = [], []
    for function, graph in result.items():
        for op, context in _loops(graph):
            if not context.back_prop:
                dead.append((function, op.name))
            if context.grad_state is not None:
                second.append((function, op.name))
    return tuple(dead), tuple(second)


def _loops(graph: Any) -> Iterator[Tuple[Any, Any]]:
    for op in graph.get_operations():
        if op.type in ("Exit", "RefExit"):
            context = op._get_control_flow_context()
            if context is not None and context.IsWhileContext():
                yield op, context


def own_gradients(graph: Any) -> Dict[str, Any]:
    """Return the functions of the library that have a gradient function in Python (``Defun(python_grad_func=…)``)."""
    result = {}
    for name, function in functions(graph).items():
        gradient = getattr(function, "python_grad_func", None)
        if gradient is not None:
            result[name] = gradient
    return result


class Where:
    """Find an op's place in the user's code, for ops in the graph itself or in the body of a function."""

    def __init__(self, graphs: Graphs) -> None:
        self._finders = _finders(graphs)
        self._known: Dict[Place, Made] = {}

    def __call__(self, function: Optional[str], name: str) -> Made:
        if (function, name) not in self._known:
            op = _operation(self._finders, function, name)
            self._known[function, name] = (None, False) if op is None else source_locations.place(op)
        return self._known[function, name]

    def frames(self, function: Optional[str], name: str) -> Tuple[str, ...]:
        """``file:line`` of every frame of the op that is the user's, innermost first."""
        op = _operation(self._finders, function, name)
        return () if op is None else source_locations.user_frames(op)


class Shapes:
    """The static shapes of an op's outputs in a live graph."""

    def __init__(self, graphs: Graphs) -> None:
        self._finders = _finders(graphs)

    def __call__(self, function: Optional[str], name: str) -> Optional[Tuple[Shape, ...]]:
        op = _operation(self._finders, function, name)
        return None if op is None else tuple([_sizes(tensor.shape) for tensor in op.outputs])


class Operations:
    """Find a live op, in the graph itself or in the body of a function; ``None`` if there is none."""

    def __init__(self, graphs: Graphs) -> None:
        self._finders = _finders(graphs)

    def __call__(self, function: Optional[str], name: str) -> Any:
        return _operation(self._finders, function, name)


def _operation(finders: Finders, function: Optional[str], name: str) -> Any:
    try:
        return finders[function](name)
    except (AttributeError, KeyError, ValueError):  # TensorFlow 1.15 dismantles graphs without references
        return None


def _finders(graphs: Graphs) -> Finders:
    """Return for each graph a function that finds an op by its name.

    If this TensorFlow allows it, the function skips the checks of ``get_operation_by_name``, which take four times as long.
    """
    return {
        function: getattr(graph, "_get_operation_by_name", None) or graph.get_operation_by_name
        for function, graph in graphs.items()
    }


def _shape_of(shape: tf.TensorShape) -> Shape:
    return None if shape.ndims is None else tuple(shape.as_list())


# Newer TensorFlows keep the sizes as just this tuple, older ones as a list of ``Dimension``.
_sizes: Callable[[tf.TensorShape], Shape] = (
    operator.attrgetter("_dims") if getattr(tf.TensorShape([1, None]), "_dims", None) == (1, None) else _shape_of
)
