"""The line of the user's code that ``file:line`` means, as it is shown."""

from __future__ import annotations

from typing import Optional

from graphcut.lines import line_of

_LIMIT = 100


def source_line(where: Optional[str]) -> str:
    """The line without its indentation, what cannot be printed escaped; empty where there is none to read."""
    text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in line_of(where))
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"
