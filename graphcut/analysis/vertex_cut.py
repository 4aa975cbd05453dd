"""A minimum vertex cut: the smallest set of tensors that every path from the loss to some others passes.

The graph is reduced first. (1) Tensors on no path are left out; those that must not be cut lie on the side of the loss and are
merged with it. (2) If every path to a tensor passes another tensor that may be cut (a dominator), cutting that one is as good.
(3) A tensor directly between the loss and the end is in every cut. ``smallest`` searches the rest; if there are several
smallest cuts, it returns the one nearest the loss.

The smallest set of nodes that every path passes has as many nodes as there are disjoint paths (Menger, 1927).

Every node is an arc with a capacity of one path, or unlimited capacity if it must not be cut. Paths are found in phases: each
phase searches for as many paths as it can from the source and enters no node twice (A. Pothen, C.-J. Fan, "Computing the block
triangular form of a sparse matrix", 1990). A phase that finds none has visited everything reachable, so there is no other path
(Ford and Fulkerson). Of several smallest sets it is the one nearest the sink. networkx's flow algorithms give the same result,
but take 20 times as long for sets of thousands of nodes, because their arcs are dictionaries.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import (
    AbstractSet,
    Callable,
    Deque,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from graphcut.graph.traverse import find_reachable, walk_depth_first

LOSS = -1
Steps = Callable[[int], Iterable[int]]


@dataclass(frozen=True)
class Paths:
    """All paths from the loss to the ends.

    ``order``: the tensors on them, nearest the loss first except in loops; ``steps``: the next tensors after each tensor;
    ``starts``: the tensors of the loss; ``fixed``: the tensors that must not be cut because other paths need them, with all
    tensors between them and the loss; ``rigid``: the tensors that cannot be cut; ``ends``: the tensors to cut off.
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
    """Return the tensors of the smallest cut nearest the loss; ``Uncuttable`` if there is none."""
    before, last = _reduce(paths)
    for node, tensor in last.items():
        if node == LOSS:
            raise Uncuttable(tensor)
    forced = {node for node in last if LOSS in before[node]}
    for node in forced & paths.rigid:
        raise Uncuttable(last[node])
    rest = [node for node in before if node not in forced]
    after = {node: [each for each in before[node] if each != LOSS and each not in forced] for node in rest}
    result = smallest(after, last.keys() & after.keys(), {node for node in rest if LOSS in before[node]}, paths.rigid)
    if result is None:
        raise Uncuttable(next(last[node] for node in rest if node in last))
    return frozenset(result | forced)


def smallest_cuts(
    paths: Paths, alike: Callable[[int], AbstractSet[int]], most: int, searches: int
) -> Tuple[List[FrozenSet[int]], bool]:
    """Return smallest cuts, the one nearest the loss first, and whether these are all.

    Each further cut is the smallest one that excludes some tensors of the cuts before it. A smallest cut without the excluded
    tensors is either the result of a search or lacks a tensor of that result, so the searches find all of them.

    Args:
        paths: all paths.
        alike: returns all tensors that count as the same place as a tensor; cuts differ in places.
        most: the maximum number of cuts.
        searches: the maximum number of searches.

    Raises:
        Uncuttable: there is no cut.
    """
    cuts = [smallest_cut(paths)]
    waiting: Deque[FrozenSet[int]] = deque(frozenset(alike(tensor)) for tensor in sorted(cuts[0]))
    seen = set(waiting)
    while waiting and searches > 0:
        away, searches = waiting.popleft(), searches - 1
        try:
            cut = smallest_cut(replace(paths, rigid=paths.rigid | away))
        except Uncuttable:
            continue
        if len(cut) > len(cuts[0]):
            continue
        if cut not in cuts:
            cuts.append(cut)
            if len(cuts) > most:
                return cuts[:most], False
        fresh = [away | alike(tensor) for tensor in sorted(cut)]
        waiting.extend(each for each in dict.fromkeys(fresh) if each not in seen)
        seen.update(fresh)
    return cuts, not waiting


def _reduce(paths: Paths) -> Tuple[Before, Mapping[int, int]]:
    """Return the remaining nodes with their predecessors, and the nodes right before an end, with that end."""
    stands_for: Dict[int, int] = {}
    before: Dict[int, Set[int]] = {tensor: {LOSS} for tensor in paths.starts}
    last: Dict[int, int] = {}
    late = _loop_targets(paths)
    for tensor in paths.order:
        following = before.setdefault(tensor, set())
        single = next(iter(following)) if len(following) == 1 and tensor not in late else LOSS
        free = single != LOSS and single not in paths.rigid
        node = LOSS if tensor in paths.fixed else single if free else tensor
        stands_for[tensor] = node
        for source in paths.steps(tensor):
            before.setdefault(source, set()).add(node)
        if tensor in paths.ends:
            last.setdefault(node, tensor)
    nodes = {node for node in stands_for.values() if node != LOSS}
    return {node: before[node] - {node} for node in sorted(nodes)}, last


