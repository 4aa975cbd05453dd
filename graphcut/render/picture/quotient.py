"""A sketch: the ops to draw and the edges between them, by number, before anything is named.

Edges point as the gradient does, from consumer to producer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Hashable, List, Mapping, NamedTuple, Tuple

from graphcut.render.picture.barrier_marks import Barricade
from graphcut.results import Condition

LIVE, LOST, CUT, BEHIND = range(4)
Key = Callable[[int], Hashable]
Way = Tuple[int, int, int]


class Told(NamedTuple):
    """What is known of an edge: its barriers, the branch that it enters, whether it comes round a loop."""

    barricades: Tuple[Barricade, ...] = ()
    conditions: Tuple[Condition, ...] = ()
    loop: bool = False


PLAIN = Told()


@dataclass(frozen=True)
class Sketch:
    """``nodes`` maps each node to the ops it stands for; ``edges`` maps (consumer, producer, line) to what is told."""

    nodes: Mapping[int, Tuple[int, ...]]
    edges: Mapping[Way, Told]

    def __len__(self) -> int:
        return len(self.nodes)

    def producers(self) -> Dict[int, List[int]]:
        """For each node those it leads to, once for each edge."""
        found: Dict[int, List[int]] = {node: [] for node in self.nodes}
        for consumer, producer, _ in self.edges:
            found[consumer].append(producer)
        return found

    def consumers(self) -> Dict[int, List[int]]:
        """For each node those that lead to it, once for each edge."""
        found: Dict[int, List[int]] = {node: [] for node in self.nodes}
        for consumer, producer, _ in self.edges:
            found[producer].append(consumer)
        return found

    def within(self, nodes: Mapping[int, object]) -> Sketch:
        """The part that lies in ``nodes``."""
        kept = {way: told for way, told in self.edges.items() if way[0] in nodes and way[1] in nodes}
        return Sketch({node: ops for node, ops in self.nodes.items() if node in nodes}, kept)


def merged(sketch: Sketch, key: Key) -> Sketch:
    """The sketch with the nodes of one ``key`` made one, named for the first of them; what is cut stays an edge, if need be
    from a node to itself."""
    heads: Dict[Hashable, int] = {}
    head: Dict[int, int] = {}
    members: Dict[int, List[int]] = {}
    for node, ops in sketch.nodes.items():
        at = head[node] = heads.setdefault(key(node), node)
        if at == node:
            members[at] = list(ops)
        else:
            members[at].extend(ops)
    edges: Dict[Way, Told] = {}
    for (consumer, producer, line), told in sketch.edges.items():
        way = head[consumer], head[producer], line
        if way[0] != way[1] or line == CUT:
            edges[way] = _joined(edges[way], told) if way in edges else told
    return Sketch({node: tuple(ops) for node, ops in members.items()}, edges)


def _joined(one: Told, other: Told) -> Told:
    """What two edges tell, said once; together they come round a loop only if both do."""
    if one is PLAIN and other is PLAIN:
        return PLAIN
    barricades = tuple(dict.fromkeys(one.barricades + other.barricades))
    return Told(barricades, tuple(dict.fromkeys(one.conditions + other.conditions)), one.loop and other.loop)
