"""``graphcut explain``: why a variable gets a gradient or none, and what to do about it."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import click

from graphcut.cli.audit_source import audit_source
from graphcut.cli.source_options import SOURCE, source_options
from graphcut.cli.standard_output import write_answer
from graphcut.render.text.headings import headings
from graphcut.results.words import escape_name
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import show_progress

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


@click.command(help=_EXPLAIN, short_help="Explain why a variable gets a gradient or not.")
@source_options
@click.argument("keys", nargs=-1, required=True, metavar="VARIABLE...")
def explain(source: str, keys: Tuple[str, ...], **options: Any) -> None:
    with show_progress() as say, isolate_output():
        result = audit_source(say, source, **options)
        say(f"explaining {keys[0]}")
        answer = _explanations(result, keys)
    write_answer(click.echo, answer)


def _explanations(result: Sequence[Any], keys: Sequence[str]) -> str:
    """Return the explanations by the audits that have the variables, each under its loss if there are several."""
    for key in keys:
        if not any(_knows(audit, key) for audit in result):
            result[0].explain(key)  # raises, with near names
    explanations = [(head, _explanation(audit, keys)) for head, audit in zip(headings(result), result)]
    if len(result) == 1:
        return explanations[0][1]
    return "\n\n".join(f"For the gradient of {escape_name(head)}:\n{text}" for head, text in explanations if text)


def _explanation(audit: Any, keys: Sequence[str]) -> str:
    keys_of_audit = [key for key in keys if _knows(audit, key)]
    return "\n\n".join(dict.fromkeys(audit.explain(key) for key in keys_of_audit))


def _knows(audit: Any, key: str) -> bool:
    return key in audit or bool(audit._left_out_of(key))
