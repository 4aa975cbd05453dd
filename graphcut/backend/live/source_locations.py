"""Find the line of the user's code that created an op of a live graph."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Dict, List, Optional, Tuple

from tensorflow.python.util import tf_stack

from graphcut.graph import stack_frames
from graphcut.graph.stack_frames import Frame, Place

STARTED_AT: Dict[int, Optional[str]] = {}  # by the identifier of the thread
_HERE = os.path.dirname(os.path.abspath(__file__))


def place(op: Any) -> Place:
    """Return ``file:line`` of an op, or ``None``, and whether TensorFlow or Keras created it by itself."""
    return stack_frames.place_of_op(_frames(op))


def user_frames(op: Any) -> Tuple[str, ...]:
    """``file:line`` of every frame of an op that is the user's, innermost first."""
    return stack_frames.places(_frames(op))


def here() -> Optional[str]:
    """Return ``file:line`` of the user's innermost frame; for converted code, the original line.

    If a thread has no such frame, the result is the place where the thread was started, if that is known.
    """
    listed = [(getattr(each, "filename", None) or each[0], getattr(each, "lineno", None) or each[1]) for each in _stack()]
    while listed and os.path.dirname(os.path.abspath(listed[-1][0])) == _HERE:
        listed.pop()
    return stack_frames.place(listed)[0] or STARTED_AT.get(threading.get_ident())


def _stack() -> List[Any]:
    return list(tf_stack.extract_stack())


def call() -> Tuple[Tuple[str, int], ...]:
    """Return the frames outside of libraries, innermost first: the file, and the index of the running instruction."""
    places: List[Tuple[str, int]] = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if is_converted(path) or not stack_frames.is_library(path):
            places.append((path, frame.f_code.co_firstlineno * 2**32 + frame.f_lasti))
        frame = frame.f_back
    return tuple(places)


def is_converted(path: str) -> bool:
    """Return whether AutoGraph generated a file from the user's code."""
    return os.path.basename(path).startswith("__autograph_generated_file")


def _frames(op: Any) -> List[Frame]:
    try:
        frames = op.traceback
    except AttributeError:
        return []
    return [(str(frame[0]), int(frame[1]), str(frame[2])) for frame in frames or ()]
