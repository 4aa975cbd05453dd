"""Writing a view to a file: the ending of the name says which view."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Union

from graphcut.errors import GraphcutError, printable

if TYPE_CHECKING:
    Target = Union[str, os.PathLike[str]]


def save(path: Target, content: bytes) -> None:
    """Write ``content``; ``GraphcutError`` where the system does not let us."""
    try:
        Path(os.fspath(path)).write_bytes(content)
    except OSError as error:
        raise GraphcutError(f"cannot write {printable(os.fspath(path))}: {error.strerror}") from None
