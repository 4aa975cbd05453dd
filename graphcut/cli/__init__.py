"""The command line. Exit codes: 0 fine, 1 a contract is broken, 2 could not run."""

from __future__ import annotations

import atexit
import os
import re
import sys
import traceback
from contextlib import suppress
from typing import Optional, Sequence

import click

from graphcut.cli.audit_command import audit
from graphcut.cli.commands import commands
from graphcut.cli.contract_commands import COMMANDS
from graphcut.cli.doctor_command import doctor
from graphcut.cli.draw_command import draw
from graphcut.cli.explain_command import explain
from graphcut.cli.ops_command import ops
from graphcut.cli.run_command import run
from graphcut.cli.suggest_command import suggest
from graphcut.cli.survey_command import survey
from graphcut.cli.table_command import table
from graphcut.errors import GraphcutError
from graphcut.util.isolate_output import open_streams, silence

__all__ = ["main"]

FINE, COULD_NOT_RUN = 0, 2

for each in (*COMMANDS, audit, doctor, draw, explain, ops, run, suggest, survey, table):
    commands.add_command(each)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return _run(arguments)
    finally:
        # This is the program itself: functions that user code registered with atexit run after this.
        if arguments is None and sys.argv[1:2] != ["run"]:
            atexit.register(silence)


def _run(arguments: Optional[Sequence[str]]) -> int:
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = commands.main(args=arguments, prog_name="graphcut", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "graphcut"
        _tell(f"{error.format_message()}\ntry: {command} --help")
        return COULD_NOT_RUN
    except GraphcutError as error:
        _tell(_of_options(str(error)))
        return COULD_NOT_RUN
    except (click.Abort, KeyboardInterrupt):
        return COULD_NOT_RUN
    except (BrokenPipeError, SystemExit):  # click exits with 1 when the reader of a pipe is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FINE
    except Exception:  # noqa: BLE001 - Python would exit with 1, which means a broken contract
        traceback.print_exc()
        return COULD_NOT_RUN
    return code if isinstance(code, int) else FINE


_ARGUMENT = re.compile(r"(?<![\w-])(loss|variables|stop_gradients|grad_ys|signature|oracle|ops)=")


_OF_PYTHON = (
    ("give example arguments or a tf.TensorSpec for each", "give a --spec for each argument, such as --spec float32[32,10]"),
    ("audit each and pass the audits to graphcut.table", "give them all to graphcut table, a --loss for each"),
    (
        "Call graphcut.audit_step(model, x, y).",
        "Give a --spec for each, such as --spec 'float32[32,10]' --spec 'float32[32,1]'.",
    ),
    ("Call graphcut.audit_step(model, x, y), or give a dataset of pairs (x, y).", "Give a --spec for x and one for y."),
    ("\nA training step that takes its own gradients is for graphcut.audit_step.", ""),
)


def _of_options(message: str) -> str:
    """Return a message with Python arguments replaced by the corresponding options.

    >>> _of_options("Name it with loss=; all of them with variables='*'.")
    "Name it with --loss; all of them with --variables '*'."
    >>> _of_options("To see them side by side, audit each and pass the audits to graphcut.table.")
    'To see them side by side, give them all to graphcut table, a --loss for each.'
    """
    for words, instead in _OF_PYTHON:
        message = message.replace(words, instead)
    names = {"oracle": "tf"}
    named = _ARGUMENT.sub(lambda match: "--%s " % names.get(match.group(1), match.group(1).replace("_", "-")), message)
    return re.sub(r"(--[\w-]+) (?=[;:,.\s]|$)", r"\1", named)


def _tell(message: str) -> None:
    with suppress(OSError):  # standard output has no reader
        click.echo(f"graphcut: {message}", err=True)
