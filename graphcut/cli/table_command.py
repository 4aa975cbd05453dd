"""``graphcut table``: which loss trains which variables."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import click

from graphcut.api.loss_table import table as losses_by_variables
from graphcut.cli.audit_source import audit_source
from graphcut.cli.source_options import SOURCE, audit_options
from graphcut.cli.standard_output import write_answer
from graphcut.render.text.headings import headings
from graphcut.util.files import save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import Say, show_progress

_TABLE = f"""Put the losses of one or more SOURCEs side by side: which loss trains which variables?

Each row is a group of variables with the same outcome, and each column a loss. A training step has a column for each
gradient that it computes. The options apply to every SOURCE. With a single SOURCE that is not a training step, each --loss
has its own column.

{SOURCE}

\b
Examples:
  graphcut table gan.py:train_step --spec 'float32[32,10]'
  graphcut table model.meta --loss policy_loss --loss value_loss
  graphcut table before.meta after.meta
  graphcut table train.py:train_step --json losses.json --html losses.html

Exit codes: 0 fine, 2 could not run.
"""


@click.command(help=_TABLE, short_help="Compare losses: which trains which variables?")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path())
@audit_options
@click.option(
    "--json",
    "json",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Also write the table as JSON; - prints only JSON.",
)
@click.option("--html", "page", metavar="FILE", type=click.Path(), help="Also write the table as HTML.")
def table(sources: Tuple[str, ...], json: Optional[str], page: Optional[str], **options: Any) -> None:
    with show_progress() as say, isolate_output():
        result = losses_by_variables(_columns(say, sources, options))
    write_answer(click.echo, result.to_json() if json == "-" else str(result))
    if json and json != "-":
        save(json, (result.to_json() + "\n").encode("utf-8"))
    if page:
        save(page, result.to_html().encode("utf-8"))


def _columns(say: Say, sources: Sequence[str], options: Dict[str, Any]) -> Dict[str, Any]:
    """Return the audits by the headings of their columns; with several sources, the heading includes the source."""
    columns: Dict[str, Any] = {}
    for source in dict.fromkeys(sources):
        result = _audits(say, source, options, len(sources) == 1)
        for head, audit in zip(headings(result), result):
            columns[head if len(sources) == 1 else source if len(result) == 1 else f"{source}: {head}"] = audit
    return columns


def _audits(say: Say, source: str, options: Dict[str, Any], is_only: bool) -> Sequence[Any]:
    """Return the audits of a source; if it is the only one, each named loss has a separate audit."""
    losses = options["losses"]
    if not is_only or len(losses) < 2:
        return audit_source(say, source, **options)
    modules: Dict[str, Any] = {}
    starts: List[Any] = list(options["grad_ys"]) or [None] * len(losses)
    result: List[Any] = []
    for loss, start in zip(losses, starts):
        alone = {**options, "losses": (loss,), "grad_ys": () if start is None else (start,)}
        result += audit_source(say, source, modules=modules, **alone)
    return result
