"""A sketch: the ops to draw and the edges between them, by number, before boxes get titles.

Edges point as the gradient does, from consumer to producer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Container, Dict, Hashable, Iterator, List, Mapping, NamedTuple, Set, Tuple

import networkx as nx

from graphcut.graph.traverse import walk_depth_first
from graphcut.render.picture.barrier_marks import BarrierMark
from graphcut.results import Condition

LIVE, LOST, CUT, BEHIND = range(4)
Key = Callable[[int], Hashable]
Way = Tuple[int, int, int]
_REJOINED = 400


class EdgeInfo(NamedTuple):
    """The facts about an edge.

    They are its barriers, the branch that it enters, whether it is a loop back-edge, and whether it leads from a variable to
    the value that is assigned to it.
    """

    marks: Tuple[BarrierMark, ...] = ()
    conditions: Tuple[Condition, ...] = ()
    loop: bool = False
    state: bool = False


PLAIN = EdgeInfo()


@dataclass(frozen=True)
class Sketch:
    """``nodes`` maps each node to its ops; ``edges`` maps (consumer, producer, line) to facts about the edge."""

    nodes: Mapping[int, Tuple[int, ...]]
    edges: Mapping[Way, EdgeInfo]

    def __len__(self) -> int:
        return len(self.nodes)

    def producers(self) -> Dict[int, List[int]]:
        """Return the producers of each node, once for each edge."""
        result: Dict[int, List[int]] = {node: [] for node in self.nodes}
        for consumer, producer, _ in self.edges:
            result[consumer].append(producer)
        return result

    def consumers(self) -> Dict[int, List[int]]:
        """Return the consumers of each node, once for each edge."""
        result: Dict[int, List[int]] = {node: [] for node in self.nodes}
        for consumer, producer, _ in self.edges:
            result[producer].append(consumer)
        return result

    def restrict_to(self, nodes: Mapping[int, object]) -> Sketch:
        """Return the part of the sketch whose nodes are in ``nodes``."""
        kept = {way: info for way, info in self.edges.items() if way[0] in nodes and way[1] in nodes}
        return Sketch({node: ops for node, ops in self.nodes.items() if node in nodes}, kept)


def merge_nodes(sketch: Sketch, key: Key) -> Sketch:
    """Return the sketch with the nodes of one ``key`` merged into the first of them.

    An edge with a barrier is kept, even from a node to itself.
    """
    heads: Dict[Hashable, int] = {}
    head: Dict[int, int] = {}
    members: Dict[int, List[int]] = {}
    for node, ops in sketch.nodes.items():
        at = head[node] = heads.setdefault(key(node), node)
        if at == node:
            members[at] = list(ops)
        else:
            members[at].extend(ops)
    edges: Dict[Way, EdgeInfo] = {}
    for (consumer, producer, line), info in sketch.edges.items():
        way = head[consumer], head[producer], line
        if way[0] != way[1] or line == CUT:
            edges[way] = _merge_info(edges[way], info) if way in edges else info
    return Sketch({node: tuple(ops) for node, ops in members.items()}, edges)


def without_own_cuts(sketch: Sketch) -> Sketch:
    """Return the sketch with the cut of a node from itself drawn where the node leads to what is behind it."""
    own = {way[0]: info for way, info in sketch.edges.items() if way[0] == way[1]}
    leading = {way[0] for way in sketch.edges if way[0] in own and way[2] == BEHIND}
    edges: Dict[Way, EdgeInfo] = {}
    for way, info in sketch.edges.items():
        if way[0] not in leading:
            edges[way] = info
        elif way[2] == BEHIND:
            cut = (*way[:2], CUT)
            edges[cut] = _merge_info(sketch.edges.get(cut, PLAIN), own[way[0]])
        elif way[0] != way[1]:
            edges.setdefault(way, info)
    return Sketch(sketch.nodes, edges)


def _merge_info(one: EdgeInfo, other: EdgeInfo) -> EdgeInfo:
    """Merge the facts of two edges; the result goes around a loop (through state) only if both do."""
    if one is PLAIN and other is PLAIN:
        return PLAIN
    marks = tuple(dict.fromkeys(one.marks + other.marks))
    conditions = tuple(dict.fromkeys(one.conditions + other.conditions))
    return EdgeInfo(marks, conditions, one.loop and other.loop, one.state and other.state)


def merge_nodes_convex(sketch: Sketch, key: Key) -> Sketch:
    """Merge as ``merge_nodes`` does, but split a box that a path would leave and enter again.

    So the picture has a cycle only where the graph has one.

    Each op on a cycle of boxes has a *phase*: how often the longest path to it enters another box. Ops of one box and one
    phase stay together; phases of a box are merged again unless a path outside the box connects them.
    """
    keys = {node: key(node) for node in sketch.nodes}
    cyclic = _on_cycles(sketch, keys)
    if not cyclic:
        return merge_nodes(sketch, key)
    phases = _phases(sketch, keys, cyclic)
    parts = {node: (keys[node], phases.get(node, 0)) for node in sketch.nodes}
    return merge_nodes(sketch, _rejoin(sketch, parts, cyclic).__getitem__)


def _forward_edges(sketch: Sketch) -> Iterator[Tuple[int, int]]:
    """Return the edges that are neither loop back-edges nor state edges."""
    return ((way[0], way[1]) for way, info in sketch.edges.items() if not (info.loop or info.state))


def _on_cycles(sketch: Sketch, keys: Mapping[int, Hashable]) -> Set[Hashable]:
    """Return the keys whose merged nodes are on a cycle."""
    quotient = nx.DiGraph((keys[one], keys[other]) for one, other in _forward_edges(sketch) if keys[one] != keys[other])
    return {each for part in nx.strongly_connected_components(quotient) if len(part) > 1 for each in part}


def _phases(sketch: Sketch, keys: Mapping[int, Hashable], cyclic: Container[Hashable]) -> Dict[int, int]:
    inner = nx.DiGraph()
    inner.add_nodes_from(node for node in sketch.nodes if keys[node] in cyclic)
    inner.add_edges_from(edge for edge in _forward_edges(sketch) if edge[0] in inner and edge[1] in inner)
    phases = dict.fromkeys(inner, 0)
    for part in list(nx.strongly_connected_components(inner))[::-1]:  # one op each, unless the graph itself has a cycle
        for node in part:
            for producer in inner.successors(node):
                step = keys[producer] != keys[node]
                phases[producer] = max(phases[producer], phases[node] + step) if producer not in part else phases[node]
    return phases


def _rejoin(
    sketch: Sketch, parts: Mapping[int, Tuple[Hashable, int]], cyclic: Container[Hashable]
) -> Mapping[int, Tuple[Hashable, int]]:
    """Return the parts, with parts of one key merged again wherever that closes no cycle."""
    quotient = nx.DiGraph((parts[one], parts[other]) for one, other in _forward_edges(sketch) if parts[one] != parts[other])
    split: Dict[Hashable, List[Tuple[Hashable, int]]] = {}
    for part in dict.fromkeys(parts.values()):
        if part[0] in cyclic:
            split.setdefault(part[0], []).append(part)
    if sum(map(len, split.values())) > _REJOINED:
        return parts
    into: Dict[Tuple[Hashable, int], Tuple[Hashable, int]] = {}
    for members in split.values():
        ordered = sorted(members, key=lambda part: part[1])
        kept = ordered[0]
        for other in ordered[1:]:
            if other in quotient and kept in quotient and _is_around(quotient, kept, other):
                kept = other
            else:
                into[other] = kept
                _contract(quotient, kept, other)
    return {node: _last(into, part) for node, part in parts.items()}


def _is_around(quotient: nx.DiGraph, one: Hashable, other: Hashable) -> bool:
    """Return whether a path leads between two parts, in either direction, through a third."""
    for start, end in ((one, other), (other, one)):
        first = (each for each in quotient.successors(start) if each != end)
        if any(each == end for each in walk_depth_first(first, quotient.successors)):
            return True
    return False


def _contract(quotient: nx.DiGraph, kept: Hashable, other: Hashable) -> None:
    if other in quotient:
        quotient.add_edges_from([(kept, each) for each in quotient.successors(other) if each != kept])
        quotient.add_edges_from([(each, kept) for each in quotient.predecessors(other) if each != kept])
        quotient.remove_node(other)


def _last(into: Mapping[Tuple[Hashable, int], Tuple[Hashable, int]], part: Tuple[Hashable, int]) -> Tuple[Hashable, int]:
    return into.get(part, part)


def merged_cycles(sketch: Sketch, loose: Callable[[int], bool]) -> Sketch:
    """Return the sketch with the ``loose`` nodes of each cycle merged."""
    inner = nx.DiGraph(edge for edge in _forward_edges(sketch) if edge[0] != edge[1])
    head = {node: min(part) for part in nx.strongly_connected_components(inner) for node in part}
    return merge_nodes(sketch, lambda node: ("cycle", head[node]) if loose(node) and node in head else node)
