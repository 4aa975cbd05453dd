"""Small text functions: numbers in tensor names, names of objects, and shortened lists of names."""

from __future__ import annotations

import re
from typing import Any, Optional, Sequence

_NUMERAL = re.compile("[0-9]{1,18}")


def numeral(text: str) -> Optional[int]:
    """Return the output number that ``text`` holds, or ``None`` if it holds none.

    Only ASCII digits count, and not so many that Python refuses to convert them.

    >>> numeral("12"), numeral("²"), numeral("9" * 5000)
    (12, None, None)
    """
    return int(text) if _NUMERAL.fullmatch(text) else None


def every(count: int) -> str:
    """Return ``both`` for two things and ``all n`` for more.

    >>> every(2), every(3)
    ('both', 'all 3')
    """
    return "both" if count == 2 else f"all {count}"


def join_first(texts: Sequence[str], limit: int) -> str:
    """Return the first texts, separated by commas, and the number of the others.

    >>> join_first(["a", "b"], 2), join_first(["a", "b", "c"], 2)
    ('a, b', 'a, b and 1 more')
    """
    more = len(texts) - limit
    return ", ".join(texts[:limit]) + (" and %d more" % more if more > 0 else "")


def object_name(value: Any) -> str:
    """Return the name of a function, a model or another object, or the name of its type if it has none."""
    return str(getattr(value, "__name__", getattr(value, "name", type(value).__name__)))
