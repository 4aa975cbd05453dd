"""``graphcut check``, ``snapshot``, ``diff`` and ``init``: contracts about gradients."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

import click

from graphcut.cli.standard_output import say_written
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.util.files import save
from graphcut.util.progress import Say, show_progress

if TYPE_CHECKING:
    from graphcut.contracts.diff import Diff

Command = TypeVar("Command", bound=Callable[..., Any])

_CHECK = """Check the contracts of this project.

Contracts are in graphcut.toml, in pyproject.toml under [tool.graphcut], or in setup.cfg in sections
[graphcut:contract:NAME]. NAME is the name of a contract or a pattern; without NAME, all of them are checked.

\b
Examples:
  graphcut check
  graphcut check 'the encoder stays frozen' --format json
  graphcut check --format sarif --output graphcut.sarif
  graphcut check --format github --report sarif=graphcut.sarif --report markdown=comment.md

Exit codes: 0 all contracts are kept, 1 at least one is broken, 2 at least one is invalid or cannot be judged.
"""

_SNAPSHOT = """Write the verdicts of every source that the contracts name, so that you can compare them later.

\b
Examples:
  graphcut snapshot -o graphcut.lock
  graphcut diff HEAD:graphcut.lock graphcut.lock

Exit codes: 0 fine, 2 could not run.
"""

_DIFF = """Show which variables gained or lost their gradient between OLD and NEW, and through which op.

\b
OLD and NEW are each
  a lock file             graphcut.lock, written by graphcut snapshot
  a graph file            graph.pb  model.meta  a SavedModel
  a Python source         path.py:function  package.module:function
  any of these at a git revision, such as HEAD~1:model.py:loss

\b
Examples:
  graphcut diff old.meta new.meta
  graphcut diff HEAD~1:model.py:loss model.py:loss --spec 'float32[32,10]'
  graphcut diff HEAD~1:train.py:train_step train.py:train_step --svg diff.svg
  graphcut diff v1.0:graphcut.lock graphcut.lock

The picture of a training step shows one gradient; if several changed, they go to diff-1.svg, diff-2.svg.

Exit codes: 0 no difference, 1 a difference, 2 could not run.
"""

_INIT = """Write a first graphcut.toml from what is true today: a contract for each gradient of each SOURCE.

\b
Examples:
  graphcut init train.py:train_step --spec 'float32[32,10]'
  graphcut init model.meta

