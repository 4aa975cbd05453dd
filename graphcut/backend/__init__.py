"""Say what to install if something is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from graphcut.errors import GraphcutError


@contextmanager
def tensorflow_needed(purpose: str) -> Iterator[None]:
    """Turn a missing TensorFlow into an error that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tensorflow":
            raise
        raise GraphcutError(
            "TensorFlow is needed %s and is not installed\n"
            "Install it: pip install tensorflow (the CPU build, tensorflow-cpu, will do)" % purpose
        ) from None
