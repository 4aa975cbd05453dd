"""Merge without losing information: ops that only read a variable or pass a tensor on, and unbranched rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Container, Dict, Iterator, Tuple

from networkx.utils import UnionFind

from graphcut.graph.dtypes import RESOURCE
from graphcut.render.picture.coarsen.merge import Kinds
from graphcut.render.picture.quotient import PLAIN, Sketch, merge_nodes

if TYPE_CHECKING:
    from graphcut.render.picture.ops import Ops


def without_readers(sketch: Sketch, ops: Ops, kinds: Kinds) -> Sketch:
    """Return the sketch with each op that only reads a variable merged into the variable's node."""
    consumers = sketch.consumers()
    owner: Dict[int, int] = {}
    waiting = list(kinds.outcomes)
    taken = {*kinds.fixed, *kinds.outcomes}
    for op in waiting:
        for reader in consumers.get(op, ()):
            if reader not in taken and _only_reads(ops, reader, owner.get(op, op)):
                taken.add(reader)
                owner[reader] = owner.get(op, op)
                waiting.append(reader)
    return _named_for(merge_nodes(sketch, lambda node: owner.get(node, node)), owner)


def _named_for(sketch: Sketch, owner: Dict[int, int]) -> Sketch:
    """Return the sketch with each merged node named after its variable, whatever the order of ops in the file."""

    def name(node: int) -> int:
        return owner.get(node, node)

    nodes = {name(node): ops for node, ops in sketch.nodes.items()}
    return Sketch(nodes, {(name(way[0]), name(way[1]), way[2]): info for way, info in sketch.edges.items()})


def _only_reads(ops: Ops, reader: int, variable: int) -> bool:
    """Return whether an op's inputs are only handles, or (``w/read``) the variable itself from inside its scope."""
    inputs = ops.flat.inputs[reader]
    if len(inputs) == 1 and ops.name(reader).startswith(ops.name(variable) + "/"):
        return True
    return bool(inputs) and all(ops.flat.dtypes[tensor] == RESOURCE for tensor in inputs)


def contract_plumbing(sketch: Sketch, kinds: Kinds) -> Sketch:
    """Merge each op that only passes its input on with its one producer, else with its one consumer.

    Merging it with both would close a cycle if a second path leads around it.
    """
    if not kinds.plumbing:
        return sketch
    leads, led = sketch.producers(), sketch.consumers()
    pairs = UnionFind()
    for consumer, producer in _inner_edges(sketch, kinds):
        takes = consumer in kinds.plumbing and len(leads[consumer]) == 1
        hands = producer in kinds.plumbing and len(led[producer]) == 1 != len(leads[producer])
        if takes or hands:
            pairs.union(consumer, producer)
    return merge_nodes(sketch, lambda node: pairs[node])


def without_rows(sketch: Sketch, kinds: Kinds, among: Container[int]) -> Sketch:
    """Merge the ops of each unbranched row in one scope, for the ops in ``among``."""
    leads, led = _counts(sketch)
    scopes = kinds.scopes(sketch)
    following = {
        consumer: producer
        for consumer, producer in _inner_edges(sketch, kinds)
        if leads[consumer] == 1 == led[producer]
        and scopes[consumer] == scopes[producer]
        and consumer in among
        and producer in among
    }
    head: Dict[int, int] = {}
    for start in following.keys() - following.values():
        at = start
        while at in following:
            at = following[at]
            head[at] = start
    return merge_nodes(sketch, lambda node: head.get(node, node))


def _counts(sketch: Sketch) -> Tuple[Dict[int, int], Dict[int, int]]:
    """Return the out-degree and the in-degree of each node."""
    leads, led = dict.fromkeys(sketch.nodes, 0), dict.fromkeys(sketch.nodes, 0)
    for consumer, producer, _ in sketch.edges:
        leads[consumer] += 1
        led[producer] += 1
    return leads, led


def _inner_edges(sketch: Sketch, kinds: Kinds) -> Iterator[Tuple[int, int]]:
    """Yield the edges without a label between plain nodes that are both live or both not."""
    live = kinds.live
    plain = {node for node in sketch.nodes if kinds.plain(node)}
    for (consumer, producer, _), info in sketch.edges.items():
        quiet = info is PLAIN or not (info.conditions or info.loop or info.marks)
        if quiet and consumer in plain and producer in plain and (consumer in live) == (producer in live):
            yield consumer, producer
