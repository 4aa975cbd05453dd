"""The table for a terminal, in colour. Names are never parsed as rich markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphcut.render.text.summary import assumption_lines, left_out_lines, loss_line, notices, summary_line, uncertain
from graphcut.render.text.table_rows import HEADINGS, Row, rows_of
from graphcut.results import Verdict

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts

STYLES = {
    Verdict.RAISES: "bold magenta",
    Verdict.NONE: "bold red",
    Verdict.ZERO: "yellow",
    Verdict.CONDITIONAL: "cyan",
    Verdict.FLOWS: "green",
}


def rich_table(facts: ReportFacts, quoted: Sequence[str] = (), is_folded: bool = True) -> Group:
    """Return the content of :func:`graphcut.render.text.plain_table.table` for a ``rich.console.Console`` to print."""
    first: List[RenderableType] = [Text(line, style="bold") for line in uncertain(facts.assumptions)]
    first += [Text(loss_line(facts)), *(Text(line, style="bold") for line in notices(facts))]
    last: List[RenderableType] = [Text(line, style="dim") for line in assumption_lines(facts.assumptions)]
    last += [Text(line) for line in left_out_lines(facts)]
    if facts.variables:
        first, last = (
            first + [Text(), _table(rows_of(facts, is_folded)), Text()],
            last + [Text(summary_line(facts.variables), style="bold")],
        )
    if quoted:
        first += [Text(line) for line in (*quoted, "")]
    return Group(*first, *last)


def _table(result: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading == "verdict")
    for row in result:
        verdict, *others = row.cells
        table.add_row(Text(verdict, style=STYLES[row.verdict]), *(Text(cell) for cell in others))
    return table
