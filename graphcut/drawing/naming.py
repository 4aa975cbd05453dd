"""What is written in each box.

Names are as the graph has them: whoever writes them out escapes them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, FrozenSet, Iterable, List, Mapping, Sequence, Tuple

from graphcut.dag import SEPARATOR
from graphcut.drawing.barricades import barred_edges, op_of, variable_op
from graphcut.drawing.boxes import Box, Role
from graphcut.drawing.scopes import common_scope, placed
from graphcut.folding import labels, scope_sizes
from graphcut.terms import VariableAudit

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts

_NAMED = 3


@dataclass(frozen=True)
class _Known:
    """What is looked up for every box: variables by their op, the size of their scopes, losses, ops at
    a barrier, those among them that are in no cut."""

    facts: Facts
    variables: Mapping[str, Sequence[VariableAudit]]
    totals: Mapping[str, int]
    losses: FrozenSet[str]
    barred: FrozenSet[str]
    harmless: FrozenSet[str]


def boxes(facts: Facts, nodes: Iterable[Tuple[str, ...]]) -> Tuple[Box, ...]:
    """A box for each group of ops, its title as short as the scopes drawn round it allow."""
    variables: Dict[str, List[VariableAudit]] = {}
    for each in facts.variables:
        variables.setdefault(variable_op(each), []).append(each)
    totals = scope_sizes(each.name for each in facts.variables)
    found = barred_edges(facts)
    barred = frozenset(op for op, _ in found)
    harmless = barred.difference(op for (op, _), told in found.items() if not all(each.role for each in told))
    known = _Known(facts, variables, totals, frozenset(map(op_of, facts.loss)), barred, harmless)
    return placed([_box(known, ops) for ops in nodes])


def _box(known: _Known, ops: Tuple[str, ...]) -> Box:
    audits = [each for op in ops for each in known.variables.get(op, ())]
    live = not known.facts.carrying.isdisjoint(ops)
    if known.losses.intersection(ops):
        lines = tuple(name for name in known.facts.loss if op_of(name) in ops)
        names = tuple(each.name for each in audits)
        return Box(Role.LOSS, "loss", lines, ops, (), live, verdict=audits[0].verdict if audits else None, variables=names)
    if audits:
        return _variable_box(known, audits, ops, live)
    telling = tuple(op for op in ops if not _is_plumbing(known.facts, op)) or ops[:1]
    title, lines = _title(known.facts, telling)
    return Box(_role(known, ops, live), title, lines, ops, common_scope(telling), live, len(telling) > 1)


def _role(known: _Known, ops: Tuple[str, ...], live: bool) -> Role:
    if live or not known.barred.issuperset(ops):
        return Role.OP
    return Role.HARMLESS if known.harmless.issuperset(ops) else Role.BARRIER


def _title(facts: Facts, ops: Tuple[str, ...]) -> Tuple[str, Tuple[str, ...]]:
    """The name of the one op, else the commonest types; and what else to say."""
    if len(ops) == 1:
        return _leaf(ops[0]), _type_line(facts, ops[0])
    kinds = Counter(facts.graph.nodes[op]["type"] for op in ops)
    named = ", ".join(kind for kind, _ in kinds.most_common(_NAMED)) + (", …" if len(kinds) > _NAMED else "")
    return named, () if len(ops) == len(kinds) <= _NAMED else (f"{len(ops)} ops",)


def _variable_box(known: _Known, audits: Sequence[VariableAudit], ops: Tuple[str, ...], live: bool) -> Box:
    first, names = audits[0], [each.name for each in audits]
    notes = [first.verdict.value] + ["unused"] * first.unused + ["not trainable"] * (first.trainable is False)
    told = labels(names, known.totals)
    texts = [label.text + (f" ({label.count})" if label.count > 1 else "") for label in told[:_NAMED]]
    more = [f"and {sum(label.count for label in told[_NAMED:])} more"] if told[_NAMED:] else []
    scope = common_scope(names) if len(told) == 1 else ()
    title = texts[0][len("".join(part + "/" for part in scope)) :]
    lines = tuple(texts[1:] + more + [", ".join(notes)])
    return Box(Role.VARIABLE, title, lines, ops, scope, live, verdict=first.verdict, variables=tuple(names))


def _leaf(op: str) -> str:
    return re.split("[/%s]" % SEPARATOR, op)[-1]


def _is_plumbing(facts: Facts, op: str) -> bool:
    return bool(facts.graph.nodes[op]["type"].startswith("_"))


def _type_line(facts: Facts, op: str) -> Tuple[str, ...]:
    """The op's type, where its name does not say it."""
    kind = facts.graph.nodes[op]["type"]
    return () if _is_plumbing(facts, op) or kind.lower() in _leaf(op).lower().replace("_", "") else (kind,)
