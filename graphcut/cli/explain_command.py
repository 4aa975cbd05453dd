"""``graphcut explain`` and ``graphcut table``: why a variable gets what it gets, and which loss trains which variables."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import click

from graphcut.api.loss_table import table as losses_by_variables
from graphcut.cli.audit_command import say_answer
from graphcut.cli.audit_source import audits
from graphcut.cli.source_options import SOURCE, question_options, source_options
from graphcut.render.text.headings import headings
from graphcut.results.words import escape_name
from graphcut.util.files import save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import Say, show_progress

_EXPLAIN = f"""Explain what each VARIABLE gets, why, and what to do about it.

VARIABLE is a name, a name scope or a pattern. Variables with the same outcome are explained together. For a training step,
every gradient that it computes for the variable is explained.

{SOURCE}

\b
Examples:
  graphcut explain model.meta w1
  graphcut explain saved_model/ 'encoder/*' head/kernel
  graphcut explain train.py:loss --spec 'float32[32,10]' encoder
  graphcut explain train.py:train_step --spec 'float32[32,10]' 'generator/*'

Exit codes: 0 fine, 2 could not run.
"""

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


@click.command(help=_EXPLAIN, short_help="Explain why a variable gets what it gets.")
@source_options
@click.argument("keys", nargs=-1, required=True, metavar="VARIABLE...")
def explain(source: str, keys: Tuple[str, ...], **question: Any) -> None:
    with show_progress() as say, isolate_output():
        found = audits(say, source, **question)
        say(f"explaining {keys[0]}")
        answer = _explanations(found, keys)
    say_answer(click.echo, answer)


def _explanations(found: Sequence[Any], keys: Sequence[str]) -> str:
    """Return the answers of the audits that know the variables, each under its loss if there are several."""
    for key in keys:
        if not any(_knows(audit, key) for audit in found):
            found[0].explain(key)  # raises, with near names
    told = [(head, _explanation(audit, keys)) for head, audit in zip(headings(found), found)]
    if len(found) == 1:
        return told[0][1]
    return "\n\n".join(f"For the gradient of {escape_name(head)}:\n{text}" for head, text in told if text)


def _explanation(audit: Any, keys: Sequence[str]) -> str:
    known = [key for key in keys if _knows(audit, key)]
    return "\n\n".join(dict.fromkeys(audit.explain(key) for key in known))


def _knows(audit: Any, key: str) -> bool:
    return key in audit or bool(audit._left_out_of(key))


@click.command(help=_TABLE, short_help="Compare losses: which trains which variables?")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path())
@question_options
@click.option(
    "--json", "json", metavar="FILE", type=click.Path(allow_dash=True), help="Write the table as JSON; - prints nothing else."
)
@click.option("--html", "page", metavar="FILE", type=click.Path(), help="Also write the table as HTML.")
def table(sources: Tuple[str, ...], json: Optional[str], page: Optional[str], **question: Any) -> None:
    with show_progress() as say, isolate_output():
        made = losses_by_variables(_columns(say, sources, question))
    say_answer(click.echo, made.to_json() if json == "-" else str(made))
    if json and json != "-":
        save(json, (made.to_json() + "\n").encode("utf-8"))
    if page:
        save(page, made.to_html().encode("utf-8"))


def _columns(say: Say, sources: Sequence[str], question: Dict[str, Any]) -> Dict[str, Any]:
    """Return the audits by the headings of their columns; of several sources the heading says which."""
    columns: Dict[str, Any] = {}
    for source in dict.fromkeys(sources):
        found = _audits(say, source, question, len(sources) == 1)
        for head, audit in zip(headings(found), found):
            columns[head if len(sources) == 1 else source if len(found) == 1 else f"{source}: {head}"] = audit
    return columns


def _audits(say: Say, source: str, question: Dict[str, Any], is_only: bool) -> Sequence[Any]:
    """Return the audits of a source; of the only one, each loss that is named has one of its own."""
    losses = question["losses"]
    if not is_only or len(losses) < 2:
        return audits(say, source, **question)
    modules: Dict[str, Any] = {}
    starts: List[Any] = list(question["grad_ys"]) or [None] * len(losses)
    found: List[Any] = []
    for loss, start in zip(losses, starts):
        alone = {**question, "losses": (loss,), "grad_ys": () if start is None else (start,)}
        found += audits(say, source, modules=modules, **alone)
    return found
