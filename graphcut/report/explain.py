"""One variable in sentences: the verdict, what cuts the gradient, the route, the conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Sequence

from graphcut.report.rows import shape_text
from graphcut.report.words import BARRIERS, VERDICTS, branch, place, shown
from graphcut.terms import Cut, VariableAudit, Verdict

if TYPE_CHECKING:
    from graphcut.report.facts import Facts

_FEW = 3


def explain(facts: Facts, variable: VariableAudit) -> str:
    """Twelve lines at most on why ``variable`` gets what it gets."""
    return "\n".join(_lines(facts, variable))


def _lines(facts: Facts, variable: VariableAudit) -> Iterator[str]:
    losses = " + ".join(shown(name) for name in facts.loss)
    verdict = variable.verdict
    yield f"{shown(variable.name)} {shape_text(variable.shape)} {VERDICTS[verdict]} ({verdict.value})."
    if variable.unused:
        yield f"It is unused: nothing leads from it to the loss {losses}."
    for cut in variable.cut[:_FEW]:
        yield from _cut(cut, variable)
    more = max(variable.cut_size, len(variable.cut)) - len(variable.cut[:_FEW])
    if more > 0:
        yield f"So {'does' if more == 1 else 'do'} {more} more."
    for condition in variable.conditions[:_FEW]:
        yield f"Every route lies in {branch(condition)}."
    if variable.path:
        yield f"Route from the loss: {_route(variable.path)}."
    if variable.trainable is False:
        yield "It is not trainable: an optimizer leaves it alone whatever it gets."


def _cut(cut: Cut, variable: VariableAudit) -> Iterator[str]:
    verb = "It raises at" if variable.verdict is Verdict.RAISES else "It is cut by"
    origin = f", {shown(cut.where)}" if cut.where else (", inside a library" if cut.library else "")
    yield f"{verb} {place(cut)}{origin}: {BARRIERS[cut.barrier].because}."


def _route(path: Sequence[str]) -> str:
    """The ends of a route, its middle counted."""
    names = [shown(name, 60) for name in path]
    if len(names) > 2 * _FEW:
        names = names[:_FEW] + [f"({len(names) - 2 * _FEW} ops)"] + names[-_FEW:]
    return " → ".join(names)
