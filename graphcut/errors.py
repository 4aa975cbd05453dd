"""The one kind of error that graphcut raises on purpose.

A message says what was asked, what was found and what to do, in at most three lines.
"""

from __future__ import annotations

import difflib
from typing import Iterable


class GraphcutError(Exception):
    """A question that cannot be answered: bad input, an unknown name, a missing package.

    The command line prints its message and exits with 2; a Python caller catches it here.
    """


def near_names(name: str, known: Iterable[str]) -> str:
    """Return the "did you mean" part of a message about an unknown name; empty if no known name is similar.

    >>> near_names("los", ["loss", "accuracy"])
    "; did you mean 'loss'?"
    """
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    if not near:
        return ""
    return "; did you mean " + " or ".join(printable(each) for each in near) + "?"


def printable(name: str, limit: int = 120) -> str:
    """``name`` quoted, with control characters escaped, cut in the middle beyond ``limit`` characters.

    >>> print(printable("a\\x1b[31mred"), printable("x" * 100, 10))
    'a\\x1b[31mred' 'xxxx…xxxx'
    """
    text = repr(name)
    if len(text) <= limit:
        return text
    half = limit // 2
    return text[:half] + "…" + text[-half:]
