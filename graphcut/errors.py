"""The error that graphcut raises for bad input, and the hints in its messages.

A message says what you asked for, what graphcut found and what to do, in at most three lines.
"""

from __future__ import annotations

import difflib
from typing import Iterable, List, Sequence


class GraphcutError(Exception):
    """A question that cannot be answered: bad input, an unknown name, a missing package.

    The command line prints its message and exits with 2; a Python caller catches it here.
    """


def near_names(name: str, known: Iterable[str]) -> str:
    """Return the "did you mean" part of a message about an unknown name; empty if no known name is similar.

    >>> near_names("los", ["loss", "accuracy"])
    "; did you mean 'loss'?"
    """
    return did_you_mean(close_names(name, known))


def close_names(name: str, known: Iterable[str]) -> List[str]:
    """Return at most three known names that are similar to an unknown one, the most similar first.

    >>> close_names("los", ["loss", "accuracy"])
    ['loss']
    """
    return difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)


def did_you_mean(names: Sequence[str]) -> str:
    """Return the part of a message that offers other names; empty if there are none.

    >>> did_you_mean(["loss", "losses"])
    "; did you mean 'loss' or 'losses'?"
    """
    return "; did you mean " + " or ".join(map(printable, names)) + "?" if names else ""


def printable(name: str, limit: int = 120) -> str:
    """Return ``name`` in quotes, with control characters escaped, shortened in the middle to ``limit`` characters.

    >>> print(printable("a\\x1b[31mred"), printable("x" * 100, 10))
    'a\\x1b[31mred' 'xxxx…xxxx'
    """
    text = repr(name)
    if len(text) <= limit:
        return text
    half = limit // 2
    return text[:half] + "…" + text[-half:]
