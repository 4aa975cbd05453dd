"""Write the table of several losses as text, JSON or HTML. Names are escaped in HTML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from graphcut.render.palette import FILLS
from graphcut.render.text.table_rows import is_of_others
from graphcut.results import Assumption, VariableAudit
from graphcut.results.words import escape_name, place, trainers
from graphcut.util.source_lines import nearby
from graphcut.util.text import join_first

if TYPE_CHECKING:
    from typing import Protocol

    class TableRow(Protocol):
        """A group of variables and their outcome for each loss."""

        @property
        def label(self) -> str: ...
        @property
        def names(self) -> Tuple[str, ...]: ...
        @property
        def cells(self) -> Tuple[Tuple[VariableAudit, ...], ...]: ...
        @property
        def matched_by(self) -> str: ...
        @property
        def others(self) -> str: ...

    class LossTable(Protocol):
        """Headings and rows."""

        @property
        def losses(self) -> Tuple[str, ...]: ...
        @property
        def rows(self) -> Sequence[TableRow]: ...
        @property
        def assumptions(self) -> Sequence[Sequence[Assumption]]: ...


_MISSING = "not audited"
_NAMED, _NOTES = 4, 6


def text(table: LossTable) -> str:
    """Return columns of plain text: ``generator/* (4) flows none: stop-gradient``."""
    lines = [["variable", *map(escape_name, table.losses)]]
    lines += [[escape_name(row.label), *map(_words, row.cells)] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    notes = ["matched by position: " + escape_name(row.others, 400) for row in table.rows if row.others]
    notes += _assumption_notes(table)
    return "\n".join(rows + [""] * bool(notes) + notes)


def _assumption_notes(table: LossTable) -> List[str]:
    """Return the assumptions of the audits, each once, with the losses whose verdicts depend on it."""
    losses: Dict[str, List[str]] = {}
    for loss, assumptions in zip(table.losses, table.assumptions):
        for each in assumptions:
            losses.setdefault(str(each), []).append(escape_name(loss))
    shown = [f"for {join_first(names, _NAMED)}: {text}" for text, names in losses.items()]
    return shown[:_NOTES] + ([f"{len(shown) - _NOTES} more assumptions"] if len(shown) > _NOTES else [])


def _words(cell: Sequence[VariableAudit]) -> str:
    if not cell:
        return _MISSING
    reason = _reason(cell[0]) or _trainers(cell[0])
    return cell[0].verdict.value + (f": {reason}" if reason else "")


def _trainers(variable: VariableAudit) -> str:
    return f"trained by {trainers(variable)}" if is_of_others(variable) else ""


def _reason(variable: VariableAudit) -> str:
    return "unused" if variable.unused else variable.cut[0].kind.value if variable.cut else ""


def to_dict(table: LossTable) -> Dict[str, Any]:
    """Return the table as ``dict``, ``list`` and ``str``; names are not escaped."""
    rows = [
        {
            "label": row.label,
            "variables": list(row.names),
            "matched_by": row.matched_by,
            "cells": [_plain(cell) for cell in row.cells],
        }
        for row in table.rows
    ]
    assumptions = [[str(each) for each in column] for column in table.assumptions]
    return {"losses": list(table.losses), "rows": rows, "assumptions": assumptions}


def _plain(cell: Sequence[VariableAudit]) -> Optional[Dict[str, Any]]:
    if not cell:
        return None
    first = cell[0]
    return {"verdict": first.verdict.value, "unused": first.unused, "cut": [dict(each) for each in _cuts(cell)]}


def _cuts(cell: Sequence[VariableAudit]) -> List[Dict[str, Any]]:
    """Return each barrier that cuts any of the variables, once."""
    result = {
        (cut.op, cut.kind.value): {"op": cut.op, "kind": cut.kind.value, "where": cut.where}
        for each in cell
        for cut in each.cut
    }
    return list(result.values())


def to_json(table: LossTable) -> str:
    """Return the result of ``to_dict`` as indented JSON in ASCII."""
    return json.dumps(to_dict(table), indent=2, ensure_ascii=True)


def html(table: LossTable) -> str:
    """Return a ``<table>``; the tooltip of a cell shows its barriers."""
    from graphcut.render.page.html import templates

    rows = [(_safe(row.label), _safe(_title(row)), [_cell(cell) for cell in row.cells]) for row in table.rows]
    heads = [_safe(head) for head in ("variable", *table.losses)]
    notes = [_safe(each) for each in _assumption_notes(table)]
    return str(templates().get_template("loss_table.html").render(heads=heads, rows=rows, notes=notes))


def _title(row: TableRow) -> str:
    """Return the tooltip for the heading of a row."""
    return ", ".join(row.names[:20]) + (f"; matched by position: {row.others}" if row.others else "")


def _cell(cell: Sequence[VariableAudit]) -> Dict[str, str]:
    if not cell:
        return {"words": _MISSING, "colour": "", "title": ""}
    title = "; ".join(dict.fromkeys(place(cut) + (f" ({nearby(cut.where)})" if cut.where else "") for cut in cell[0].cut))
    return {"words": _safe(_words(cell)), "colour": FILLS[cell[0].verdict], "title": _safe(title)}


def _safe(name: str) -> str:
    return escape_name(name, 400)
