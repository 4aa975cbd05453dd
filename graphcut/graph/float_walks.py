"""Follow the float tensors of a graph: ops that depend on other ops, and ops that tensors depend on."""

from __future__ import annotations

from typing import AbstractSet, Dict, Iterable, List, Set

from graphcut.graph.dtypes import REAL_FLOATS, REF
from graphcut.graph.flat import FlatGraph
from graphcut.graph.traverse import find_reachable
from graphcut.util.caching import cached_weakly


@cached_weakly
def consumers(flat: FlatGraph) -> Dict[int, List[int]]:
    """Return the ops that read the float outputs of an op."""
    consumers_of: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        for tensor in inputs:
            if flat.dtypes[tensor] % REF in REAL_FLOATS:  # the gradient of a loop passes it lists
                consumers_of.setdefault(flat.producer[tensor], []).append(op)
    return consumers_of


def reachable_ops(flat: FlatGraph, ops: Iterable[int]) -> Set[int]:
    """Return the ops, and all ops that depend on them through floats."""
    followers = consumers(flat)
    return find_reachable(ops, lambda op: followers.get(op, ()))


def upstream(flat: FlatGraph, tensors: Iterable[int], stop: AbstractSet[int] = frozenset()) -> Set[int]:
    """Return the ops that compute tensors, without those in ``stop`` and the ops that only these read."""

    def producers(read: Iterable[int]) -> Set[int]:
        return {flat.producer[tensor] for tensor in read} - stop

    return find_reachable(producers(tensors), lambda op: producers(flat.inputs[op]))
