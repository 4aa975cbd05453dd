"""Write the answer of a command to standard output, and the names of written files to standard error."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import click

from graphcut.errors import GraphcutError, printable


def write_answer(say_one: Callable[[Any], None], answer: Any) -> None:
    """Write an answer to standard output."""
    try:
        say_one(answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GraphcutError(f"cannot write to standard output: {error.strerror}") from None


def say_written(paths: Sequence[str]) -> None:
    """Print the names of written files to standard error."""
    for each in paths:
        click.echo(f"wrote {printable(each, len(repr(each)))[1:-1]}", err=True)
