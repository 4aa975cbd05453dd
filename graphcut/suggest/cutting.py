"""The smallest set of tensors that every path from the loss to some others passes: a minimum vertex cut.

The graph is reduced first. (1) Tensors that are no end of a path are left out; those that must not be cut lie on the side
of the loss and become one with it. (2) A tensor to which every path leads through one other, which may be cut, is as good
as that one (a dominator). (3) A tensor right between the loss and the end is in every cut. What is left goes to networkx,
piece by piece; of several smallest cuts its ``minimum_cut`` takes the one nearest the sink, which here is the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Callable, Dict, FrozenSet, Iterable, Mapping, Sequence, Set, Tuple

import networkx as nx

LOSS, END = -1, -2
Steps = Callable[[int], Iterable[int]]


@dataclass(frozen=True)
class Paths:
    """All paths from the loss to the ends.

    ``order``: the tensors on them, nearest the loss first but for loops; ``steps``: from a tensor to the next ones;
    ``starts``: those that the loss itself is; ``fixed``: those that must not be cut because of what else they serve, closed
    towards the loss; ``rigid``: those that cannot be cut; ``ends``: those that must be cut off.
    """

    order: Sequence[int]
    steps: Steps
    starts: AbstractSet[int]
    fixed: AbstractSet[int]
    rigid: AbstractSet[int]
    ends: AbstractSet[int]


class Uncuttable(Exception):
    """Some path has no tensor that may be cut; ``tensor`` is where it ends."""

    def __init__(self, tensor: int) -> None:
        super().__init__(tensor)
        self.tensor = tensor


Before = Mapping[int, AbstractSet[int]]


def smallest_cut(paths: Paths) -> FrozenSet[int]:
    """The tensors of a smallest cut, the one nearest the loss; ``Uncuttable`` where there is none."""
    before, last = _reduced(paths)
    for node, tensor in last.items():
        if node == LOSS:
            raise Uncuttable(tensor)
    forced = {node for node in last if LOSS in before[node]}
    for node in forced & paths.rigid:
        raise Uncuttable(last[node])
    found = set(forced)
    for piece in _pieces(before, forced, last):
        found |= _cut(piece, before, forced, last, paths.rigid)
    return frozenset(found)


def _reduced(paths: Paths) -> Tuple[Before, Mapping[int, int]]:
    """The nodes left with those before each of them, and the nodes right before an end, with that end."""
    stands_for: Dict[int, int] = {}
    before: Dict[int, Set[int]] = {tensor: {LOSS} for tensor in paths.starts}
    last: Dict[int, int] = {}
    late = _late(paths)
    for tensor in paths.order:
        known = before.setdefault(tensor, set())
        single = next(iter(known)) if len(known) == 1 and tensor not in late else LOSS
        free = single != LOSS and single not in paths.rigid
        node = LOSS if tensor in paths.fixed else single if free else tensor
        stands_for[tensor] = node
        for source in paths.steps(tensor):
            before.setdefault(source, set()).add(node)
        if tensor in paths.ends:
            last.setdefault(node, tensor)
    kept = {node for node in stands_for.values() if node != LOSS}
    return {node: before[node] - {node} for node in sorted(kept)}, last


def _late(paths: Paths) -> FrozenSet[int]:
    """The tensors that a loop leads back to: not all that is before them is known when it is their turn."""
    seen: Set[int] = set()
    late: Set[int] = set()
    for tensor in paths.order:
        seen.add(tensor)
        late.update(source for source in paths.steps(tensor) if source in seen)
    return frozenset(late)


def _pieces(before: Before, forced: AbstractSet[int], last: Mapping[int, int]) -> Iterable[Set[int]]:
    """The parts of what is left that no path connects."""
    graph = nx.Graph()
    graph.add_nodes_from(node for node in before if node not in forced)
    graph.add_edges_from(
        (node, each) for node in list(graph) for each in before[node] if each != LOSS and each not in forced
    )
    return [piece for piece in nx.connected_components(graph) if not piece.isdisjoint(last)]


def _cut(
    piece: Iterable[int], before: Before, forced: AbstractSet[int], last: Mapping[int, int], rigid: AbstractSet[int]
) -> Set[int]:
    """networkx's smallest cut of one piece. Every node is an edge of capacity one, or of none where it cannot be cut."""
    graph = nx.DiGraph()
    graph.add_nodes_from([LOSS, END])
    nodes = sorted(piece)
    for node in nodes:
        graph.add_edge((node, 0), (node, 1), **({} if node in rigid else {"capacity": 1}))
        for each in before[node] - forced:
            graph.add_edge((node, 1), LOSS if each == LOSS else (each, 0))
        if node in last:
            graph.add_edge(END, (node, 0))
    try:
        _, (far, near) = nx.minimum_cut(graph, END, LOSS)
    except nx.NetworkXUnbounded:
        raise Uncuttable(next(last[node] for node in nodes if node in last)) from None
    return {node for node in nodes if (node, 0) in far and (node, 1) in near}
