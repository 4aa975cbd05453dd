"""Find source lines in the threads in which ``MirroredStrategy`` runs its replicas.

TensorFlow knows the original line of converted code only in the thread that called the function. A replica takes this over
from the thread that starts it; ops that no user code made get the line that runs the strategy.
"""

from __future__ import annotations

import functools
import threading
import weakref
from typing import Any, Iterator, Optional, Tuple

from tensorflow.python.util import tf_stack

from graphcut.backend.live import source_locations
from graphcut.backend.record.patches import Patch

_STARTED: weakref.WeakKeyDictionary[Any, Tuple[Any, Optional[str]]] = weakref.WeakKeyDictionary()


def patches() -> Iterator[Patch]:
    """Yield the patches of the replicas' threads; none if this TensorFlow has no such threads."""
    try:
        from tensorflow.python.distribute.mirrored_run import _MirroredReplicaThread as kind
    except ImportError:
        return
    if hasattr(tf_stack, "_source_mapper_stacks"):
        yield Patch(kind, "__init__", _of_start)
        yield Patch(kind, "run", _of_run)


def _of_start(original: Any) -> Any:
    @functools.wraps(original)
    def __init__(thread: Any, *args: Any, **kwargs: Any) -> None:
        original(thread, *args, **kwargs)
        mapper = tf_stack._source_mapper_stacks[threading.get_ident()][-1]
        _STARTED[thread] = (mapper, source_locations.here())

    return __init__


def _of_run(original: Any) -> Any:
    @functools.wraps(original)
    def run(thread: Any) -> None:
        if thread not in _STARTED:
            return original(thread)
        mapper, place = _STARTED[thread]
        own = threading.get_ident()
        tf_stack._source_mapper_stacks[own].append(mapper)
        source_locations.STARTED_AT[own] = place
        try:
            return original(thread)
        finally:
            source_locations.STARTED_AT.pop(own, None)
            tf_stack._source_mapper_stacks.pop(own, None)

    return run
