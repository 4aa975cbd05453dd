"""Build the picture: a small graph of boxes and links.

``picture`` selects the ops that matter for the cut (``select_ops.routes``), folds ops that only read a variable into the
variable, and merges the rest until it is small enough to read (``coarsen.levels``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, FrozenSet, Hashable, Mapping, Tuple

import networkx as nx

from graphcut.errors import GraphcutError
from graphcut.render.picture import ops as numbered
from graphcut.render.picture.barrier_marks import BarrierMark
from graphcut.render.picture.change_notes import mark_changes, mark_demands, note_of
from graphcut.render.picture.coarsen.contract import without_readers
from graphcut.render.picture.coarsen.levels import readable
from graphcut.render.picture.coarsen.merge import Kinds
from graphcut.render.picture.context import find_context
from graphcut.render.picture.model import Line, Link
from graphcut.render.picture.ops import op_of
from graphcut.render.picture.quotient import BEHIND, CUT, LIVE, LOST, EdgeInfo, Sketch, Way
from graphcut.render.picture.scopes import leaf_of
from graphcut.render.picture.select_ops import MISSING, routes
from graphcut.render.picture.titles import boxes
from graphcut.render.picture.view import AT_MOST, READABLE, PictureOptions, matching_numbers, neighbourhood, select_variables
from graphcut.util.gc import collector_paused

if TYPE_CHECKING:
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts
    from graphcut.results import VariableAudit

_LINES = {LIVE: Line.LIVE, LOST: Line.LOST, CUT: Line.CUT, BEHIND: Line.BEHIND}
_WHOLE = PictureOptions()


def picture(facts: PictureFacts, view: PictureOptions = _WHOLE) -> nx.MultiDiGraph:
    """Return the picture as a graph.

    Nodes are ``n0``, ``n1``, … with a ``box``, in the order of the graph. Edges lead away from the loss, are keyed by ``Line``
    and have a ``link``. There are at most 150 nodes. Raises ``GraphcutError`` if the options name an op or variable that does
    not exist.
    """
    with collector_paused():
        ops = numbered.ops(facts)
        if view.of:
            facts = select_variables(facts, ops, view.of)
            ops = numbered.ops(facts)
        sketch = readable(*prepare_sketch(facts, ops, view), view)
        is_part = view.of or view.around
        graph = draw_sketch(facts, ops, sketch, sketch.edges) if is_part else whole(facts, ops, sketch)
        return mark_demands(mark_changes(graph, view.changes), dict(view.demands))


def whole(facts: PictureFacts, ops: Ops, sketch: Sketch) -> nx.MultiDiGraph:
    """Return the boxes and links of a picture, with the inputs and the variables left out of the gradient call added."""
    graph = draw_sketch(facts, ops, sketch, sketch.edges)
    names = dict(zip(sketch.nodes, graph))
    for at, (box, readers) in enumerate(find_context(facts, ops, sketch, AT_MOST - len(sketch)), start=len(sketch)):
        graph.add_node(f"n{at}", box=box)
        graph.add_edges_from((names[node], f"n{at}", Line.DATA, {"link": Link(Line.DATA)}) for node in readers)
    return graph


def prepare_sketch(facts: PictureFacts, ops: Ops, view: PictureOptions) -> Tuple[Sketch, Kinds]:
    """Return the unmerged sketch, each variable with its read ops, and what must stay separate in it."""
    sketch = routes(facts, ops)
    kinds = _kinds(facts, ops, sketch, view)
    sketch = without_readers(sketch, ops, kinds)
    if view.around:
        names = {node: ops.name(node) for node in sketch.nodes}
        sketch = neighbourhood(sketch, matching_numbers(names, view.around, "around"), view.hops)
    return sketch, kinds


def _kinds(facts: PictureFacts, ops: Ops, sketch: Sketch, view: PictureOptions) -> Kinds:
    changes, demands = {each.name: each for each in view.changes}, dict(view.demands)

    def outcome(variable: VariableAudit) -> Hashable:
        notes = (note_of(changes.get(variable.name)), demands.get(variable.name))
        return (variable.verdict.value, variable.unused, variable.trainable is False, variable.only_through, *notes)

    outcomes = {op: outcome(audits[0]) for op, audits in ops.variables.items()}
    barred = {consumer for consumer, _, line in sketch.edges if line == CUT}
    known = [kind.type.startswith("_") for kind in ops.flat.kind_table]
    plumbing = frozenset(op for op in sketch.nodes if op < len(ops.flat.kinds) and known[ops.flat.kinds[op]])
    fixed = frozenset(barred | ops.losses)
    keep_separate = _expanded_ops(ops, sketch, view)
    is_cut = any(each.verdict in MISSING for each in facts.variables)
    return Kinds(fixed, ops.losses, outcomes, facts.passing, plumbing, keep_separate, ops.name, is_cut)


def _expanded_ops(ops: Ops, sketch: Sketch, view: PictureOptions) -> FrozenSet[int]:
    """Return the ops that the view expands. Raises ``GraphcutError`` if there are none, or more than can be drawn."""
    if not view.expand:
        return frozenset()
    result = matching_numbers({node: ops.name(node) for node in sketch.nodes}, view.expand, "expand")
    if len(result) > AT_MOST - READABLE:
        raise GraphcutError(
            f"expand: {', '.join(view.expand)} names {len(result)} ops of the picture, of which at most "
            f"{AT_MOST - READABLE} can be drawn\nname a scope inside it, or draw around= one op"
        )
    return frozenset(result)


def draw_sketch(facts: PictureFacts, ops: Ops, sketch: Sketch, cuts: Mapping[Way, EdgeInfo]) -> nx.MultiDiGraph:
    """Return the boxes and links of a sketch; ``cuts`` as of ``boxes``."""
    names = {node: f"n{at}" for at, node in enumerate(sketch.nodes)}
    graph: nx.MultiDiGraph = nx.MultiDiGraph()
    for node, box in zip(sketch.nodes, boxes(facts, ops, sketch, cuts)):
        graph.add_node(names[node], box=box)
    for (consumer, producer, line), info in sketch.edges.items():
        graph.add_edge(names[consumer], names[producer], key=_LINES[line], link=_link(_LINES[line], info))
    return graph


def _link(line: Line, info: EdgeInfo) -> Link:
    kinds = [_kind(each) for each in info.marks]
    counted = [f"{kind} ({kinds.count(kind)})" if kinds.count(kind) > 1 else kind for kind in dict.fromkeys(kinds)]
    branches = [f"if {leaf_of(op_of(each.predicate))}: {each.branch}" for each in info.conditions]
    wheres = dict.fromkeys(each.where for each in info.marks if each.where)
    harmless = bool(kinds) and all(each.role for each in info.marks)
    assigned = ["assigned"] if info.state else []
    advice = dict.fromkeys(each.advice for each in info.marks if each.advice)
    return Link(line, tuple(counted + branches + assigned), tuple(wheres), info.loop, harmless, info.state, tuple(advice))


def _kind(mark: BarrierMark) -> str:
    """``stop-gradient``, ``input 1 (indices)``, ``stop-gradient, bypassed``, ``stop-gradient: target network``."""
    kind = mark.words or mark.kind.value
    kind += f": {mark.idiom}" if mark.idiom else ""
    return f"{kind}, {mark.role.value}" if mark.role else kind
