"""Enter the replica context in which a gradient function must be called.

``ReplicaContext.all_reduce`` is a custom gradient, which TensorFlow computes by the same method: it raises ``Mismatching
ReplicaContext`` outside of the context that the op was built in.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

import tensorflow as tf

from graphcut.backend.live.function_identity import content

_DEPTH = 4


@contextmanager
def replica_context_of(function: Any) -> Iterator[None]:
    """Enter the replica context that a function holds in its closure, if any."""
    found = next(_held(function, _DEPTH), None)
    if found is None:
        yield
        return
    before = dict(vars(found))
    try:
        with found:
            yield
    finally:
        vars(found).update(before)


def _held(function: Any, depth: int) -> Iterator[Any]:
    for value in [content(cell) for cell in getattr(function, "__closure__", None) or ()]:
        if isinstance(value, tf.distribute.ReplicaContext):
            yield value
        elif depth and hasattr(value, "__closure__"):
            yield from _held(value, depth - 1)
