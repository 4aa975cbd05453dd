"""Source lines of the ops of a SavedModel, from the debug information that TensorFlow can save with it."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from google.protobuf.message import DecodeError

from graphcut.errors import GraphcutError
from graphcut.graph import stack_frames
from graphcut.graph.formats.raw_bytes import bytes_of
from graphcut.graph.messages import CLASSES, read_message
from graphcut.graph.stack_frames import Frame, Place


class DebugInfo:
    """Find the source line of an op. The file is read at the first call; if it cannot be read, all lines are unknown."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "debug", "saved_model_debug_info.pb")
        self._read: Dict[str, Any] = {}

    def __call__(self, function: Optional[str], name: str) -> Place:
        """Return the ``file:line`` of an op in ``function`` (``None``: in the graph itself), and whether a library made it."""
        if "message" not in self._read:
            self._read["message"] = _message(self._path)
        return stack_frames.place_of_op(_frames(self._read["message"], f"{name}@{function or ''}"))


def _message(path: str) -> Any:
    try:
        return read_message("DebugInfo", bytes_of(path) if os.path.exists(path) else b"")
    except (GraphcutError, DecodeError, ValueError):
        return CLASSES["DebugInfo"]()


def _frames(info: Any, key: str) -> List[Frame]:
    """Return the frames of an op, the outermost first."""
    if key in info.name_to_trace_id:
        trace = info.traces_by_id[info.name_to_trace_id[key]]
        frames = [info.frames_by_id[each] for each in trace.frame_id]
    else:
        frames = list(info.traces[key].file_line_cols)[::-1] if key in info.traces else []
    return [(info.files[each.file_index], each.line, each.func) for each in frames if 0 <= each.file_index < len(info.files)]
