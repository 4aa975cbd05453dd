"""The line of the user's code that ``file:line`` means, where it can be read.

A file that was given to graphcut may name any path as the place of an op: only Python files of a sane size are opened.
"""

from __future__ import annotations

import linecache
import os
from typing import Optional

_LIMIT = 100
_LARGEST = 4000000


def source_line(where: Optional[str]) -> str:
    """The line without its indentation, what cannot be printed escaped; empty where there is none to read."""
    path, _, number = (where or "").rpartition(":")
    text = linecache.getline(path, int(number)).strip() if number.isdigit() and _is_source(path) else ""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def _is_source(path: str) -> bool:
    return path.endswith(".py") and os.path.isfile(path) and os.path.getsize(path) <= _LARGEST
