"""The routes that a gradient really takes: from the loss to the tensors that get one."""

from __future__ import annotations

from typing import Dict, Iterable, Tuple

from graphcut.flow.judge import Flow


def between(flow: Flow, live: Iterable[int]) -> Dict[int, Tuple[int, ...]]:
    """For each op that a gradient passes on its way to one of the tensors ``live``, the ops that it goes on to from there.

    Only edges that lead to a gradient that can be nonzero count; those of ``live`` without a gradient do not.
    """
    edges, producer, size = flow.edges, flow.rules.flat.producer, flow.edges.size
    ends = [tensor for tensor in live if flow.carries_to(tensor)]
    good = frozenset(edges.leading(ends)).union(ends)
    onward: Dict[int, Dict[int, None]] = {}
    for node in good:
        into = onward.setdefault(producer[node % size], {})
        into.update((producer[other % size], None) for other, _ in edges.onward(node) if other in good)
    return {op: tuple(onward[op]) for op in sorted(onward)}
