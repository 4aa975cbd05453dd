"""The text in each box.

Names are unescaped; the writers escape them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Set, Tuple

from graphcut.render.name_folding import Label, labels, names_beside, scope_sizes
from graphcut.render.picture.model import Box, Role
from graphcut.render.picture.quotient import CUT, EdgeInfo, Sketch, Way
from graphcut.render.picture.scopes import common_scope, leaf_of, place_scopes, scope_of
from graphcut.render.picture.tooltips import source_lines, tips
from graphcut.results import VariableAudit
from graphcut.results.words import result_of
from graphcut.util.source_lines import file_and_line
from graphcut.util.text import every

if TYPE_CHECKING:
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts

_NAMED = 3
_MADE_UP = {"variable": "loop variable"}


@dataclass(frozen=True)
class _TitleFacts:
    """The look-ups that every box needs.

    It holds the number of variables in each scope, for each node at a barrier whether it cuts off a variable, and the names of
    the barriers.
    """

    facts: PictureFacts
    ops: Ops
    totals: Mapping[str, int]
    cutting: Set[int]
    harmless: Set[int]
    barriers: Set[str]


def boxes(facts: PictureFacts, ops: Ops, sketch: Sketch, cuts: Mapping[Way, EdgeInfo]) -> Tuple[Box, ...]:
    """Return a box for each node of a sketch, its title as short as the scopes drawn around it allow.

    ``cuts`` are the edges to search for barriers at its nodes; they may include other edges.
    """
    beside = dict.fromkeys(names_beside(facts.left_out_ops.values()))
    totals = scope_sizes([*(each.name for each in facts.variables), *beside])
    barred: Dict[bool, Set[int]] = {True: set(), False: set()}
    for (consumer, _, line), info in cuts.items():
        if line == CUT:
            barred[any(each.role is None for each in info.marks)].add(consumer)
    barriers = {each.op for info in cuts.values() for each in info.marks}
    known = _TitleFacts(facts, ops, totals, barred[True], barred[False] - barred[True], barriers)
    places = {node: at for at, node in enumerate(sketch.nodes)}
    readers = {places[node]: [places[each] for each in result] for node, result in sketch.consumers().items()}
    return place_scopes([_box(known, node, members) for node, members in sketch.nodes.items()], readers)


def _box(known: _TitleFacts, node: int, members: Tuple[int, ...]) -> Box:
    ops, names = known.ops, tuple(known.ops.name(op) for op in members)
    audits = [each for op in members for each in ops.variables.get(op, ())]
    live = any(op in known.facts.passing for op in members)
    info, where = tips(known.facts, ops, members)
    if not ops.losses.isdisjoint(members):
        lines = _first_labels(
            [
                Label(key or result_of(name), (name,))
                for name, key in zip(known.facts.loss, known.facts.loss_keys)
                if ops.of_tensor(name) in members
            ]
        )
        lines += _type_line(ops, members[0]) if node in known.cutting and len(members) == 1 else ()
        lines += _line_of_loss(known.facts, members[0])
        verdict, variables = (audits[0].verdict if audits else None), tuple(each.name for each in audits)
        return Box(Role.LOSS, "loss", lines, names, (), live, False, verdict, variables, info, where)
    if audits:
        return _variable_box(known, audits, names, live, info)
    telling = tuple(op for op in members if not _is_plumbing(ops, op)) or members[:1]
    role = _role(known, node, live)
    title, lines = _title(ops, telling, role) if role is Role.OP else _barrier_title(known, telling, role)
    scope = common_scope([ops.name(op) for op in telling]) if role is Role.OP or len(telling) == 1 else ()
    folded = role is Role.OP and len(telling) > 1
    name = _place_or_layers(known, telling, scope) if folded else ""
    if name:
        title, lines = name, (title, *lines)
    return Box(role, title, lines, names, scope, live, folded, tips=info, where=where)


def _line_of_loss(facts: PictureFacts, op: int) -> Tuple[str, ...]:
    """Return the user's line that made the loss; an op that a function adds to its result has the line of its input."""
    flat = facts.flat
    while op < len(flat.names):
        where, _ = facts.place(op)
        if where:
            return (file_and_line(where),)
        if flat.type(op) != "Identity" or len(flat.inputs[op]) != 1:
            break
        op = flat.producer[flat.inputs[op][0]]
    return ()


def _place_or_layers(known: _TitleFacts, members: Tuple[int, ...], scope: Tuple[str, ...]) -> str:
    """Return the layers of a box of ops, or the user's source lines if no scope names it."""
    layers = _layers([known.ops.name(op) for op in members], len(scope))
    return layers if layers or scope else source_lines(known.facts, members)


