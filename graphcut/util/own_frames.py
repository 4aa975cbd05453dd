"""Remove graphcut's frames from the tracebacks of other code's errors."""

from __future__ import annotations

import os
from types import TracebackType
from typing import List, Optional

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")


def remove_own_frames(error: BaseException) -> None:
    """Remove the frames of graphcut from the tracebacks of an error, and of the errors that it came from.

    An ``except`` block that calls this and then has a bare ``raise`` leaves no frame of its own function from Python 3.11 on.
    Before that, Python restores the first frame of the traceback.
    """
    ids: List[int] = []
    waiting: List[Optional[BaseException]] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in ids:
            ids.append(id(each))
            each.__traceback__ = _without_own_frames(each.__traceback__)
            waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


def _without_own_frames(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    """Return a traceback without such frames; unchanged if graphcut itself raised the error."""
    frames: List[TracebackType] = []
    first = trace
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    if not frames or _is_own(frames[-1]):
        return first
    following = None
    for each in reversed(frames):
        each.tb_next = following
        following = following if _is_own(each) else each
    return following


def _is_own(trace: TracebackType) -> bool:
    return os.path.abspath(trace.tb_frame.f_code.co_filename).startswith(_PACKAGE)
