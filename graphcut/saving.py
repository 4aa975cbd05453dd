"""Writing a file: as a whole or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Union

from graphcut.errors import GraphcutError, printable

if TYPE_CHECKING:
    Target = Union[str, os.PathLike[str]]


def save(path: Target, content: bytes) -> None:
    """Write ``content``. Where the system does not let us: ``GraphcutError``, and no half of a file stays behind."""
    name = os.fspath(path)
    try:
        with open(name, "wb", buffering=0) as stream:
            _write(stream.fileno(), content, name)
    except OSError as error:
        raise GraphcutError(f"cannot write {printable(name)}: {error.strerror}") from None


def _write(number: int, content: bytes, name: str) -> None:
    left = memoryview(content)
    try:
        while left:
            left = left[os.write(number, left) :]
    except OSError:
        if stat.S_ISREG(os.fstat(number).st_mode):
            os.remove(name)
        raise
