"""The route of the gradient to each variable as boxes of a picture, with text about the variable.

A route is a list of pairs of boxes, from the loss on, and the boxes at which it is cut. Explanations and paths can be long, so
at most ``EXPLAINED`` variables are explained in full, first one for each box and each outcome, and path search stops after
``STEPS`` ops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, Hashable, List, Mapping, Sequence, Tuple

from graphcut.render.name_folding import outcome
from graphcut.render.picture.ops import variable_op
from graphcut.render.text.explain import explain
from graphcut.render.text.table_rows import shape_text
from graphcut.results import WITH_GRADIENT, VariableAudit
from graphcut.results.words import VERDICTS, escape_name

if TYPE_CHECKING:
    from graphcut.render.protocols import PageFacts

EXPLAINED, STEPS = 500, 300_000


@dataclass(frozen=True)
class VariableRoute:
    """One variable: its box (-1 if it has none), the text after its name, and its route.

    If ``explained``, the text is the full ``explain`` and the route is included; else the text is the verdict and the cut.
    """

    box: int
    words: str
    route: Tuple[Tuple[int, int], ...]
    cuts: Tuple[int, ...]
    explained: bool


def variable_rows(facts: PageFacts, variables: Sequence[VariableAudit], boxes: Mapping[str, int]) -> List[VariableRoute]:
    """Return the columns of a page for ``variables``; ``boxes`` has the box of each op."""
    result: Dict[int, VariableRoute] = {}
    steps = 0
    for at in _distinct_first(variables, [boxes.get(variable_op(each), -1) for each in variables]):
        each = variables[at]
        explained = len(result) < EXPLAINED and (steps < STEPS or not _gets(each))
        path = each.path if explained and _gets(each) else ()
        steps += len(path)
        result[at] = _describe(replace(each, path=path), boxes, _explanation_without_name(facts, each) if explained else "")
    return [result[at] for at in range(len(variables))]


def _gets(variable: VariableAudit) -> bool:
    return variable.verdict in WITH_GRADIENT


def _distinct_first(variables: Sequence[VariableAudit], boxes: Sequence[int]) -> List[int]:
    """Return the first of each box, then the first of each outcome, then the second of each, and so on."""
    seen: Dict[Hashable, int] = {}
    ranks = []
    for variable, box in zip(variables, boxes):
        ranks.append((bool(seen.get(box)), seen.get(outcome(variable), 0)))
        for key in (box, outcome(variable)):
            seen[key] = seen.get(key, 0) + 1
    return sorted(range(len(variables)), key=lambda at: (ranks[at], at))


def _explanation_without_name(facts: PageFacts, variable: VariableAudit) -> str:
    """Return the text of ``explain`` without the name at its beginning."""
    words, name = explain(facts, variable), escape_name(variable.name)
    return words[len(name) :] if words.startswith(name) else "\n" + words


def _describe(variable: VariableAudit, boxes: Mapping[str, int], words: str) -> VariableRoute:
    passed = [boxes[op] for op in variable.path if op in boxes]
    return VariableRoute(
        boxes.get(variable_op(variable), -1),
        words or f" {shape_text(variable.shape)} {VERDICTS[variable.verdict]} ({variable.verdict.value}).",
        tuple(dict.fromkeys(pair for pair in zip(passed, passed[1:]) if pair[0] != pair[1])),
        tuple(dict.fromkeys(boxes[cut.op] for cut in variable.cut if cut.op in boxes)),
        bool(words),
    )