def _loop_targets(paths: Paths) -> FrozenSet[int]:
    """Return the tensors to which a loop leads back; not all their predecessors are known when they are visited."""
    seen: Set[int] = set()
    late: Set[int] = set()
    for tensor in paths.order:
        seen.add(tensor)
        late.update(source for source in paths.steps(tensor) if source in seen)
    return frozenset(late)


_ANY = 1 << 60


class Network(NamedTuple):
    """A flow network with numbered arcs: ``heads`` has the end of each arc, and ``capacity`` its remaining capacity.

    The reverse of an arc has the same number with the last bit flipped. Node ``i`` is entered at ``2 * i`` and left at
    ``2 * i + 1``, and ``arcs`` holds the arcs that leave each of these ends; the last two ends are the source and the sink.
    """

    arcs: Sequence[List[int]]
    heads: List[int]
    capacity: List[int]

    @property
    def source(self) -> int:
        return len(self.arcs) - 2

    @property
    def sink(self) -> int:
        return len(self.arcs) - 1


def smallest(
    after: Mapping[int, Iterable[int]], starts: AbstractSet[int], ends: AbstractSet[int], rigid: AbstractSet[int]
) -> Optional[Set[int]]:
    """Return the smallest set of nodes that cuts every path from start to end; ``None`` if a path has only rigid nodes.

    Args:
        after: the successors of each node.
        starts: where paths begin.
        ends: where they end. If there are several smallest sets, the result is the one nearest the ends.
        rigid: the nodes that must not be in the set.
    """
    if _passes(after, starts, ends, rigid):
        return None
    nodes = list(after)
    network = _network(nodes, after, starts, ends, rigid)
    other = network._replace(arcs=[each[::-1] for each in network.arcs])
    # Alternate the order in which arcs are tried; otherwise some would always be the last.
    while _augment(network) and _augment(other):
        pass
    near = _reaches_sink(network)
    return {node for place, node in enumerate(nodes) if 2 * place not in near and 2 * place + 1 in near}


def _passes(
    after: Mapping[int, Iterable[int]], starts: AbstractSet[int], ends: AbstractSet[int], rigid: AbstractSet[int]
) -> bool:
    """Return whether a path leads through rigid nodes only."""
    return any(
        node in ends for node in walk_depth_first(starts & rigid, lambda node: [each for each in after[node] if each in rigid])
    )


def _network(
    nodes: Sequence[int],
    after: Mapping[int, Iterable[int]],
    starts: AbstractSet[int],
    ends: AbstractSet[int],
    rigid: AbstractSet[int],
) -> Network:
    network = Network([[] for _ in range(2 * len(nodes) + 2)], [], [])
    places: Dict[int, int] = {node: place for place, node in enumerate(nodes)}
    for place, node in enumerate(nodes):
        _add(network, 2 * place, 2 * place + 1, _ANY if node in rigid else 1)
        for each in after[node]:
            _add(network, 2 * place + 1, 2 * places[each], _ANY)
        if node in ends:
            _add(network, 2 * place + 1, network.sink, _ANY)
        if node in starts:
            _add(network, network.source, 2 * place, _ANY)
    return network


def _add(network: Network, tail: int, head: int, capacity: int) -> None:
    """Add an arc and its reverse, which has the capacity to undo flow."""
    for start, end, left in ((tail, head, capacity), (head, tail, 0)):
        network.arcs[start].append(len(network.heads))
        network.heads.append(end)
        network.capacity.append(left)


def _augment(network: Network) -> bool:
    """Run one phase, and return whether it found a path."""
    arcs, heads, capacity = network
    source, sink = network.source, network.sink
    tried, seen = [0] * len(arcs), bytearray(len(arcs))
    seen[source], place, is_found = 1, source, False
    path: List[int] = []
    while True:
        leaving, at = arcs[place], tried[place]
        while at < len(leaving) and (not capacity[leaving[at]] or seen[heads[leaving[at]]]):
            at += 1
        tried[place] = at + 1
        if at < len(leaving):
            path.append(leaving[at])
            place = heads[leaving[at]]
            seen[place] = place != sink
        elif path:
            place = heads[path.pop() ^ 1]
        else:
            return is_found
        if place == sink:
            for arc in path:
                capacity[arc] -= 1
                capacity[arc ^ 1] += 1
            path, place, is_found = [], source, True


def _reaches_sink(network: Network) -> Set[int]:
    """Return the nodes from which the sink can still be reached."""
    heads, capacity = network.heads, network.capacity
    return find_reachable([network.sink], lambda node: [heads[arc] for arc in network.arcs[node] if capacity[arc ^ 1]])
