"""Find the tensors of outer graphs that a function's body captured or received as arguments, and the ops leading to them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, NamedTuple, Sequence, Set, Tuple

import tensorflow as tf

from graphcut.backend.live import function_graphs
from graphcut.backend.live.variable_objects import captures, is_symbolic

_CALLS = (
    "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "Case", "StatelessCase", "While", "StatelessWhile",
)  # fmt: skip


class Entry(NamedTuple):
    """The tensor that a placeholder of a body stands for. ``is_argument``: it is an argument, not a capture."""

    outer: Any
    is_argument: bool


def entries_of(inner: Any, around: Sequence[Any]) -> Dict[str, Entry]:
    """Return the placeholders of a body that stand for tensors of the graphs around it."""
    entries = {id(each) for each in around}
    captured = {tensor.op.name: Entry(outer, False) for outer, tensor in captures(inner)}
    arguments = {
        tensor.op.name: Entry(outer, True) for outer, tensor in (_inputs_by_placeholder(inner, around[0]) if around else ())
    }
    every = {**arguments, **captured}.items()
    return {name: each for name, each in every if id(_graph(each.outer)) in entries}


def _graph(outer: Any) -> Any:
    """Return the graph of a captured tensor; ``None`` for a value, or a variable of a strategy."""
    return getattr(outer, "graph", None) if isinstance(outer, tf.Tensor) and is_symbolic(outer) else None


def _inputs_by_placeholder(inner: Any, around: Any) -> Iterator[Tuple[Any, Any]]:
    """Return the inputs that the first call of a body passes to it, each with its placeholder in the body."""
    names = {name for name, function in function_graphs.functions(around).items() if _body(function) is inner}
    calls = (op for op in around.get_operations() if op.type in _CALLS and names.intersection(called_functions(op)))
    first = next(calls, None)
    return zip(list(first.inputs)[::-1], inner.inputs[::-1]) if first is not None else iter(())


def _body(function: Any) -> Any:
    return getattr(function, "graph", None) or getattr(function, "_func_graph", None)


def called_functions(op: Any) -> Iterator[str]:
    """Yield the names of the functions that an op runs."""
    for value in op.node_def.attr.values():
        yield from (each.name for each in [value.func, *value.list.func] if each.name)


def ops_leading_in(graphs: Sequence[Any], entries: Sequence[Mapping[str, Entry]]) -> Dict[int, Set[str]]:
    """Return the names of the outer ops, by the ``id`` of their graph, that lead to entries of the innermost body."""
    entries_by_graph = {id(graph): result for graph, result in zip(graphs, entries)}
    ops_by_graph: Dict[int, Set[str]] = {id(graph): set() for graph in graphs[1:]}
    waiting = [each.outer.op for each in entries[0].values()]
    while waiting:
        op = waiting.pop()
        own = ops_by_graph[id(op.graph)]
        if op.name not in own:
            own.add(op.name)
            around = entries_by_graph[id(op.graph)].get(op.name)
            waiting += [tensor.op for tensor in op.inputs] if around is None else [around.outer.op]
    return ops_by_graph if any(ops_by_graph.values()) else {}
