"""Fewer boxes for more ops, until the picture can be read.

Nodes that a barrier separates are never merged: every node has a *side*, the barriers that lie between it and the ops
that a gradient passes, and only nodes of one side share a box. The loss and the ops at a barrier keep their own; where
that is too much, barriers of one kind whose gradient comes from the same box share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Hashable, Iterator, List, Mapping, Sequence, Tuple

import networkx as nx

from graphcut.drawing.boxes import Line
from graphcut.drawing.scopes import common_scope

if TYPE_CHECKING:
    Key = Callable[[str], Hashable]

_FEW = 25
_READABLE = 60


def merged(picture: nx.MultiDiGraph, key: Key) -> nx.MultiDiGraph:
    """The picture with the nodes of one ``key`` made one, named for the first of them."""
    members: Dict[Hashable, List[str]] = {}
    for node in picture:
        members.setdefault(key(node), []).append(node)
    head = {node: nodes[0] for nodes in members.values() for node in nodes}
    small = nx.MultiDiGraph()
    for nodes in members.values():
        small.add_node(nodes[0], ops=tuple(op for node in nodes for op in picture.nodes[node]["ops"]))
    for consumer, producer, line, told in picture.edges(keys=True, data=True):
        edge = (head[consumer], head[producer], line)
        if edge[0] != edge[1]:
            small.add_edge(*edge, **_joined(small.get_edge_data(*edge), told))
    return small


def _joined(one: Any, other: Any) -> Any:
    """What two edges tell, said once; together they come round a loop only if both do."""
    if not one:
        return other
    both = {name: tuple(dict.fromkeys(one[name] + other[name])) for name in ("barricades", "conditions")}
    return {**both, "loop": one["loop"] and other["loop"]}


@dataclass(frozen=True)
class Kinds:
    """What tells nodes apart. ``fixed``: the loss and the ops at a barrier, with a key that those alike share.

    ``fates``: the variables, with what each gets. ``live``: the ops that a gradient passes.
    ``plumbing``: the ops that only hand a tensor into or out of a function.
    """

    fixed: Mapping[str, Hashable]
    fates: Mapping[str, Hashable]
    live: FrozenSet[str]
    plumbing: FrozenSet[str]

    def plain(self, node: str) -> bool:
        """Neither loss nor barrier nor variable."""
        return node not in self.fixed and node not in self.fates


def readable(picture: nx.MultiDiGraph, kinds: Kinds) -> nx.MultiDiGraph:
    """The finest merging that can be read: plumbing, then unbranched chains, then scopes, inner ones first."""
    picture = merged(picture, _plumbing_key(picture, kinds))
    if len(picture) <= _FEW:
        return picture
    picture = merged(picture, _chain_key(picture, kinds))
    if len(picture) <= _READABLE:
        return picture
    depths = range(max(len(common_scope(ops)) for _, ops in picture.nodes(data="ops")), -1, -1)
    found = _first_that(lambda depth: _by_scope(picture, kinds, depth, {}), depths, _READABLE)
    if len(found) <= _READABLE:
        return found
    return _by_scope(picture, kinds, 0, _alike(found, kinds))


def _first_that(make: Callable[[int], nx.MultiDiGraph], depths: Sequence[int], limit: int) -> nx.MultiDiGraph:
    """The picture of the first depth that has at most ``limit`` boxes, else of the last; found by bisection."""
    low, high = 0, len(depths) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(make(depths[middle])) <= limit else (middle + 1, high)
    return make(depths[low])


def _by_scope(picture: nx.MultiDiGraph, kinds: Kinds, depth: int, alike: Mapping[str, Hashable]) -> nx.MultiDiGraph:
    """One box for the ops of a scope ``depth`` deep, and one for variables of one fate that hang on the same box."""
    keys = {**kinds.fixed, **alike}
    sides = _sides(picture, kinds, keys)
    scopes = {node: common_scope(ops)[:depth] for node, ops in picture.nodes(data="ops")}

    def key(node: str) -> Hashable:
        if node in keys:
            return keys[node]
        return kinds.fates.get(node), scopes[node], sides[node], node in kinds.live

    small = merged(picture, key)
    readers = {node: frozenset(small.in_edges(node, keys=True)) for node in small}
    sources = {node: frozenset(consumer for consumer, _, _ in edges) for node, edges in readers.items()}

    def leaf_key(node: str) -> Hashable:
        if node in kinds.fates and node not in keys and not small.out_degree(node):
            return kinds.fates[node], sources[node], sides[node]
        return node

    return merged(small, leaf_key)


def _alike(picture: nx.MultiDiGraph, kinds: Kinds) -> Dict[str, Hashable]:
    """For each op at a barrier what it shares with others: the kinds of barrier, and where a gradient comes from."""
    alike: Dict[str, Hashable] = {}
    for node in {node: None for node, _, line in picture.edges(keys=True) if line is Line.CUT}:
        barriers = {each.barrier for _, _, told in picture.out_edges(node, data="barricades") for each in told}
        if node not in kinds.live:
            alike[node] = frozenset(barriers), frozenset(picture.predecessors(node))
    return alike


def _sides(picture: nx.MultiDiGraph, kinds: Kinds, keys: Mapping[str, Hashable]) -> Dict[str, Tuple[int, int]]:
    """For each node, as bits, the barriers between it and a live op, and the branches that every live route passes.

    Loop-carried edges are not followed.
    """
    ahead = _without_loops(picture)
    bits: Dict[Hashable, int] = {}
    barriers, branches = dict.fromkeys(picture, 0), dict.fromkeys(picture, -1)
    for node in nx.topological_sort(ahead):
        branches[node] = max(branches[node], 0)
        for _, producer, line, told in ahead.out_edges(node, keys=True, data=True):
            if line is Line.LIVE:
                branches[producer] &= branches[node] | _bit(bits, told["conditions"])
            elif producer not in kinds.live:
                barriers[producer] |= barriers[node] | _bit(bits, line is Line.CUT and keys.get(node, node))
    return {node: (barriers[node], branches[node]) for node in picture}


def _bit(bits: Dict[Hashable, int], key: Hashable) -> int:
    """A bit of its own for each ``key``; none for an empty one."""
    return bits.setdefault(key, 1 << len(bits)) if key else 0


def _without_loops(picture: nx.MultiDiGraph) -> nx.MultiDiGraph:
    ahead = nx.MultiDiGraph()
    ahead.add_nodes_from(picture)
    ahead.add_edges_from(edge for edge in picture.edges(keys=True, data=True) if not edge[-1]["loop"])
    return ahead


def _chain_key(picture: nx.MultiDiGraph, kinds: Kinds) -> Key:
    """Ops that stand in an unbranched row share a key."""
    chains = nx.utils.UnionFind(picture)
    for consumer, producer in _inner_edges(picture, kinds):
        if picture.out_degree(consumer) == 1 == picture.in_degree(producer):
            chains.union(consumer, producer)
    return lambda node: chains[node]


def _plumbing_key(picture: nx.MultiDiGraph, kinds: Kinds) -> Key:
    """What only hands on goes with the one op that it takes from, else with the one that it hands to.

    With both it would close a cycle where a second way leads round it.
    """
    pairs = nx.utils.UnionFind(picture)
    for consumer, producer in _inner_edges(picture, kinds):
        takes = consumer in kinds.plumbing and picture.out_degree(consumer) == 1
        hands = producer in kinds.plumbing and picture.in_degree(producer) == 1 != picture.out_degree(producer)
        if takes or hands:
            pairs.union(consumer, producer)
    return lambda node: pairs[node]


def _inner_edges(picture: nx.MultiDiGraph, kinds: Kinds) -> Iterator[Tuple[str, str]]:
    """The edges between plain ops, both live or both not, that say nothing of their own."""
    for consumer, producer, told in picture.edges(data=True):
        plain = kinds.plain(consumer) and kinds.plain(producer) and not told["conditions"] and not told["loop"]
        if plain and (consumer in kinds.live) == (producer in kinds.live):
            yield consumer, producer
