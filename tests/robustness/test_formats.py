"""Files that are no graph at all, or are damaged as a whole."""

from __future__ import annotations

import contextlib
import os
import random
import threading

import pytest

from graphcut import GraphcutError, trace
from graphcut.graph.formats import raw_bytes, reader
from tests.robustness.asking import audited
from tests.robustness.making import graph, identity, length_field, nested, variable

GOOD = graph(variable("w"), identity("loss", "w")).SerializeToString()
NOISE = bytes(random.Random(7).randrange(256) for _ in range(4000))
NAMES = ["graph.pb", "graph.pbtxt", "model.meta"]


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file(refused, name):
    assert "is empty" in refused(b"", name)


@pytest.mark.parametrize("name", NAMES)
def test_random_bytes(refused, name):
    assert "It is damaged, cut short or in another format" in refused(NOISE, name)


@pytest.mark.parametrize("left", [3, 11, len(GOOD) - 1])
def test_a_file_cut_short(refused, left):
    assert "is not a GraphDef" in refused(GOOD[:left])


@pytest.mark.parametrize(
    "data, name, said",
    [
        (b"\x89PNG\r\n\x1a\n" + NOISE, "graph.png", "a PNG picture"),
        (b"PK\x03\x04" + NOISE, "model.keras", "load it with Keras and audit the model itself"),
        (b"PK\x03\x04" + NOISE, "graph.pb", "a zip archive"),
        (b"\x89HDF\r\n\x1a\n" + NOISE, "weights.h5", "load it with Keras and audit the model itself"),
        (b"\x1f\x8b" + NOISE, "graph.pb.gz", "a gzip archive that is damaged"),
        (b"\x1c\0\0\0TFL3" + NOISE, "model.tflite", "a TFLite model"),
    ],
)
def test_another_format_is_named_and_what_to_do_instead(refused, data, name, said):
    assert said in refused(data, name)


@pytest.mark.parametrize("prefix, name", [(b"", "graph.pb"), (b"\x12\x80\x80\x80\x01", "model.meta")])
def test_a_length_field_of_2_to_the_40(refused, prefix, name):
    assert "is not a " in refused(prefix + length_field(2**40), name)


def test_a_length_field_of_2_to_the_40_takes_no_memory(tmp_path):
    (tmp_path / "graph.pb").write_bytes(length_field(2**40))
    assert audited(tmp_path / "graph.pb").code == 2


def test_a_missing_file(refused, tmp_path):
    (tmp_path / "graph.pbtxt").write_bytes(b"")
    assert refused(None) == "graphcut: no file 'graph.pb'; did you mean 'graph.pbtxt'?\n"


def test_the_meta_graph_of_a_checkpoint_is_what_is_meant(refused, tmp_path):
    (tmp_path / "model.ckpt-10.meta").write_bytes(b"")
    assert "did you mean 'model.ckpt-10.meta'?" in refused(None, "model.ckpt-10")


def test_the_name_of_a_checkpoint_without_a_meta_graph(refused, tmp_path):
    (tmp_path / "model.ckpt-10.index").write_bytes(b"")
    said = refused(None, "model.ckpt-10").splitlines()
    assert said[0].endswith("that name is a checkpoint, which holds the values of variables and no graph")
    assert said[1].endswith("or graphcut.audit(model) in Python.")


def test_a_missing_folder(refused):
    assert "The folder 'nowhere' does not exist." in refused(None, "nowhere/graph.pb")


def test_a_directory_that_is_no_saved_model(refused, tmp_path):
    (tmp_path / "export").mkdir()
    assert "'export' holds no saved_model.pb\n" in refused(None, "export")


def test_what_lies_beside_a_saved_model_is_not_meant(refused, tmp_path):
    (tmp_path / "export").mkdir()
    for name in ("keras_metadata.pb", "fingerprint.pb"):
        (tmp_path / "export" / name).write_bytes(NOISE)
    (tmp_path / "export" / "saved_model.pb").symlink_to("nowhere")
    assert "holds no saved_model.pb\n" in refused(None, "export")


def test_the_numbered_directories_of_tensorflow_serving(refused, tmp_path):
    (tmp_path / "export" / "1").mkdir(parents=True)
    (tmp_path / "export" / "1" / "saved_model.pb").write_bytes(b"")
    assert "did you mean 'export/1'?" in refused(None, "export")


