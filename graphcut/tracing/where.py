"""Where in the user's code an op of a live graph was made."""

from __future__ import annotations

from typing import Any, List

from graphcut.reading import frames
from graphcut.reading.frames import Frame, Place


def place(op: Any) -> Place:
    """``file:line`` of an op, or ``None``, and whether TensorFlow or Keras made it on its own account."""
    return frames.place(_frames(op))


def _frames(op: Any) -> List[Frame]:
    try:
        known = op.traceback
    except AttributeError:
        return []
    return [(str(frame[0]), int(frame[1])) for frame in known or ()]
