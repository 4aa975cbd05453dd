"""The graph in an event file of TensorBoard."""

from __future__ import annotations

import struct

import pytest

import graphcut
from graphcut import GraphcutError
from graphcut.graph.messages import CLASSES
from tests.unit.graph.text import message

GRAPH = message("w = VarHandleOp()\nread = ReadVariableOp(w)\nstop = StopGradient(read)\nloss = Sum(stop)")
META = CLASSES["MetaGraph"](graph_def=message("v = VarHandleOp()\nread = ReadVariableOp(v)\nloss = Sum(read)"))
VERSION = b"\x1a\x0dbrain.Event:2"  # field 3
STEP, SCALAR = b"\x10\x07", b"\x2a\x04\x0a\x02ab"  # field 2, a varint; field 5, a summary


def varint(number):
    return bytes([number % 128 + 128]) + varint(number // 128) if number > 127 else bytes([number])


def field(number, data):
    return varint(number * 8 + 2) + varint(len(data)) + data


def record(event):
    event = b"\x09" + bytes(8) + event
    return struct.pack("<Q", len(event)) + b"crc1" + event + b"crc2"


def with_graph(graph=GRAPH, number=4):
    return record(STEP + field(number, graph.SerializeToString()))


def audit(path, *records):
    path = path / "events.out.tfevents.1.host"
    path.write_bytes(record(VERSION) + b"".join(records))
    return graphcut.audit(str(path), loss="loss")


def test_the_graph_is_audited(tmp_path):
    assert [(each.name, each.verdict.value) for each in audit(tmp_path, with_graph(), record(SCALAR))] == [("w", "none")]


def test_the_meta_graph_comes_before_the_graph(tmp_path):
    assert [each.name for each in audit(tmp_path, with_graph(META, 9), with_graph())] == ["v"]


def test_an_event_that_is_being_written_is_left_out(tmp_path):
    assert [each.name for each in audit(tmp_path, with_graph(), with_graph(META, 9)[:-5])] == ["w"]


@pytest.mark.parametrize(
    "rest",
    [b"", record(SCALAR), record(b"\x22\xff"), record(b"\x22\x7f"), record(b"\x0b"), b"\xff" * 40, with_graph()[:-1]],
    ids=["nothing", "scalars", "long varint", "long field", "a group", "no record", "cut short"],
)
def test_without_a_graph_it_says_what_the_file_is(rest, tmp_path):
    with pytest.raises(GraphcutError, match="is an event file of TensorBoard without a graph\ntf.compat.v1"):
        audit(tmp_path, rest)


def test_a_damaged_graph_is_refused(tmp_path):
    with pytest.raises(GraphcutError, match="is not a GraphDef: protobuf cannot read it"):
        audit(tmp_path, record(field(4, b"\x0a\x7fx")))


def test_a_folder_of_event_files_names_one(tmp_path):
    (tmp_path / "events.out.tfevents.1.host").write_bytes(record(VERSION))
    with pytest.raises(
        GraphcutError, match="holds event files of TensorBoard, which may hold the graph\nAudit one of them: '.*host'"
    ):
        graphcut.audit(str(tmp_path))
