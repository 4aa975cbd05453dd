"""Inputs and left-out variables, drawn as context in a picture.

Each is drawn below the boxes that read it, directly or by the shortest route through ops that the picture omits. An op that
reads only a shape does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

from graphcut.graph.dtypes import RESOURCE, dtype_name
from graphcut.render.name_folding import labels, scope_sizes
from graphcut.render.picture.model import Box, Role
from graphcut.render.picture.quotient import Sketch
from graphcut.render.picture.tooltips import shape_text, tips
from graphcut.results import LeftOutReason
from graphcut.util.text import join_first

if TYPE_CHECKING:
    from graphcut.graph.flat import FlatGraph
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts

_SHAPE_ONLY = frozenset(["Shape", "ShapeN", "Size", "Rank", "VariableShape", "ZerosLike", "OnesLike"])
_INPUTS = frozenset(["Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"])
_BOXES, _NAMED = 4, 3
_WORDS: Mapping[LeftOutReason, str] = {
    LeftOutReason.FROZEN: "frozen, not asked for",
    LeftOutReason.FORGOTTEN: "trainable, but not asked for",
}


class ContextBox(NamedTuple):
    """A box for inputs or variables, and the nodes of the sketch that read them."""

    box: Box
    readers: Tuple[int, ...]


def find_context(facts: PictureFacts, ops: Ops, sketch: Sketch, most: int) -> Tuple[ContextBox, ...]:
    """Return the boxes of the inputs, then those of the left-out variables; nothing if there are more than ``most``."""
    readers = _readers(facts, ops, sketch)
    reasons = {op: each.reason for op, each in facts.left_out_ops.items()}
    inputs = {op: nodes for op, nodes in readers.items() if op not in reasons}
    result = [ContextBox(_input_box(facts, ops, group), nodes) for group, nodes in _group(inputs)]
    sizes = _sizes(facts)
    for reason in LeftOutReason:
        these = {op: nodes for op, nodes in readers.items() if reasons.get(op) is reason}
        result += [ContextBox(_variable_box(facts, ops, group, reason, sizes), nodes) for group, nodes in _group(these)]
    return tuple(result) if len(result) <= most else ()


def _group(readers: Mapping[int, FrozenSet[int]]) -> Iterator[Tuple[Tuple[int, ...], Tuple[int, ...]]]:
    """Yield groups of ops with the nodes that read them; a single group if there are many."""
    groups: Dict[FrozenSet[int], List[int]] = {}
    for op in sorted(readers):
        groups.setdefault(readers[op], []).append(op)
    if len(groups) > _BOXES:
        groups = {frozenset(node for nodes in groups for node in nodes): sorted(readers)}
    for nodes, group in groups.items():
        yield tuple(group), tuple(sorted(nodes))


def _readers(facts: PictureFacts, ops: Ops, sketch: Sketch) -> Dict[int, FrozenSet[int]]:
    """Return the readers of each input and left-out variable, by breadth-first search through ops that are not drawn."""
    flat, left_out = ops.flat, facts.left_out_ops
    owner = {op: node for node, members in sketch.nodes.items() for op in members}
    reached: Dict[int, Set[int]] = {}
    seen: Set[int] = set(owner)
    edge: Dict[int, Set[int]] = {op: {node} for op, node in owner.items() if op not in ops.variables}
    while edge:
        above: Dict[int, Set[int]] = {}
        for op, nodes in edge.items():
            for producer in _read(ops, op):
                if producer not in seen:
                    above.setdefault(producer, set()).update(nodes)
        seen.update(above)
        reached.update((op, nodes) for op, nodes in above.items() if op in left_out or _is_input(ops, op))
        edge = above
    return {op: frozenset(nodes) for op, nodes in reached.items() if op < len(flat.names)}


def _read(ops: Ops, op: int) -> Sequence[int]:
    flat = ops.flat
    if op >= len(flat.names) or flat.type(op) in _SHAPE_ONLY:
        return ()
    return [_source_of(flat, flat.producer[tensor]) for tensor in flat.inputs[op]]


def _source_of(flat: FlatGraph, op: int) -> int:
    """Return the op that an argument of a called function stands for, else the op itself."""
    while flat.type(op) == "_Arg" and flat.inputs[op]:
        op = flat.producer[flat.inputs[op][0]]
    return op


def _is_input(ops: Ops, op: int) -> bool:
    """Return whether an op is a placeholder for values; one for a handle is a captured variable or table."""
    flat = ops.flat
    return flat.type(op) in _INPUTS and any(flat.dtypes[tensor] != RESOURCE for tensor in flat.outputs(op))


def _input_box(facts: PictureFacts, ops: Ops, group: Tuple[int, ...]) -> Box:
    names = tuple(ops.name(op) for op in group)
    info, where = tips(facts, ops, group)
    title = join_first(names, _NAMED)
    line = f"input, {_type(facts, ops, group[0])}" if len(group) == 1 else f"{len(group)} inputs"
    return Box(Role.INPUT, title, (line,), names, tips=info, where=where)


def _type(facts: PictureFacts, ops: Ops, op: int) -> str:
    """``float32[8, ?]``."""
    (tensor, *_), shapes = ops.flat.outputs(op), tuple(facts.shapes(op))
    return dtype_name(ops.flat.dtypes[tensor]) + (shape_text(shapes[0]) if shapes else "")


def _variable_box(
    facts: PictureFacts, ops: Ops, group: Tuple[int, ...], reason: LeftOutReason, sizes: Mapping[str, int]
) -> Box:
    variables = list(dict.fromkeys(facts.left_out_ops[op].name for op in group))
    result = labels(variables, sizes)
    texts = [each.text + (f" ({each.count})" if each.count > 1 else "") for each in result]
    more = sum(each.count for each in result[_NAMED:])
    shown = texts[:_NAMED] + ([f"and {more} more"] if more else [])
    info, where = tips(facts, ops, group)
    lines = (*shown[1:], _WORDS[reason])
    return Box(Role.LEFT_OUT, shown[0], lines, tuple(map(ops.name, group)), tips=info, where=where)


def _sizes(facts: PictureFacts) -> Mapping[str, int]:
    """Return the number of variables in each scope, audited or left out."""
    names = [each.name for each in facts.variables] + [each.name for each in dict.fromkeys(facts.left_out_ops.values())]
    return scope_sizes(names)
