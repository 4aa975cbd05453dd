"""``graphcut draw``: the cut graph as a picture, a page or a graph file."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import click

from graphcut.cli import draw_options
from graphcut.cli.audit_source import audit_source
from graphcut.cli.source_options import SOURCE, source_options
from graphcut.cli.standard_output import say_written
from graphcut.util.files import numbered_paths
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import Say, show_progress

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


@click.command(help=_DRAW, short_help="Draw the gradient and its cuts.")
@source_options
@click.option(
    "-o", "--output", required=True, metavar="FILE", type=click.Path(), help="The output file; its suffix picks the format."
)
@draw_options.options
def draw(output: str, **options: Any) -> None:
    asked = draw_options.take_draw_options(options)
    with show_progress() as say, isolate_output():
        paths = draw_each(audit_source(say, **options), output, say, **asked)
    say_written(paths)


def draw_each(result: Sequence[Any], path: str, say: Say, **asked: Any) -> Tuple[str, ...]:
    """Draw each audit into a separate file, and return the files; several files are numbered."""
    paths = numbered_paths(path, len(result))
    for each, name in zip(result, paths):
        say(f"drawing {name}")
        each.draw(name, **asked)
    return paths
