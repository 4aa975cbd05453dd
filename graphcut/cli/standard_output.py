"""Write the answer of a command to standard output."""

from __future__ import annotations

from typing import Any, Callable

from graphcut.errors import GraphcutError


def write_answer(say_one: Callable[[Any], None], answer: Any) -> None:
    """Write an answer to standard output."""
    try:
        say_one(answer)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GraphcutError(f"cannot write to standard output: {error.strerror}") from None
