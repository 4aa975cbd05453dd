"""``graphcut audit`` and ``graphcut draw``."""

from __future__ import annotations

import platform
from typing import Any, Callable, Optional, Sequence

import click
from rich.console import Console

from graphcut.cli import draw_options
from graphcut.cli.audit_source import as_documents, audits
from graphcut.cli.doctor_command import tensorflow_version
from graphcut.cli.source_options import SOURCE, source_options
from graphcut.errors import GraphcutError
from graphcut.render.text.json_report import to_json
from graphcut.render.text.plain import table
from graphcut.render.text.source_quotes import quote_lines
from graphcut.render.text.terminal import rich_table
from graphcut.util.files import numbered_paths, save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import Say, show_progress
from graphcut.util.version import VERSION

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

_DRAW = f"""Draw where the gradient goes and where it is cut.

The suffix of the output picks the format. .html is a single page that you can search and click.
.svg and .png need only pip packages on Python 3.11 and later, and the system's Graphviz before; .pdf
always needs Graphviz. .dot, .gv, .mmd (Mermaid) and .graphml are text. .json is the whole graph for
Model Explorer, with its node data in a second file.

{SOURCE}

\b
Examples:
  graphcut draw model.meta -o cut.svg
  graphcut draw saved_model/ -o cut.html
  graphcut draw train.py:loss --spec 'float32[32,10]' -o cut.png
  graphcut draw model.meta --of 'encoder/*' -o encoder.svg
  graphcut draw model.meta --around logits --hops 2 -o logits.svg
  graphcut draw model.meta --link 'vscode://file/{{file}}:{{line}}' -o cut.svg

Exit codes: 0 fine, 2 could not run.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, parameter, wanted: _show_version(context) if wanted else None,
    help="Show the versions of graphcut, Python and TensorFlow, and exit.",
)
@click.pass_context
def commands(context: click.Context) -> None:
    """Find which variables of a TensorFlow graph still receive a gradient, and what cuts off the others.

    \b
    Examples:
      graphcut audit model.meta
      graphcut draw train.py:loss --spec 'float32[32,10]' -o cut.svg
      graphcut explain model.meta encoder/kernel
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _show_version(context: click.Context) -> None:
    tensorflow = "%s %s" % (tensorflow_version() or ("no TensorFlow", "installed"))
    click.echo("graphcut %s, Python %s, %s" % (VERSION, platform.python_version(), tensorflow))
    context.exit()


_NARROW = 50  # columns; in less, rich leaves words out


@commands.command(help=_AUDIT, short_help="Show which variables get a gradient.")
@source_options
@click.option("--svg", metavar="FILE", type=click.Path(), help="Also draw the cut.")
@click.option(
    "--json",
    "json",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Write the audit as JSON; - prints it instead of the table.",
)
def audit(json: Optional[str], svg: Optional[str], **question: Any) -> None:
    console = Console()
    rich = console.is_terminal and console.width >= _NARROW
    words: Callable[..., Any] = rich_table if rich else table
    with show_progress() as say, isolate_output():
        found = audits(say, **question)
        written = as_documents([to_json(each) for each in found]) if json else ""
        shown = [words(each, quote_lines(each)) for each in found]
        undrawn = _try_to_draw(found, svg, say) if svg else None
    if json == "-":
        shown = [written]
    say_one = console.print if rich and json != "-" else click.echo
    for index, each in enumerate(shown):
        if index:
            say_answer(say_one, "")
        say_answer(say_one, each)
    if json != "-" and "table" in found[0].oracle:
        say_answer(say_one, f"\ngradients: {found[0].oracle}")
    if json and json != "-":
        save(json, (written + "\n").encode())
    if undrawn is not None:
        raise undrawn


@commands.command(help=_DRAW, short_help="Draw the gradient and its cuts.")
@source_options
@click.option(
    "-o", "--output", required=True, metavar="FILE", type=click.Path(), help="The output file; its suffix picks the format."
)
@draw_options.options
def draw(output: str, **question: Any) -> None:
    asked = draw_options.take_draw_options(question)
    with show_progress() as say, isolate_output():
        _draw(audits(say, **question), output, say, **asked)


def _draw(found: Sequence[Any], path: str, say: Say, **asked: Any) -> None:
    for each, name in zip(found, numbered_paths(path, len(found))):
        say(f"drawing {name}")
        each.draw(name, **asked)


def _try_to_draw(found: Sequence[Any], path: str, say: Say) -> Optional[GraphcutError]:
    """Draw the cut and return the error, if any, because a failed picture stops no audit."""
    try:
        _draw(found, path, say)
    except GraphcutError as error:
        return error
    return None


def say_answer(say_one: Callable[[Any], None], answer: Any) -> None:
    """Write an answer to standard output."""
    try:
        say_one(answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GraphcutError(f"cannot write to standard output: {error.strerror}") from None
