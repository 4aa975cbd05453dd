"""The data of one audit for a page, as plain values: boxes, links, variables and their groups, and stops.

Long lists are truncated and the rest is counted: a page lists at most ``LISTED`` variables, and a box names at most ``_NAMED``
ops. Names are escaped as in the table. The numbers of boxes are those of ``sketch``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Sequence

from graphcut.errors import GraphcutError
from graphcut.render.name_folding import fold_alike
from graphcut.render.page.variable_routes import variable_rows
from graphcut.render.picture.ops import variable_op
from graphcut.render.picture.writers.dot import title
from graphcut.render.text.summary import assumption_lines, left_out_lines, loss_line, notices, summary_line, uncertain
from graphcut.render.text.table_rows import rows_of, shape_text
from graphcut.results import WITH_GRADIENT, Role, Stop, VariableAudit
from graphcut.results.words import ROLES, at, escape_name
from graphcut.util.source_lines import source_line

if TYPE_CHECKING:
    import networkx

    from graphcut.render.picture.model import Box
    from graphcut.render.protocols import PageFacts

LISTED = 5000
_NAMED = 12
_NAME = 120
_ASKED = 400_000


class ValueTable:
    """A list of unique values; ``of`` returns the index of a value."""

    def __init__(self) -> None:
        self.values: List[Any] = []
        self._places: Dict[Any, int] = {}

    def of(self, value: Any) -> int:
        """Return the index of ``value``; append it if it is new."""
        if value not in self._places:
            self._places[value] = len(self.values)
            self.values.append(value)
        return self._places[value]


def numbers(
    facts: PageFacts, heading: str, drawn: networkx.MultiDiGraph, insides: Mapping[int, networkx.MultiDiGraph]
) -> Dict[str, Any]:
    """Return everything that the page of ``facts`` shows except the picture.

    ``heading`` is the name of its tab; ``insides`` holds the contents of the boxes that can be opened.
    """
    result = [box for _, box in drawn.nodes(data="box")]
    places = {node: at for at, node in enumerate(drawn)}
    boxes = {op: at for at, box in enumerate(result) for op in box.ops}
    groups = [group.variables for group in fold_alike(facts.variables)]
    listed = _within_limit(groups)
    order = {id(each): at for at, each in enumerate(each for group in listed for each in group)}
    return {
        "heading": escape_name(heading),
        "title": title(facts),
        "lines": lines(facts),
        "boxes": [_box(box) for box in result],
        "insides": {at: _inside(part, facts, order) for at, part in insides.items()},
        "links": [[places[start], places[end], link.line.value] for start, end, link in drawn.edges(data="link")],
        **_variables(facts, [each for group in listed for each in group], boxes),
        "groups": _groups(facts, groups, listed, order),
        "stops": list(_stops(facts, order, boxes)),
        "total": len(facts.variables),
        "missing": sum(each.verdict not in WITH_GRADIENT for each in facts.variables),
    }


def lines(facts: PageFacts) -> List[str]:
    """Return the lines above and below the table."""
    return [
        *uncertain(facts.assumptions),
        *notices(facts),
        loss_line(facts),
        summary_line(facts.variables),
        *left_out_lines(facts),
        *assumption_lines(facts.assumptions),
    ]


def _within_limit(groups: Sequence[Sequence[VariableAudit]]) -> List[Sequence[VariableAudit]]:
    """Return the first variables of each group, at most ``LISTED`` in total, with the same limit for every group."""
    low, high = 1, LISTED
    while low < high:
        middle = (low + high + 1) // 2
        fits = sum(min(len(group), middle) for group in groups) <= LISTED
        low, high = (middle, high) if fits else (low, middle - 1)
    return [group[:low] for group in groups[:LISTED]]


def _box(box: Box) -> Dict[str, Any]:
    return {
        "title": escape_name("/".join((*box.scope, box.title)), _NAME),
        "lines": [escape_name(line, _NAME) for line in box.lines],
        "ops": [escape_name(op) for op in box.ops[:_NAMED]],
        "count": len(box.ops),
        "role": box.role.value,
        "live": box.live,
        "verdict": box.verdict.value if box.verdict else "",
    }


def _inside(part: networkx.MultiDiGraph, facts: PageFacts, order: Mapping[int, int]) -> List[Dict[str, Any]]:
    """Return the boxes inside a box, each with the index of its variable, or -1 if it is not a single variable."""
    places = {each.name: order.get(id(each), -1) for each in facts.variables}
    return [
        {**_box(box), "variable": places.get(box.variables[0], -1) if len(box.variables) == 1 else -1}
        for _, box in part.nodes(data="box")
    ]


def _variables(facts: PageFacts, variables: Sequence[VariableAudit], boxes: Mapping[str, int]) -> Dict[str, Any]:
    """Return a list for each column, in the order of the groups; ``words`` and ``way`` are indices into separate lists."""
    words, ways = ValueTable(), ValueTable()
    columns = [
        (escape_name(each.name), shape_text(each.shape), one.box, words.of(one.words), ways.of((one.route, one.cuts)))
        + (int(one.explained),)
        for each, one in zip(variables, variable_rows(facts, variables, boxes))
    ]
    names = ("name", "shape", "box", "words", "way", "explained")
    filled = zip(*columns) if columns else [()] * len(names)
    return {"variables": dict(zip(names, filled)), "words": words.values, "ways": ways.values}


def _groups(
    facts: PageFacts,
    groups: Sequence[Sequence[VariableAudit]],
    listed: Sequence[Sequence[VariableAudit]],
    order: Mapping[int, int],
) -> List[Dict[str, Any]]:
    return [
        {
            "verdict": row.verdict.value,
            "label": row.variable,
            "shape": row.shape,
            "reason": row.reason,
            "where": row.where,
            "first": order[id(group[0])],
            "listed": len(group),
            "count": len(whole),
        }
        for row, group, whole in zip(rows_of(facts), listed, groups)
    ]


def _stops(facts: PageFacts, order: Mapping[int, int], boxes: Mapping[str, int]) -> Iterator[Dict[str, Any]]:
    """Yield each stop, the user's before those of libraries.

    ``cuts`` are the indices of the first variables that it cuts, ``under`` the boxes of all of them, and ``gains`` the first
    variables that would get a gradient without it.
    """
    variables = {each.name: each for each in facts.variables}
    for stop in sorted(facts.stops, key=lambda each: (-len(each.cuts), each.library)):
        cut = [variables[name] for name in stop.cuts if name in variables]
        gains = _gains(facts, stop)
        yield {
            "op": escape_name(stop.op),
            "role": stop.role.value,
            "words": ROLES[stop.role],
            "note": _note(facts, stop, cut),
            "sole": stop.sole,
            "where": _place(stop),
            "box": boxes.get(stop.op, -1),
            "line": _line(stop),
            "gaining": len(gains),
            "gains": [order[id(variables[name])] for name in gains if id(variables.get(name)) in order][:_NAMED],
            "count": len(stop.cuts),
            "cuts": [order[id(each)] for each in cut if id(each) in order][:_NAMED],
            "under": sorted({boxes[variable_op(each)] for each in cut if variable_op(each) in boxes}),
        }


def _place(stop: Stop) -> str:
    return ", ".join([*([at(stop.where)] if stop.where else []), *(["inside a library"] if stop.library else [])])


def _note(facts: PageFacts, stop: Stop, cut: Sequence[VariableAudit]) -> str:
    """Return the idiom of a stop and the advice to keep it; empty if it has no known idiom."""
    result = (facts.reason(each).idioms.get(stop.op) for each in cut[:1])
    return next((idiom.note for idiom in result if idiom is not None), "")


def _gains(facts: PageFacts, stop: Stop) -> List[str]:
    """Return the variables that would get a gradient without the stop, if there are any and the answer is quick to compute."""
    what_if = getattr(facts, "what_if", None)
    if stop.role is not Role.CUTS or what_if is None or len(facts.flat.names) * len(facts.stops) > _ASKED:
        return []
    missing = {each.name for each in facts.variables if each.verdict not in WITH_GRADIENT}
    try:
        return [each.name for each in what_if(remove=stop).variables if each.verdict in WITH_GRADIENT and each.name in missing]
    except GraphcutError:
        return []


def _line(stop: Stop) -> str:
    """Return the user's source line of a stop; empty if it cannot be read."""
    return source_line(stop.where) if stop.where and not stop.library else ""
