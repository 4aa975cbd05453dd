"""The topological order of a flat graph, loop-carried edges left out; a cycle that is no loop is refused."""

from __future__ import annotations

from typing import Dict, List, MutableMapping, Sequence
from weakref import WeakKeyDictionary

from graphcut.errors import GraphcutError, printable
from graphcut.graph.flat import FlatGraph

_KNOWN: MutableMapping[FlatGraph, Sequence[int]] = WeakKeyDictionary()


def topological(flat: FlatGraph) -> Sequence[int]:
    """The ops, producers before consumers; found once for each graph."""
    if flat not in _KNOWN:
        _KNOWN[flat] = _sorted(flat)
    return _KNOWN[flat]


def _sorted(flat: FlatGraph) -> Sequence[int]:
    """The order that the graph is written in where that is one; else by Kahn's algorithm."""
    return range(len(flat.names)) if _is_sorted(flat) else _by_consumers(flat)


def _is_sorted(flat: FlatGraph) -> bool:
    if any(tensor >= first for first, inputs in zip(flat.first_output, flat.inputs) for tensor in inputs):
        return False
    return not any(source >= op for op, controls in enumerate(flat.controls) for source in controls)


def _by_consumers(flat: FlatGraph) -> List[int]:
    """Kahn's algorithm."""
    consumers: List[List[int]] = [[] for _ in flat.names]
    missing = [0] * len(flat.names)
    producer, loops = flat.producer, flat.loop_inputs
    for op, inputs in enumerate(flat.inputs):
        looped = loops.get(op, ())
        for index, tensor in enumerate(inputs):
            if index not in looped:
                consumers[producer[tensor]].append(op)
                missing[op] += 1
        for source in flat.controls[op]:
            consumers[source].append(op)
            missing[op] += 1
    order = [op for op, count in enumerate(missing) if not count]
    for op in order:
        for consumer in consumers[op]:
            missing[consumer] -= 1
            if not missing[consumer]:
                order.append(consumer)
    if len(order) < len(flat.names):
        raise _cycle(flat, missing)
    return order


def _cycle(flat: FlatGraph, missing: List[int]) -> GraphcutError:
    op = next(op for op, count in enumerate(missing) if count)
    seen: Dict[int, int] = {}
    while op not in seen:
        seen[op] = len(seen)
        sources = [flat.producer[tensor] for tensor in flat.inputs[op]] + list(flat.controls[op])
        op = next(source for source in sources if missing[source])
    names = [flat.names[each] for each in seen][seen[op] :]
    return GraphcutError(
        "%d ops feed each other in a circle: %s\n"
        "TensorFlow makes loops of Enter, Merge, Switch, NextIteration and Exit alone; the file is damaged."
        % (len(names), " <- ".join(printable(name) for name in names[:4]))
    )