def test_a_saved_model_without_a_graph(refused, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "saved_model.pb").write_bytes(b"\x08\x01")
    assert "holds no graph" in refused(None, "export")


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt"])
def test_a_damaged_saved_model(refused, tmp_path, name):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / name).write_bytes(NOISE)
    assert "is not a SavedModel" in refused(None, "export")


def test_a_file_that_must_not_be_read(refused, monkeypatch):
    def forbidden(path, *how, **options):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(raw_bytes, "open", forbidden, raising=False)
    assert refused(GOOD) == "graphcut: cannot read 'graph.pb': Permission denied\n"


def test_a_directory_that_must_not_be_read(refused, tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", path)

    (tmp_path / "export").mkdir()
    monkeypatch.setattr(os, "listdir", forbidden)
    assert refused(None, "export") == "graphcut: cannot read 'export': Permission denied\n"


def test_a_name_that_no_file_can_have():
    with pytest.raises(GraphcutError, match="no file 'a.x00b'"):
        trace("a\0b")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no devices here")
def test_a_device_is_not_read_to_its_end():
    assert "is a device, not a file" in audited("/dev/zero").err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(raw_bytes, "_PATIENCE", 0.1)
    os.mkfifo(str(tmp_path / "graph.pb"))
    assert "'graph.pb' is a pipe, and no data arrives" in refused(None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "data, said",
    [(GOOD, "no op 'los'"), (NOISE, "is not a GraphDef"), (bytes(2**20), "is not a graph, or one of 2 GB and more")],
)
def test_a_pipe_is_read_while_it_can_be_a_graph(refused, tmp_path, monkeypatch, data, said):
    monkeypatch.setattr(raw_bytes, "_LARGE", 2**16)
    os.mkfifo(str(tmp_path / "graph.pb"))
    threading.Thread(target=write, args=(str(tmp_path / "graph.pb"), data), daemon=True).start()
    assert said in refused(None, "graph.pb", "--loss", "los")


def write(path, data):
    with contextlib.suppress(BrokenPipeError), open(path, "wb") as stream:
        stream.write(data)


def test_a_large_file_is_refused_by_how_it_begins(tmp_path):
    with open(str(tmp_path / "graph.pb"), "wb") as stream:
        stream.truncate(raw_bytes.LIMIT - 1)
    assert "is not a graph: no protobuf message begins like this" in audited(tmp_path / "graph.pb").err


def test_a_file_of_2_gb_is_refused_before_it_is_read(refused, tmp_path):
    with open(str(tmp_path / "graph.pb"), "wb") as stream:
        stream.truncate(raw_bytes.LIMIT)
    assert "has 2.1 GB" in refused(None)


def test_a_message_of_2_gb():
    class Large:
        DESCRIPTOR = type(graph().DESCRIPTOR.name, (), {"name": "GraphDef"})

        def SerializeToString(self):
            raise ValueError("Message tensorflow.GraphDef exceeds maximum protobuf size of 2GB: 2147483648")

    with pytest.raises(GraphcutError, match="ends at 2 GB"):
        reader.of_message(Large(), "GraphDef")


def test_text_nested_deeper_than_python_s_stack(refused):
    depth = 5000
    deep = 'node { name: "w" attr { key: "f" value ' + '{ func { attr { key: "f" value ' * depth + "{}" + "}}}" * depth + "}}"
    assert "is not a GraphDef as text" in refused(deep.encode(), "graph.pbtxt")


def test_bytes_nested_deeper_than_protobuf_s_stack(refused):
    entry = b""
    for _ in range(2000):
        func = b"\x12" + varint(len(entry)) + entry
        value = b"\x52" + varint(len(func)) + func
        entry = b"\x0a\x01f\x12" + varint(len(value)) + value
    node = b"\x0a\x01w\x12\x08Identity\x2a" + varint(len(entry)) + entry
    assert "protobuf cannot read" in refused(b"\x0a" + varint(len(node)) + node)


def varint(number):
    data = b""
    while number >= 128:
        data, number = data + bytes([number % 128 + 128]), number // 128
    return data + bytes([number])


def test_calls_nested_3000_deep_are_read(tmp_path):
    (tmp_path / "graph.pb").write_bytes(nested(3000).SerializeToString())
    said = audited(tmp_path / "graph.pb", "--loss", "los")
    assert said.code == 2 and "no op 'los' in this graph; did you mean 'loss'" in said.err
