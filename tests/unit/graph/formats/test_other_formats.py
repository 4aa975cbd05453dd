"""Files that are mistaken for graph files are named, with what to audit instead."""

from __future__ import annotations

import io
import pickle
import zipfile

import pytest

from graphcut import GraphcutError
from graphcut.graph.formats.other_formats import describe_content
from graphcut.graph.formats.reader import read
from graphcut.graph.messages import CLASSES, parse_nodes

INDEX = bytes.fromhex("000006080 11a020801".replace(" ", "")) + bytes(range(40))  # how tf.train.Checkpoint's index begins
FLOATS = bytes.fromhex("0000803f00000040") * 8
ONNX = b'\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x10\n\x0e\n\x01x\x12\x01y"\x04Relu*\x00'


def refused(path, data=None):
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with pytest.raises(GraphcutError) as error:
        read(str(path))
    lines = str(error.value).replace(str(path.parent) + "/", "").splitlines()
    assert len(lines) == 2
    return lines


@pytest.mark.parametrize(
    "name, data, what, advice",
    [
        ("ckpt-1.index", INDEX, "part of a checkpoint", "saves no graph with it"),
        ("ckpt-1.data-00000-of-00001", FLOATS, "part of a checkpoint", "saves no graph with it"),
        ("checkpoint", b'model_checkpoint_path: "ckpt-1"\n', "the list of a folder's checkpoints", "saves no graph"),
        ("model.pkl", pickle.dumps({"a": 1}, protocol=2), "a Python pickle; graphcut never loads one", "Audit the code"),
        ("model.pkl", pickle.dumps({"a": 1}, protocol=0), "a Python pickle; graphcut never loads one", "Audit the code"),
        ("graph.pb", pickle.dumps({"a": 1}, protocol=4), "a Python pickle", "Audit the code"),
        ("frozen.tflite", b"\x1c\0\0\0TFL3" + FLOATS, "a TFLite model", "that it was converted from"),
        ("model.onnx", ONNX, "an ONNX model", "that it was converted from"),
        ("graph.pb", ONNX, "an ONNX model", "that it was converted from"),
        ("model.json", b'{"format": "graph-model", "modelTopology": {}}', "a TensorFlow.js model", "converted from"),
        ("model.json", b'{"class_name": "Sequential", "config": {}}', "the configuration of a Keras model", "from_json"),
        ("config.json", b"{}", "JSON, which holds no graph", "Audit the code"),
        ("model.safetensors", b"\x40\0\0\0\0\0\0\0{" + FLOATS, "a safetensors file", "Audit the code"),
        ("tf_model.h5", b"\x89HDF\r\n\x1a\n" + FLOATS, "an HDF5 file of weights", "load it with Keras"),
        ("weights.npy", b"\x93NUMPY\x01\0", "a NumPy array", "Audit the code"),
    ],
)
def test_a_file_of_another_format_is_named(tmp_path, name, data, what, advice):
    first, second = refused(tmp_path / name, data)
    assert first.startswith("'%s' is %s" % (name, what)) and advice in second


@pytest.mark.parametrize(
    "inside, what", [("archive/data.pkl", "a PyTorch archive"), ("w.npy", "an archive of NumPy arrays"), ("a.txt", "a zip")]
)
def test_a_zip_archive_is_named_by_what_is_in_it(tmp_path, inside, what):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(inside, b"")
    assert refused(tmp_path / "model.pt", packed.getvalue())[0].startswith("'model.pt' is %s" % what)


@pytest.mark.parametrize("name", ["m.ckpt-7.index", "m.ckpt-7.data-00000-of-00001", "checkpoint"])
def test_the_meta_file_beside_a_checkpoint_is_named(tmp_path, name):
    (tmp_path / "m.ckpt-7.meta").write_bytes(b"")
    data = {"index": INDEX, "data-00000-of-00001": FLOATS}.get(name.rpartition(".")[2], b'model_checkpoint_path: "m"')
    assert "is beside it: audit 'm.ckpt-7.meta'" in refused(tmp_path / name, data)[1]


@pytest.mark.parametrize("name", ["", "checkpoint"])
def test_of_many_checkpoints_the_latest_is_named(tmp_path, name):
    for step in (9, 10, 0):
        (tmp_path / ("m.ckpt-%d.meta" % step)).write_bytes(b"")
        (tmp_path / ("m.ckpt-%d.index" % step)).write_bytes(INDEX)
    (tmp_path / "checkpoint").write_bytes(b'model_checkpoint_path: "m"')
    assert "m.ckpt-10.meta'" in str(refused(tmp_path / name))


def test_the_saved_model_around_a_checkpoint_is_named(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "saved_model.pb").write_bytes(b"")
    _, second = refused(tmp_path / "export" / "variables" / "variables.index", INDEX)
    assert second == "It belongs to a SavedModel: audit '%s'." % (tmp_path / "export")


@pytest.mark.parametrize(
    "names, what",
    [
        (["checkpoint", "ckpt-1.index"], "holds a checkpoint"),
        (["model.json"], "holds a TensorFlow.js model"),
        (["config.json", "tf_model.h5"], "holds a model's weights and configuration"),
    ],
)
def test_a_directory_without_a_saved_model_is_named_by_what_is_in_it(tmp_path, names, what):
    (tmp_path / "model").mkdir()
    for name in names:
        (tmp_path / "model" / name).write_bytes(b"")
    assert what in refused(tmp_path / "model")[0]


def test_the_prefix_of_a_checkpoint_of_tensorflow_2_is_no_file(tmp_path):
    (tmp_path / "ckpt-1.index").write_bytes(INDEX)
    first, second = refused(tmp_path / "ckpt-1")
    assert first.startswith("no file 'ckpt-1'; that name is a checkpoint, which holds the values of variables and no graph")


@pytest.mark.parametrize("kind", ["Graph", "MetaGraph", "SavedModel"])
def test_the_content_decides_not_the_name(tmp_path, kind):
    message, graph = CLASSES[kind](), None
    if kind == "SavedModel":
        message.saved_model_schema_version = 1
        graph = message.meta_graphs.add().graph_def
    graph = graph or (message.graph_def if kind == "MetaGraph" else message)
    graph.node.add(name="x", op="Placeholder")
    path = tmp_path / "strange.onnx"
    path.write_bytes(message.SerializeToString())
    assert describe_content(path.read_bytes(), str(path)) is None
    assert [node.name for node in parse_nodes(read(str(path)).graph.node)] == ["x"]


@pytest.mark.parametrize("size", [32, 34, 91, 123, 128, 256])
def test_a_graph_is_a_graph_whatever_the_size_of_its_first_node(size):
    """The size stands at the beginning of the file: 91 is ``[`` and 123 ``{``."""
    for length in range(1, size):
        graph = CLASSES["Graph"]()
        graph.node.add(name="n" * length, op="NoOp")
        rest = size - graph.node[0].ByteSize()
        if rest < 0:
            break
        if rest:
            graph.node[0].input.append("i" * max(rest - 2, 0))
        assert describe_content(graph.SerializeToString(), "graph.pb") is None


@pytest.mark.parametrize("name", ["TFL3", "TFL3/loss", "PK", "{", "[1, 2]", '{"a": 1}', "ONNX"])
def test_a_graph_is_a_graph_whatever_its_first_node_is_called(name):
    graph = CLASSES["Graph"]()
    graph.node.add(name=name, op="NoOp")
    assert describe_content(graph.SerializeToString(), "graph.pb") is None
