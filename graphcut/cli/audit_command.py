"""``graphcut audit``: the verdict of each variable, as a table or JSON, and optionally as a picture."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Optional, Sequence, Tuple

import click

from graphcut.cli.audit_source import as_documents, audit_source
from graphcut.cli.draw_command import draw_each
from graphcut.cli.source_options import SOURCE, source_options
from graphcut.cli.standard_output import say_written, write_answer
from graphcut.errors import GraphcutError
from graphcut.render.text.json_report import to_json
from graphcut.render.text.plain_table import table
from graphcut.render.text.source_quotes import quote_lines
from graphcut.util.files import save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import Say, show_progress

_AUDIT = f"""Show which variables can still receive a gradient from the loss, and what cuts off the others.

{SOURCE}

\b
Examples:
  graphcut audit model.meta
  graphcut audit graph.pb --loss loss --variables 'encoder/*'
  graphcut audit saved_model/ --signature serving_default --svg cut.svg
  graphcut audit train.py:loss --spec 'float32[32,10]' --spec 'int64[?]'
  graphcut audit train.py:train_step --spec 'float32[32,10]'
  graphcut audit package.model:build --json -

Exit codes: 0 fine, 2 could not run.
"""

_NARROW = 50  # columns; with fewer, rich truncates words
_TERMINAL_VARIABLES = ("FORCE_COLOR", "TTY_COMPATIBLE")  # rich then treats any stream as a terminal


@click.command(help=_AUDIT, short_help="Show which variables get a gradient.")
@source_options
@click.option("--every-row", is_flag=True, help="Give each variable a row of its own.")
@click.option("--svg", metavar="FILE", type=click.Path(), help="Also draw the cut.")
@click.option(
    "--json",
    "json",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Write the audit as JSON; - prints it instead of the table.",
)
def audit(json: Optional[str], svg: Optional[str], every_row: bool, **options: Any) -> None:
    words, print_words = _writers()
    with show_progress() as say, isolate_output():
        result = audit_source(say, **options)
        written = as_documents([to_json(each) for each in result]) if json else ""
        shown = [words(each, quote_lines(each), is_folded=not every_row) for each in result]
        pictures, undrawn = _try_to_draw(result, svg, say) if svg else ((), None)
    if json == "-":
        shown = [written]
    say_one = click.echo if json == "-" else print_words
    for index, each in enumerate(shown):
        if index:
            write_answer(say_one, "")
        write_answer(say_one, each)
    if json != "-" and "table" in result[0].oracle:
        write_answer(say_one, f"\ngradients: {result[0].oracle}")
    if json and json != "-":
        save(json, (written + "\n").encode())
    say_written(pictures)
    if undrawn is not None:
        raise undrawn


def _writers() -> Tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the functions that make and print the table; rich is imported only for a terminal, because that takes time."""
    if not sys.stdout.isatty() and not any(map(os.environ.get, _TERMINAL_VARIABLES)):
        return table, click.echo
    from rich.console import Console

    from graphcut.render.text.terminal_table import rich_table

    console = Console()
    is_wide = console.is_terminal and console.width >= _NARROW
    return (rich_table, console.print) if is_wide else (table, click.echo)


def _try_to_draw(result: Sequence[Any], path: str, say: Say) -> Tuple[Tuple[str, ...], Optional[GraphcutError]]:
    """Return the pictures that were drawn, or the error: a failed picture does not stop an audit."""
    try:
        return draw_each(result, path, say), None
    except GraphcutError as error:
        return (), error