Exit codes: 0 fine, 2 could not run, for example because graphcut.toml exists already.
"""

_FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")
_config = click.option("--config", metavar="FILE", type=click.Path(), help="The file with the contracts.")
_ops = click.option(
    "--ops", multiple=True, metavar="FILE", help="Gradients of a package's ops, written by graphcut ops --record."
)
_specs = click.option(
    "--spec", "specs", multiple=True, metavar="SPEC", help="Dtype and shape of an argument, such as 'float32[32,10]'."
)


def _output(default: str) -> Callable[[Command], Command]:
    """Return the option that names the file to write."""
    return click.option(
        "-o",
        "--output",
        metavar="FILE",
        default=default,
        show_default=True,
        type=click.Path(allow_dash=True),
        help="The output file; - is standard output.",
    )


def _write(text: str, output: str) -> bool:
    """Write a text to a file, or to standard output if the file is ``-``; return whether a file was written."""
    if output == "-":
        click.echo(text, nl=False)
    else:
        save(output, text.encode("utf-8"))
    return output != "-"


@click.command(help=_CHECK, short_help="Check the contracts of this project.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@_config
@_ops
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True, help="The format of the report."
)
@click.option(
    "--output", metavar="FILE", type=click.Path(allow_dash=True), help="Write the report to a file; - is standard output."
)
@click.option(
    "--report",
    "others",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Also write the report of the same run in another format, such as sarif=graphcut.sarif. May be repeated.",
)
@click.option("--strict", is_flag=True, help="Let a must_not_reach pattern that matches no variable break its contract.")
@click.pass_context
def check(
    context: click.Context,
    names: Tuple[str, ...],
    config: Optional[str],
    ops: Tuple[str, ...],
    form: str,
    output: Optional[str],
    others: Tuple[str, ...],
    strict: bool,
) -> None:
    from graphcut.contracts.check import check as check_contracts
    from graphcut.contracts.check import unreadable_report
    from graphcut.contracts.reports import FORMATS
    from graphcut.contracts.reports.check_text import summary

    files = _report_files(others, output)
    failure: Optional[GraphcutError] = None
    try:
        with show_progress() as say:
            report = check_contracts(config, names, say, ops, strict)
    except GraphcutError as error:
        report, failure = unreadable_report(config, error), error
    for path, other in files.items():
        save(path, (FORMATS[other](report) + "\n").encode("utf-8"))
    text = FORMATS[form](report)
    if output and output != "-":
        save(output, (text + "\n").encode("utf-8"))
        text = summary(report)
    if failure is None or (text and form != "text" and output in (None, "-")):
        click.echo(text or summary(report))
    if failure is not None:
        raise failure
    context.exit(report.exit_code)


def _report_files(reports: Sequence[str], output: Optional[str]) -> Dict[str, str]:
    """Return the format to write to each file that ``--report`` names."""
    files: Dict[str, str] = {}
    for each in reports:
        form, _, path = each.partition("=")
        if form not in _FORMATS or not path:
            near = near_names(form, _FORMATS) if form not in _FORMATS else ""
            raise GraphcutError(
                f"{printable(each)} is not a valid --report: expected FORMAT=FILE, such as sarif=graphcut.sarif{near}\n"
                f"The formats are {', '.join(_FORMATS)}."
            )
        if path == "-":
            raise GraphcutError(f"--report {form}=- names no file\nTo print the report, use --format {form}.")
        if path in files or path == output:
            raise GraphcutError(f"two reports cannot go to one file: {printable(path)}\nGive each --report a file of its own.")
        files[path] = form
    return files


@click.command(help=_SNAPSHOT, short_help="Record the verdicts of all sources.")
@_config
@_ops
@_output("graphcut.lock")
def snapshot(config: Optional[str], ops: Tuple[str, ...], output: str) -> None:
    from graphcut.contracts.snapshot import snapshot as take_snapshot

    with show_progress() as say:
        text = take_snapshot(config, say, ops)
    if _write(text, output):
        say_written((output,))


class DiffCommand(click.Command):
    """A command whose ``--json`` may have no file, even before OLD and NEW."""

    def make_context(
        self, info_name: Optional[str], args: List[str], parent: Optional[click.Context] = None, **extra: Any
    ) -> click.Context:
        """Read ``--json`` as ``--json -`` if its file would be one of the two sides."""
        try:
            return super().make_context(info_name, list(args), parent, **extra)
        except click.MissingParameter:
            printed = ["--json=-" if each == "--json" else each for each in args]
            return super().make_context(info_name, printed, parent, **extra)


@click.command(cls=DiffCommand, help=_DIFF, short_help="Show which gradients changed.")
@click.argument("old")
@click.argument("new")
@_specs
@click.option("--loss", "losses", multiple=True, metavar="L", help="The loss on both sides: a tensor, op or output.")
@click.option(
    "--json",
    "json",
    metavar="[FILE]",
    is_flag=False,
    flag_value="-",
    type=click.Path(allow_dash=True),
    help="Also write the changes as JSON; without FILE, or with -, print only JSON.",
)
@click.option(
    "--svg", metavar="FILE", type=click.Path(), help="Draw NEW with the changes marked; the suffix picks the format."
)
@click.pass_context
def diff(
    context: click.Context,
    old: str,
    new: str,
    specs: Tuple[str, ...],
    losses: Tuple[str, ...],
    json: Optional[str],
    svg: Optional[str],
) -> None:
    from graphcut.contracts.diff import compare_sides
    from graphcut.contracts.diff_sides import read_side

    with show_progress() as say:
        say(f"reading {old}")
        before = read_side(old, specs, losses, in_new_process=True)
        say(f"reading {new}")
        result = compare_sides(before, read_side(new, specs, losses))
        pictures, undrawn = _draw_changes(result, svg, say) if svg else ((), None)
    click.echo(result.to_json() if json == "-" else str(result))
    if json and json != "-":
        save(json, (result.to_json() + "\n").encode("utf-8"))
    say_written(pictures)
    if undrawn is not None:
        raise undrawn
    context.exit(1 if result else 0)


def _draw_changes(result: Diff, path: str, say: Say) -> Tuple[Tuple[str, ...], Optional[GraphcutError]]:
    """Return the pictures that were drawn, or the error; the answer is shown anyway."""
    say(f"drawing {path}")
    try:
        return result.draw(path), None
    except GraphcutError as error:
        return (), error


@click.command(help=_INIT, short_help="Write a first graphcut.toml.")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@_specs
@_output("graphcut.toml")
def init(sources: Tuple[str, ...], specs: Tuple[str, ...], output: str) -> None:
    from graphcut.contracts.config_file import FILES
    from graphcut.contracts.first_contracts import first_contracts

    if output != "-" and os.path.exists(output):
        raise GraphcutError(
            f"{printable(output)} already exists, and init does not overwrite it\nChoose another file with --output."
        )
    if not sources:
        raise GraphcutError("init needs a SOURCE, such as train.py:train_step or model.meta\ntry: graphcut init --help")
    _refuse_stray_specs(sources)
    with show_progress() as say:
        text = first_contracts(sources, specs, say)
    if _write(text, output):
        option = "" if output in FILES else f" --config {output}"
        click.echo(f"wrote {output}; check it with: graphcut check{option}", err=True)


def _refuse_stray_specs(sources: Sequence[str]) -> None:
    """Refuse specs among the sources: an option takes one value, so the second of ``--spec A B`` is a source."""
    from graphcut.api.tensor_spec import parse_spec

    for each in sources:
        with suppress(GraphcutError):
            if not os.path.exists(each) and parse_spec(each):
                raise click.UsageError(f"{printable(each)} is a spec, not a SOURCE: write --spec before each spec")


COMMANDS = (check, snapshot, diff, init)
