"""The source lines of a SavedModel's ops, in both formats that TensorFlow has used."""

from __future__ import annotations

import pytest

from graphcut.graph.formats.debug_info import DebugInfo
from graphcut.graph.messages import CLASSES

FILES = ["/home/me/train.py", "/usr/lib/site-packages/tensorflow/python/ops/math_ops.py", "/home/me/layers.py"]
FRAMES = [(0, 3), (2, 7), (1, 900)]  # the outermost first


def traces():
    """Up to TensorFlow 2.13."""
    frames = [{"file_index": index, "line": line} for index, line in reversed(FRAMES)]
    return {"traces": {"loss@f": {"file_line_cols": frames}}}


def by_ids():
    frames = {10 + index: {"file_index": index, "line": line} for index, line in FRAMES}
    ids = [10 + index for index, _ in FRAMES]
    return {"frames_by_id": frames, "traces_by_id": {5: {"frame_id": ids}}, "name_to_trace_id": {"loss@f": 5}}


def filled(facts):
    message = CLASSES["DebugInfo"](files=FILES)
    for key, trace in facts.get("traces", {}).items():
        for frame in trace["file_line_cols"]:
            message.traces[key].file_line_cols.add(**frame)
    for key, frame in facts.get("frames_by_id", {}).items():
        for field, value in frame.items():
            setattr(message.frames_by_id[key], field, value)
    for key, trace in facts.get("traces_by_id", {}).items():
        message.traces_by_id[key].frame_id.extend(trace["frame_id"])
    message.name_to_trace_id.update(facts.get("name_to_trace_id", {}))
    return message


@pytest.fixture
def written(tmp_path):
    def write(data):
        (tmp_path / "debug").mkdir()
        (tmp_path / "debug" / "saved_model_debug_info.pb").write_bytes(data)
        return DebugInfo(str(tmp_path))

    return write


@pytest.mark.parametrize("form", [traces, by_ids])
def test_the_innermost_frame_of_the_user_s_is_the_place(written, form):
    where = written(filled(form()).SerializeToString())
    assert where("f", "loss") == ("/home/me/layers.py:7", True)
    assert where("g", "loss") == where(None, "loss") == (None, False)


def test_a_file_that_no_index_names_is_left_out(written):
    message = filled(traces())
    message.traces["loss@f"].file_line_cols[1].file_index = 17
    assert written(message.SerializeToString())("f", "loss") == ("/home/me/train.py:3", True)


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff"])
def test_debug_information_that_cannot_be_read_tells_nothing(written, data):
    assert written(data)("f", "loss") == (None, False)


def test_a_saved_model_without_debug_information_tells_nothing(tmp_path):
    assert DebugInfo(str(tmp_path))("f", "loss") == (None, False)
