"""Merge nodes into boxes, and keep separate what a reader must see separately.

Nodes on different sides of a barrier are never merged. The *side* of a node is the set of barriers between it and the ops that
a gradient passes, and the branches that every route to it takes. Barriers have boxes of their own, or share one with others of
their *family*. Barriers of a family may lie behind each other; the nodes behind any of them are on one side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, Hashable, List, Mapping, Set, Tuple
from typing import Counter as Counts

from graphcut.render.picture.quotient import CUT, LIVE, EdgeInfo, Sketch, Way, merge_nodes, merge_nodes_convex, merged_cycles
from graphcut.render.picture.scopes import common_scope, leaf_of

Side = Tuple[int, int]
Families = Mapping[int, Hashable]


@dataclass(frozen=True)
class Kinds:
    """The properties that keep nodes separate.

    ``fixed``: the loss and the ops at a barrier. ``outcomes``: the outcome of each variable. ``live``: the ops that a gradient
    passes. ``plumbing``: the ops that only pass a tensor into or out of a function. ``keep_separate``: the ops that the user
    wants to see. ``name`` returns the name of an op.
    """

    fixed: FrozenSet[int]
    losses: FrozenSet[int]
    outcomes: Mapping[int, Hashable]
    live: Mapping[int, Any]
    plumbing: FrozenSet[int]
    keep_separate: FrozenSet[int]
    name: Callable[[int], str]
    is_cut: bool = False

    def plain(self, node: int) -> bool:
        """Return whether a node is neither loss, barrier nor variable, and the user did not ask to see it."""
        return node not in self.fixed and node not in self.outcomes and node not in self.keep_separate

    def scopes(self, sketch: Sketch) -> Dict[int, Tuple[str, ...]]:
        """Return the innermost scope of each node.

        An op with the name of a scope of several others belongs to it: ``softmax`` to that of ``softmax/Reshape`` and
        ``softmax/Mul``.
        """
        result = {node: common_scope([self.name(op) for op in ops]) for node, ops in sketch.nodes.items()}
        plain = [node for node in sketch.nodes if self.plain(node)]
        sizes: Counts[Tuple[str, ...]] = Counter()
        for scope, count in Counter(result[node] for node in plain).items():
            sizes.update({scope[:depth]: count for depth in range(1, len(scope) + 1)})
        own = {node: (*result[node], leaf_of(self.name(node))) for node in plain if len(sketch.nodes[node]) == 1}
        return {**result, **{node: scope for node, scope in own.items() if sizes[scope] > 1}}


def by_scope(
    sketch: Sketch, kinds: Kinds, scopes: Mapping[int, Hashable], sides: Mapping[int, Side], families: Families
) -> Sketch:
    """Merge the nodes of one scope and side, and variables with one outcome and the same consumers."""

    def key(node: int) -> Hashable:
        if node in kinds.keep_separate:
            return node
        if node in kinds.fixed:
            return families.get(node, node)
        return kinds.outcomes.get(node), scopes[node], sides[node], node in kinds.live

    small = merge_nodes_convex(sketch, key)
    readers: Dict[int, List[Tuple[int, int]]] = {node: [] for node in small.nodes}
    leads = set()
    for consumer, producer, line in small.edges:
        readers[producer].append((consumer, line))
        leads.add(consumer)

    def leaf_key(node: int) -> Hashable:
        if node in kinds.outcomes and node not in kinds.fixed and node not in leads and node not in kinds.keep_separate:
            return kinds.outcomes[node], frozenset(readers[node]), sides[node]
        return node

    return merge_nodes(small, leaf_key)


def fold_behind_barriers(sketch: Sketch, kinds: Kinds, sides: Mapping[int, Side]) -> Sketch:
    """Merge the nodes behind the same barriers in one outermost scope, and separately the variables there."""
    scopes = kinds.scopes(sketch)

    def key(node: int) -> Hashable:
        if node in kinds.keep_separate or node in kinds.fixed or not sides[node][0]:
            return node
        return kinds.outcomes.get(node), scopes[node][:1], sides[node]

    return merge_nodes_convex(sketch, key)


def flow_folded(sketch: Sketch, kinds: Kinds, sides: Mapping[int, Side]) -> Sketch:
    """Merge the boxes that get a gradient.

    Each side of an outermost scope gets one box for the ops that a gradient passes, and one for the variables that get a
    gradient in every run.
    """
    scopes = kinds.scopes(sketch)

    def key(node: int) -> Hashable:
        if node in kinds.keep_separate or node in kinds.fixed or node not in kinds.live or not scopes[node]:
            return node
        return kinds.outcomes.get(node), scopes[node][:1], sides[node]

    return merge_nodes_convex(sketch, key)


def barest(sketch: Sketch, kinds: Kinds, families: Families) -> Sketch:
    """Return the coarsest sketch.

    It has one box for each outcome of variables, one for each kind of barrier, and one each for ops that a gradient passes,
    ops that it reaches without reaching a variable, and ops that it never reaches.
    """
    sides = sides_of(sketch, kinds, families)

    def key(node: int) -> Hashable:
        if node in kinds.fixed:
            return "loss" if node in kinds.losses else families[node]
        return kinds.outcomes.get(node), sides[node][0] > 0, node in kinds.live

    return merge_nodes_convex(sketch, key)


def without_cycles(sketch: Sketch, kinds: Kinds) -> Sketch:
    """Merge barriers and the ops between them into one box, such as hundreds of stops in a row and their layers.

    Ops that a gradient passes stay separate from other ops, so no data edge leads from the latter to the former.
    """
    edges: Dict[Way, EdgeInfo] = {}
    for (consumer, producer, line), info in sketch.edges.items():
        rises = consumer not in kinds.live and producer in kinds.live and producer not in kinds.outcomes
        if not rises or line == CUT:
            edges[(consumer, consumer if rises else producer, line)] = info

    def is_loose(node: int) -> bool:
        return node not in kinds.losses and node not in kinds.outcomes and node not in kinds.keep_separate

    def key(node: int) -> Hashable:
        return (node in kinds.fixed, node in kinds.live) if is_loose(node) else node

    return merged_cycles(merge_nodes(Sketch(sketch.nodes, edges), key), is_loose)


def sides_of(sketch: Sketch, kinds: Kinds, families: Families) -> Dict[int, Side]:
    """Return, as a bit set for each node, the barriers between it and live ops, and the branches on every live route.

    Loop-carried edges are not followed.
    """
    ways: Dict[int, List[Tuple[int, int, int]]] = {node: [] for node in sketch.nodes}
    bits: Dict[Hashable, int] = {(): 0}
    for (consumer, producer, line), info in sketch.edges.items():
        if not info.loop and consumer != producer:
            mark = families.get(consumer, consumer) if line == CUT else info.conditions
            ways[consumer].append((producer, line, bits.setdefault(mark, 1 << len(bits))))
    barriers, branches = dict.fromkeys(sketch.nodes, 0), dict.fromkeys(sketch.nodes, -1)
    order = _consumers_first(ways)
    changed = True
    while changed:
        before = list(barriers.values()), list(branches.values())
        for node in order:
            here, taken = barriers[node], max(branches[node], 0)
            for producer, line, bit in ways[node]:
                if line == LIVE:
                    branches[producer] &= taken | bit
                elif producer not in kinds.live:
                    barriers[producer] |= here | bit
        changed = before != (list(barriers.values()), list(branches.values()))
    return {node: (barriers[node], max(branches[node], 0)) for node in sketch.nodes}


def _consumers_first(ways: Mapping[int, List[Tuple[int, int, int]]]) -> List[int]:
    """Return the nodes in topological order, consumers first; cycles are broken arbitrarily."""
    done: List[int] = []
    seen: Set[int] = set()
    for root in ways:
        stack = [] if root in seen else [(root, iter(ways[root]))]
        seen.add(root)
        while stack:
            node, further = stack[-1]
            fresh = next((way[0] for way in further if way[0] not in seen), None)
            if fresh is None:
                done.append(node)
                stack.pop()
            else:
                seen.add(fresh)
                stack.append((fresh, iter(ways[fresh])))
    return done[::-1]
