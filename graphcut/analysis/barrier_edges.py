"""The edges that a route can take from a tensor towards the inputs, each with its barrier if no gradient crosses it.

Crossing a barrier costs one. Tensors whose dtype cannot carry a gradient (integers, booleans, strings) form a *discrete area*.
Entering it, at an op that turns such a tensor into numbers (``Cast``), costs nothing. Leaving it, at the op that makes
discrete values from numbers (``ArgMax``, a comparison), costs one already: a soft choice instead of that op passes the
gradient through everything computed from it. An op that would pass no gradient even for float inputs is a separate barrier: a
comparison with the result of ``ArgMax``, a ``OneHot``, a logical op, another cast to integers.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from graphcut.analysis.reachability import Fill, Relation, connected_inputs
from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.backward_part import backward_part
from graphcut.graph.flat import FlatGraph
from graphcut.graph.names import Names
from graphcut.graph.writing_ops import writes
from graphcut.results import BarrierKind


class Fence(NamedTuple):
    """A barrier on one edge, into ``op`` at ``input``.

    ``entry``: the edge enters the discrete area, which has no gradients.
    """

    op: int
    input: int
    kind: BarrierKind
    entry: bool = False

    @property
    def is_free(self) -> bool:
        """Return whether crossing costs nothing: leaving the discrete area already costs one."""
        return self.entry and self.kind is BarrierKind.DTYPE


class Edge(NamedTuple):
    """An edge from a tensor to one of the tensors that it is computed from; it crosses ``cost`` barriers."""

    source: int
    cost: int
    fence: Optional[Fence]


Assigned = Dict[int, List[Tuple[int, int, int]]]


class Edges:
    """The edges of one relation. A call with a tensor returns its edges towards the inputs, in the graph's order."""

    def __init__(self, flow: GradientFlow, relation: Relation) -> None:
        self.flow, self.relation = flow, relation
        self._assigned = _assignments(flow.rules.flat)
        self._filled: Mapping[int, Fill] = {} if relation is connected_inputs else flow.fills
        self.is_open = self._opener()

    def __call__(self, tensor: int) -> Iterable[Edge]:
        if not self.is_open(tensor):
            return self._edges(tensor)
        flat = self.flow.rules.flat
        return [Edge(source, 0, None) for source in flat.inputs[flat.producer[tensor]]]

    def _opener(self) -> Callable[[int], bool]:
        """Return a function that tests whether a gradient passes from a tensor to every input, so that there is no barrier."""
        rules, relation, assigned = self.flow.rules, self.relation, self._assigned
        rows, row, passing = rules.rows, rules.row, rules.passing
        producer, first, inputs = rules.flat.producer, rules.flat.first_output, rules.flat.inputs
        barred = self.flow.stopped.union(self._filled)

        def is_open(tensor: int) -> bool:
            op = producer[tensor]
            if op in barred or tensor in assigned:
                return False
            sources = inputs[op]
            free = relation(rows[op] or row(op))[tensor - first[op]]
            return len(free) == len(sources) and False not in [passing[each] for each in sources]

        return is_open

    def _edges(self, tensor: int) -> Iterator[Edge]:
        flow, flat, passing = self.flow, self.flow.rules.flat, self.flow.rules.passing
        op = flat.producer[tensor]
        row = flow.rules.row(op)
        free = frozenset(() if flow.bounds.get(op) else self.relation(row)[tensor - flat.first_output[op]])
        for index, source in enumerate(flat.inputs[op]):
            if index in free and passing[source]:
                yield Edge(source, 0, None)
            elif index in free and source in flow.rules.unwatched:
                yield _unwatched_edge(op, index, source, flow.rules.unwatched[source])
            else:
                yield _blocked_edge(flow, tensor, op, index, source, row.barriers[index])
        for index, source in enumerate(self._filled[op].tensors) if op in self._filled else ():
            if source not in flat.inputs[op] and passing[source]:
                yield Edge(source, 1, Fence(flow.fills[op].group, index, BarrierKind.ZERO_FILLED))
        for op, index, source in self._assigned.get(tensor, ()):
            yield Edge(source, 1, Fence(op, index, BarrierKind.STATE))


def _unwatched_edge(op: int, index: int, source: int, barrier: Optional[BarrierKind]) -> Edge:
    return Edge(source, 0, None) if barrier is None else Edge(source, 1, Fence(op, index, barrier))


def _blocked_edge(flow: GradientFlow, tensor: int, op: int, index: int, source: int, barrier: Optional[BarrierKind]) -> Edge:
    bound = flow.bounds.get(op)
    if bound:
        return Edge(source, 1, Fence(op, index, bound))
    passing = flow.rules.passing
    barrier = barrier or BarrierKind.DTYPE
    if passing[source]:
        return Edge(source, 1, Fence(op, index, barrier))
    soft = flow.rules.soft_barrier(op, index) if barrier is BarrierKind.DTYPE or not passing[tensor] else None
    if soft is None and not passing[tensor]:
        return Edge(source, 0, None)
    fence = Fence(op, index, soft or barrier, entry=passing[tensor])
    return Edge(source, 0 if fence.is_free else 1, fence)


def _assignments(flat: FlatGraph) -> Assigned:
    """Return, for each variable, table or queue that is written, what is written to it: op, input and value.

    Leave out writes of gradients from the graph's own backward part: the forward graph existed before them.
    """
    part = backward_part(flat, Names(flat)).reached
    assignments: Assigned = {}
    for write in (each for each in writes(flat) if each.op not in part):
        values = [(write.op, index, flat.inputs[write.op][index]) for index in write.values]
        assignments.setdefault(write.handle, []).extend(values)
    return assignments
