"""The edges a route may take from a tensor towards the inputs, each with its barrier where no gradient crosses it.

Crossing a barrier costs one. Tensors that cannot carry a gradient for their dtype (integers, booleans, strings) form a
land of their own: entering it at an op that turns such a tensor into numbers (``Cast``, a loop's condition) costs nothing,
because leaving it, at the op that made numbers discrete (``ArgMax``, a comparison), costs one already.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from graphcut.dag import FlatGraph
from graphcut.flow.judge import Flow
from graphcut.flow.walk import Relation, connected
from graphcut.reading.variables import root
from graphcut.terms import Barrier


class Fence(NamedTuple):
    """A barrier on one edge of the graph: into ``op`` at ``input``. ``entry``: into a land without gradients."""

    op: int
    input: int
    barrier: Barrier
    entry: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing to cross: leaving that land costs one already."""
        return self.entry and self.barrier is Barrier.DTYPE


class Edge(NamedTuple):
    """From a tensor to one it is computed from; ``cost`` barriers are crossed."""

    source: int
    cost: int
    fence: Optional[Fence]


Assigned = Dict[int, List[Tuple[int, int, int]]]


def edges(flow: Flow, relation: Relation, assigned: Assigned, tensor: int) -> Iterable[Edge]:
    """All edges from ``tensor`` towards the inputs, in the graph's order."""
    if is_open(flow, relation, assigned, tensor):
        flat = flow.rules.flat
        return [Edge(source, 0, None) for source in flat.inputs[flat.producer[tensor]]]
    return _edges(flow, relation, assigned, tensor)


def _edges(flow: Flow, relation: Relation, assigned: Assigned, tensor: int) -> Iterator[Edge]:
    flat = flow.rules.flat
    op = flat.producer[tensor]
    row = flow.rules.row(op)
    free = frozenset(() if flow.bounds.get(op) else relation(row)[tensor - flat.first[op]])
    for index, source in enumerate(flat.inputs[op]):
        if index in free and flow.rules.passing[source]:
            yield Edge(source, 0, None)
        elif index in free and source in flow.rules.unwatched:
            yield _unwatched(op, index, source, flow.rules.unwatched[source])
        else:
            yield _blocked(flow, tensor, op, index, source, row.barriers[index])
    if op in flow.fills and relation is not connected:
        for index, source in enumerate(flow.fills[op].tensors):
            if source not in flat.inputs[op] and flow.rules.passing[source]:
                yield Edge(source, 1, Fence(flow.fills[op].group, index, Barrier.ZERO_FILLED))
    for op, index, source in assigned.get(tensor, ()):
        yield Edge(source, 1, Fence(op, index, Barrier.STATE))


def _unwatched(op: int, index: int, source: int, barrier: Optional[Barrier]) -> Edge:
    return Edge(source, 0, None) if barrier is None else Edge(source, 1, Fence(op, index, barrier))


def is_open(flow: Flow, relation: Relation, assigned: Assigned, tensor: int) -> bool:
    """Whether a gradient passes to every input: there is no barrier to look for from here."""
    flat, passing = flow.rules.flat, flow.rules.passing
    op = flat.producer[tensor]
    if op in flow.stopped or tensor in assigned or (op in flow.fills and relation is not connected):
        return False
    given = flat.inputs[op]
    free = relation(flow.rules.row(op))[tensor - flat.first[op]]
    return len(free) == len(given) and False not in map(passing.__getitem__, given)


def _blocked(flow: Flow, tensor: int, op: int, index: int, source: int, barrier: Optional[Barrier]) -> Edge:
    bound = flow.bounds.get(op)
    if bound:
        return Edge(source, 1, Fence(op, index, bound))
    passing = flow.rules.passing
    barrier = barrier or Barrier.DTYPE
    if passing[source]:
        return Edge(source, 1, Fence(op, index, barrier))
    if not passing[tensor]:
        return Edge(source, 0, None)
    fence = Fence(op, index, barrier, entry=True)
    return Edge(source, 0 if fence.is_free else 1, fence)


def assignments(flat: FlatGraph) -> Assigned:
    """For the handle or reference of each variable what is assigned to it: op, input, value; initializers left out."""
    found: Assigned = {}
    kinds = {
        kind
        for kind, each in enumerate(flat.kind_table)
        if each.type.startswith(("Assign", "ResourceScatter", "Scatter"))
    }
    for op in (op for op, kind in enumerate(flat.kinds) if kind in kinds):
        inputs = flat.inputs[op]
        handle = root(flat, inputs[0]) if inputs else -1
        if handle >= 0 and flat.names[op] != flat.names[flat.producer[handle]] + "/Assign":
            found.setdefault(handle, []).extend((op, index, source) for index, source in enumerate(inputs) if index)
    return found
