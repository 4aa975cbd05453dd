"""``graphcut survey``: audit a registry of graph files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, Tuple

import click

_HELP = """Audit many graph files: a registry of models, a folder of checkpoints.

One bad file never stops the others. What is found goes into the folder OUTPUT as it comes: survey.jsonl has a line of
JSON for each file, index.html a table of all. Run the same line again after a crash and it goes on where it broke off;
files that changed are audited again. Files are audited in processes of this machine; with --dask, by the workers of a
cluster, which must see the files by the same names (a shared folder, or URLs that fsspec opens).

\b
Examples:
  graphcut survey 'models/**/*.meta' -o survey
  graphcut survey exports/* frozen/*.pb --loss loss --pages
  graphcut survey 's3://bucket/**/*.meta' --dask tcp://scheduler:8786

Exit codes: 0 fine (files may have been refused), 2 could not run.
"""


@click.command(help=_HELP)
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option("-o", "--output", "folder", metavar="OUTPUT", default="graphcut-survey", show_default=True, help="A folder.")
@click.option("--loss", multiple=True, metavar="L", help="A tensor, op or output of every file; several are summed.")
@click.option("--variables", multiple=True, metavar="PATTERN", help="Audit only these: names or patterns like 'a/*'.")
@click.option("--signature", metavar="S", help="The signature of the SavedModels.")
@click.option("--tf", "oracle", metavar="VERSION", help="Whose gradients count; by default each file's own.")
@click.option("--ops", multiple=True, metavar="FILE", help="Ops of a package, as graphcut ops --record wrote them.")
@click.option("--pages", is_flag=True, help="Draw each file, as a page that the index links.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="How many processes; by default one for each core.")
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler, whose workers audit instead.")
@click.option(
    "--timeout", type=click.FloatRange(0.1), default=600.0, show_default=True, metavar="S", help="Seconds for a file."
)
@click.option("--memory", type=click.FloatRange(0.1), metavar="GB", help="The most that a process may take.")
def survey(memory: Optional[float], **asked: Any) -> None:
    from graphcut.api.survey.survey import INDEX, JOURNAL
    from graphcut.api.survey.survey import survey as run

    limit = None if memory is None else int(memory * 1e9)
    with _shown() as progress:
        found = run(asked.pop("patterns"), asked.pop("folder"), memory=limit, progress=progress, **asked)
    click.echo(str(found))
    click.echo(
        "\n%s has a line for each file, %s the table." % tuple(os.path.join(found.folder, each) for each in (JOURNAL, INDEX))
    )


@contextmanager
def _shown() -> Iterator[Optional[Callable[[int, int, Any], None]]]:
    """Show the progress on a terminal; nothing elsewhere."""
    if not os.isatty(2):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns: Tuple[Any, ...] = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("auditing", total=None, rate="")
        first = []

        def progress(done: int, total: int, last: Any) -> None:
            first.append(done)
            spent = bar.tasks[0].elapsed or 0.0
            rate = "%.1f files/s" % ((done - first[0]) / spent) if spent and done > first[0] else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield progress
