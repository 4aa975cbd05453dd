"""``graphcut survey``: audit a registry of graph files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, Tuple

import click

_HELP = """Audit many graph files: a registry of models, a folder of checkpoints.

One bad file never stops the others. Results go into the folder OUTPUT as they come: survey.jsonl has a line of JSON for
each file, and index.html is a table of all files. After a crash, run the same command again: it continues where it
stopped and audits only the rest and the files that changed. The files are audited by processes on this machine or, with
--dask, by the workers of a cluster, which must be able to open them by the same names (a shared folder, or URLs that
fsspec opens).

\b
Examples:
  graphcut survey models
  graphcut survey 'models/**/*.meta' -o survey
  graphcut survey exports/* frozen/*.pb --loss loss --pages
  graphcut survey 's3://bucket/**/*.meta' --dask tcp://scheduler:8786

Exit codes: 0 fine (files may have been refused), 2 could not run.
"""


@click.command(help=_HELP, short_help="Audit many graph files.")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="OUTPUT",
    default="graphcut-survey",
    show_default=True,
    help="The folder for the results.",
)
@click.option("--loss", multiple=True, metavar="L", help="The loss in every file: a tensor, op or output. Several are summed.")
@click.option(
    "--variables", multiple=True, metavar="PATTERN", help="Audit only these variables: names, or patterns such as 'a/*'."
)
@click.option("--signature", metavar="S", help="The signature of the SavedModels.")
@click.option(
    "--tf", "oracle", metavar="VERSION", help="The TensorFlow version to judge by. Default: the one that wrote each file."
)
@click.option("--ops", multiple=True, metavar="FILE", help="Gradients of a package's ops, written by graphcut ops --record.")
@click.option("--pages", is_flag=True, help="Also draw each file, on a page linked from the index.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="The number of processes. Default: one for each core.")
@click.option("--dask", metavar="ADDRESS", help="A Dask scheduler; its workers audit the files.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=600.0,
    show_default=True,
    metavar="S",
    help="Time limit for each file, in seconds.",
)
@click.option("--memory", type=click.FloatRange(0.1), metavar="GB", help="Memory limit for each process.")
def survey(memory: Optional[float], **asked: Any) -> None:
    from graphcut.api.survey.survey import INDEX, JOURNAL
    from graphcut.api.survey.survey import survey as run

    limit = None if memory is None else int(memory * 1e9)
    with _show_progress() as progress:
        result = run(asked.pop("patterns"), asked.pop("folder"), memory=limit, progress=progress, **asked)
    click.echo(str(result))
    click.echo(
        "\n%s has a line for each file, %s the table." % tuple(os.path.join(result.folder, each) for each in (JOURNAL, INDEX))
    )


@contextmanager
def _show_progress() -> Iterator[Optional[Callable[[int, int, Any], None]]]:
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
