"""The table as plain text, with the same content as on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Sequence, Tuple

from graphcut.render.text.summary import assumption_lines, left_out_lines, loss_line, notices, summary_line, uncertain
from graphcut.render.text.table_rows import HEADINGS, rows_of

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts


def table(facts: ReportFacts, quoted: Sequence[str] = (), is_folded: bool = True) -> str:
    """Return the audit as text, worst first.

    The text has, in this order: reasons for doubt, the loss, remarks on the whole audit, a row for each outcome, and counts.

    Args:
        facts: the audit.
        quoted: source lines to show after the rows.
        is_folded: whether variables with the same outcome share a row.
    """
    return "\n".join(_lines(facts, quoted, is_folded))


def _lines(facts: ReportFacts, quoted: Sequence[str], is_folded: bool) -> Iterator[str]:
    yield from uncertain(facts.assumptions)
    yield loss_line(facts)
    yield from notices(facts)
    cells = [row.cells for row in rows_of(facts, is_folded)]
    if cells:
        yield ""
        yield from _columns([HEADINGS] + cells)
        yield ""
    if quoted:
        yield from (*quoted, "")
    yield from assumption_lines(facts.assumptions)
    yield from left_out_lines(facts)
    if cells:
        yield summary_line(facts.variables)


def _columns(cells: Sequence[Tuple[str, ...]]) -> List[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths) if width).rstrip() for row in cells]
