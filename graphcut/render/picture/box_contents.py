"""The contents of a box that stands for several ops, as a separate picture of these ops and their edges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Dict, Mapping, Tuple

from graphcut.render.picture import ops as numbered
from graphcut.render.picture.build import draw_sketch, prepare_sketch, whole
from graphcut.render.picture.coarsen.contract import contract_plumbing
from graphcut.render.picture.coarsen.levels import readable
from graphcut.render.picture.coarsen.merge import Kinds
from graphcut.render.picture.quotient import CUT, EdgeInfo, Sketch, Way, merge_nodes
from graphcut.render.picture.view import PictureOptions
from graphcut.util.gc import collector_paused

if TYPE_CHECKING:
    import networkx as nx

    from graphcut.render.protocols import PictureFacts

_BOXES, _FEW, _RUNS, _OPS = 24, 4, 12, 20_000
_WHOLE, _PART = PictureOptions(), PictureOptions(boxes=_BOXES)


def picture_with_contents(facts: PictureFacts) -> Tuple[nx.MultiDiGraph, Dict[str, nx.MultiDiGraph]]:
    """Return the picture, and the contents of each box that can be opened, by node.

    A box can be opened if its contents are at least two boxes and at most 20,000 ops.
    """
    with collector_paused():
        ops = numbered.ops(facts)
        sketch, kinds = prepare_sketch(facts, ops, _WHOLE)
        small = readable(sketch, kinds, _WHOLE)
        parts = {node: _readable(part, kinds) for node, part in _parts(sketch, small).items()}
        insides = {node: draw_sketch(facts, ops, part, sketch.edges) for node, part in parts.items() if len(part) > 1}
        places = {f"n{at}": insides[node] for at, node in enumerate(small.nodes) if node in insides}
        return whole(facts, ops, small), places


def _parts(whole: Sketch, small: Sketch) -> Mapping[int, Sketch]:
    """Return the part of ``whole`` in each node of ``small`` that holds several, but not too many, of its nodes."""
    owner = {op: node for node, ops in small.nodes.items() if 1 < len(ops) <= _OPS for op in ops}
    nodes: Dict[int, Dict[int, Tuple[int, ...]]] = {}
    edges: Dict[int, Dict[Way, EdgeInfo]] = {}
    for node, ops in whole.nodes.items():
        if node in owner:
            nodes.setdefault(owner[node], {})[node] = ops
    for way, info in whole.edges.items():
        if owner.get(way[0], -1) == owner.get(way[1]):
            edges.setdefault(owner[way[0]], {})[way] = info
    return {node: Sketch(result, edges.get(node, {})) for node, result in nodes.items() if len(result) > 1}


def _readable(part: Sketch, kinds: Kinds) -> Sketch:
    barred = {consumer for consumer, _, line in part.edges if line == CUT}
    known = replace(kinds, fixed=frozenset(barred | kinds.losses))
    plain = contract_plumbing(part, known)
    if len(plain) <= _BOXES:
        return plain
    result = readable(part, known, _PART)
    return result if len(result) >= _FEW else _in_runs(plain, known)


def _in_runs(part: Sketch, kinds: Kinds) -> Sketch:
    """Merge ops that follow each other in the graph into a few boxes, if there are no scopes, as in a long row."""
    length = -(-len(part) // _RUNS)
    place = {node: at // length for at, node in enumerate(sorted(part.nodes))}
    return merge_nodes(part, lambda node: (place[node], node in kinds.fixed, kinds.outcomes.get(node), node in kinds.live))
