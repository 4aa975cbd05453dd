"""How a gradient goes to a variable, or where it ends, in the boxes of a picture.

A *way* is the route from the loss, as the pairs of boxes it steps between, and the boxes at which it is cut. Paths are
as long as a graph is deep, so they are walked only until ``STEPS`` ops are passed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from graphcut.drawing.ops import variable_op
from graphcut.report.explain import explain
from graphcut.report.words import shown
from graphcut.terms import VariableAudit, Verdict

if TYPE_CHECKING:
    from graphcut.views.facts import Facts

STEPS = 3_000_000


@dataclass(frozen=True)
class Told:
    """One variable: the box it is in (-1 where it is in none), what is said of it after its name, and its way.

    ``routed``: the route is among what is said, or there is none.
    """

    box: int
    words: str
    route: Tuple[Tuple[int, int], ...]
    cuts: Tuple[int, ...]
    routed: bool


def told(facts: Facts, variables: Sequence[VariableAudit], boxes: Mapping[str, int]) -> List[Told]:
    """What a page tells of each of ``variables``, ``boxes`` being the box of each op; one of each box gets its route first."""
    found: Dict[int, Told] = {}
    steps = 0
    for at in _one_of_each_box_first([boxes.get(variable_op(each), -1) for each in variables]):
        path = variables[at].path if steps < STEPS and _gets(variables[at]) else ()
        steps += len(path)
        found[at] = _told(facts, replace(variables[at], path=path), boxes)
    return [found[at] for at in range(len(variables))]


def _gets(variable: VariableAudit) -> bool:
    return variable.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL)


def _one_of_each_box_first(boxes: Sequence[int]) -> List[int]:
    firsts = {box: at for at, box in reversed(list(enumerate(boxes)))}
    return sorted(range(len(boxes)), key=lambda at: (firsts[boxes[at]] != at, at))


def _told(facts: Facts, variable: VariableAudit, boxes: Mapping[str, int]) -> Told:
    words, name = explain(facts, variable), shown(variable.name)
    passed = [boxes[op] for op in variable.path if op in boxes]
    return Told(
        boxes.get(variable_op(variable), -1),
        words[len(name) :] if words.startswith(name) else "\n" + words,
        tuple(dict.fromkeys(pair for pair in zip(passed, passed[1:]) if pair[0] != pair[1])),
        tuple(dict.fromkeys(boxes[cut.op] for cut in variable.cut if cut.op in boxes)),
        bool(variable.path) or not _gets(variable),
    )
