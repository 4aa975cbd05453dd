"""The decorator that makes a function a case, and the words that all cases share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable, Dict, Tuple

import tensorflow as tf

from ..bench import MODES, VERSION, Case

CASES: Dict[str, Case] = OrderedDict()
NEWEST = (99, 0)
REF = dict.fromkeys(("function", "call"), "a function does not capture a reference, it copies its value")
STOPS_INSIDE = {"call": "the tensor of stop_gradients is inside of the function"}


def case(
    skip: Any = None,
    expect: Any = None,
    crash: Any = None,
    since: Tuple[int, int] = (1, 15),
    until: Tuple[int, int] = NEWEST,
    because: str = "",
    not_run: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function under its name.

    ``skip`` maps a mode to the reason why it makes no sense there, ``crash`` to the error of TensorFlow's own. ``since``
    and ``until`` bound the TensorFlow versions that have the API, both included; ``because`` names it. ``not_run`` says
    why the gradients are not run.
    """

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        if build.__name__ in CASES:
            raise ValueError("two cases are called " + build.__name__)
        skips = dict(skip or {})
        if not since <= VERSION <= until:
            skips = dict.fromkeys(MODES, because)
        CASES[build.__name__] = Case(build.__name__, build, skips, dict(crash or {}), expect or {}, not_run)
        return build

    return register


def total(tensor: Any) -> Any:
    """A scalar that depends on every element, in a way that is not linear."""
    return tf.reduce_sum(tensor * tensor)


def outlined(body: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a ``tf.function``: a call op in the graph."""
    return tf.function(body, autograph=False)
