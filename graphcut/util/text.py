"""Small texts: numbers in the names of tensors, the names of objects, the first of many names."""

from __future__ import annotations

import re
from typing import Any, Optional, Sequence

_NUMERAL = re.compile("[0-9]{1,18}")


def numeral(text: str) -> Optional[int]:
    """Return the number that ``text`` writes; ``None`` where it writes none, or one that no output has.

    Such a number has ASCII digits, and not so many of them that Python refuses to read them.

    >>> numeral("12"), numeral("²"), numeral("9" * 5000)
    (12, None, None)
    """
    return int(text) if _NUMERAL.fullmatch(text) else None


def every(count: int) -> str:
    """Return the word for all of two or more things: ``both``, ``all 3``.

    >>> every(2), every(3)
    ('both', 'all 3')
    """
    return "both" if count == 2 else f"all {count}"


def join_first(texts: Sequence[str], limit: int) -> str:
    """Return the first texts with commas between them, and how many more there are.

    >>> join_first(["a", "b"], 2), join_first(["a", "b", "c"], 2)
    ('a, b', 'a, b and 1 more')
    """
    more = len(texts) - limit
    return ", ".join(texts[:limit]) + (" and %d more" % more if more > 0 else "")


def object_name(value: Any) -> str:
    """Return the name that a function, a model or another object bears, else the name of its type."""
    return str(getattr(value, "__name__", getattr(value, "name", type(value).__name__)))