def _layers(names: Sequence[str], depth: int) -> str:
    """Return the scopes below the common one, such as ``conv1 … conv5``.

    The result is empty unless all ops are in such scopes and there are several scopes.
    """
    inner = dict.fromkeys("".join(scope_of(name)[depth : depth + 1]) for name in names)
    if "" in inner or len(inner) < 2:
        return ""
    first, *_, last = inner
    return ", ".join(inner) if len(inner) <= _NAMED else f"{first} … {last}"


def _role(known: _TitleFacts, node: int, live: bool) -> Role:
    if live or node not in known.cutting | known.harmless:
        return Role.OP
    return Role.BARRIER if node in known.cutting else Role.HARMLESS


def _barrier_title(known: _TitleFacts, members: Tuple[int, ...], role: Role) -> Tuple[str, Tuple[str, ...]]:
    """Return the title of the barriers alone, and a line that counts the ops between them."""
    barriers = tuple(op for op in members if known.ops.name(op) in known.barriers) or members
    title, lines = _title(known.ops, barriers, role)
    between = len(members) - len(barriers)
    return title, lines + ((f"and {between} ops between them" if between > 1 else "and 1 op between them",) if between else ())


def _title(ops: Ops, members: Tuple[int, ...], role: Role) -> Tuple[str, Tuple[str, ...]]:
    """Return the name of a single op, the most common types or the names of the barriers, and the further lines."""
    if len(members) == 1:
        return _plain_name(ops.name(members[0])), _type_line(ops, members[0])
    kinds = Counter(ops.type(op) for op in members)
    named = ", ".join(kind for kind, _ in kinds.most_common(_NAMED)) + (", …" if len(kinds) > _NAMED else "")
    if role is not Role.OP:
        return f"{len(members)} × {named}", _first_labels(_patterns([ops.name(op) for op in members]))
    return named, () if len(members) == len(kinds) <= _NAMED else (f"{len(members)} ops",)


def _patterns(names: Sequence[str]) -> Sequence[Label]:
    """Return labels for the names; if they are many, ``block_*/StopGradient`` for names that differ only in numbers."""
    result = labels(names, {})
    if len(result) <= _NAMED:
        return result
    alike: Dict[str, List[str]] = {}
    for name in names:
        alike.setdefault(re.sub("_?[0-9]+", "*", name), []).append(name)
    return [Label(text if len(each) > 1 else each[0], tuple(each)) for text, each in alike.items()]


def _variable_box(
    known: _TitleFacts, audits: Sequence[VariableAudit], ops: Tuple[str, ...], live: bool, info: Tuple[str, ...]
) -> Box:
    first, names = audits[0], [each.name for each in audits]
    notes = [first.verdict.value] + ["unused"] * first.unused + ["not trainable"] * (first.trainable is False)
    result = labels(names, known.totals)
    whole = result[0].text == "*"
    texts = (f"{every(len(names))} variables",) if whole else _first_and_last(result)
    depth = result[0].text.count("/") if len(result) == 1 and not whole else 0
    scope = common_scope(names)[:depth]
    title = texts[0][len("".join(part + "/" for part in scope)) :]
    title = f"{every(len(names))} variables" if title.startswith("* ") else title
    lines = texts[1:] + (", ".join(notes),)
    return Box(Role.VARIABLE, title, lines, ops, scope, live, False, first.verdict, tuple(names), info)


def _first_labels(result: Sequence[Label]) -> Tuple[str, ...]:
    """Return the first labels, each with its count, and the number of remaining names."""
    texts: List[str] = [label.text + (f" ({label.count})" if label.count > 1 else "") for label in result[:_NAMED]]
    return tuple(texts + ([f"and {sum(label.count for label in result[_NAMED:])} more"] if result[_NAMED:] else []))


def _first_and_last(result: Sequence[Label]) -> Tuple[str, ...]:
    """Return the labels; if there are many, the first two, the last one and their number."""
    if len(result) <= _NAMED:
        return _first_labels(result)
    return _first_labels(result[: _NAMED - 1]) + (
        "… " + _first_labels(result[-1:])[0],
        f"{sum(label.count for label in result)} in all",
    )


def _plain_name(op: str) -> str:
    """Return the name of an op without its scopes; the names that graphcut made up for results and loop variables in words."""
    kind, _, number = leaf_of(op).partition("#")
    return _MADE_UP.get(kind, kind) if number.isdigit() else leaf_of(op)


def _is_plumbing(ops: Ops, op: int) -> bool:
    return ops.type(op).startswith("_")


def _type_line(ops: Ops, op: int) -> Tuple[str, ...]:
    """Return the op's type if its name does not contain it."""
    kind = ops.type(op)
    return () if _is_plumbing(ops, op) or kind.lower() in leaf_of(ops.name(op)).lower().replace("_", "") else (kind,)
