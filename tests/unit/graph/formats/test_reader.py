"""A graph file is recognized by its content, whatever its name and compression."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from pathlib import Path

import pytest

import graphcut
from graphcut import GraphcutError
from graphcut.graph.formats import keras_files, remote_files
from graphcut.graph.messages import CLASSES
from tests.repository.measure import ROOT
from tests.robustness import making

DOCUMENTS = Path(ROOT) / "fixtures" / "documents"
OPS = 29


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt", "graph.meta", "graph"])
@pytest.mark.parametrize("source", ["003.pb", "003.pbtxt", "003.meta"])
def test_the_content_decides_not_the_suffix(source, name, packed, tmp_path):
    data = (DOCUMENTS / source).read_bytes()
    path = tmp_path / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert graphcut.trace(str(path)).number_of_nodes() == OPS


def test_a_meta_graph_by_another_name_keeps_its_collections(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes((DOCUMENTS / "003.meta").read_bytes())
    assert list(graphcut.trace(str(path)).graph["variables"]) == ["w1", "w2"]


def test_a_git_lfs_pointer_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 18682459\n")
    with pytest.raises(GraphcutError, match="Git LFS pointer, 18,682,459 bytes are elsewhere\nFetch the file: git lfs pull"):
        graphcut.trace(str(path))


@pytest.mark.parametrize("cut", [10, 100])
def test_a_gzip_archive_that_is_cut_short_is_an_error(cut, tmp_path):
    path = tmp_path / "graph.pb.gz"
    path.write_bytes(gzip.compress((DOCUMENTS / "003.meta").read_bytes())[:-cut])
    with pytest.raises(GraphcutError, match="gzip archive that is cut short"):
        graphcut.trace(str(path))


def test_a_saved_model_with_several_signatures_lists_them(tmp_path):
    graph = making.graph(making.variable("w"), making.identity("one", "w"), making.identity("two", "w"))
    meta = CLASSES["MetaGraph"](graph_def=graph)
    for key in ("act", "value"):
        meta.signature_def[key].method_name = "predict"
    (tmp_path / "saved_model.pb").write_bytes(CLASSES["SavedModel"](meta_graphs=[meta]).SerializeToString())
    with pytest.raises(
        GraphcutError, match=r"has several signatures: 'act', 'value'\nPick one with signature=, or name the loss"
    ):
        graphcut.audit(str(tmp_path))


def test_a_frozen_graph_names_the_constants_that_may_be_weights(tmp_path):
    shape = CLASSES["Shape"](dim=[{"size": 3}, {"size": 4}])
    value = {"tensor": CLASSES["Tensor"](dtype=1, tensor_shape=shape, tensor_content=bytes(48))}
    weights = making.node("model/w1", "Const", dtype={"type": 1}, value=value)
    given = making.node("x", "Placeholder", dtype={"type": 1})
    graph = making.graph(given, weights, making.node("out", "MatMul", "x", "model/w1", T={"type": 1}))
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    assert "1 float constant may be a weight, as in a frozen graph (model/w1 [3, 4]): name it as a variable" in str(
        graphcut.audit(str(tmp_path / "graph.pb"), loss="out")
    )
    assert graphcut.audit(str(tmp_path / "graph.pb"), loss="out", variables="model/w1")["model/w1"].verdict.value == "flows"


LAYERS = [
    {"class_name": "InputLayer", "config": {"name": "given"}},
    {"class_name": "Dense", "config": {"name": "hidden", "trainable": False}},
    {"class_name": "Sequential", "config": {"name": "inner", "layers": [{"class_name": "Dense", "config": {"name": "last"}}]}},
]
MODEL = {"class_name": "Functional", "config": {"name": "model", "layers": LAYERS}}


def keras_file(path, model):
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.14.0"}')
        archive.writestr("config.json", json.dumps(model))
    return str(path)


@pytest.mark.parametrize("name", ["model.keras", "model.pb"])
def test_a_keras_file_is_described_with_what_to_do(name, tmp_path):
    path = keras_file(tmp_path / name, {**MODEL, "compile_config": {"loss": "mse"}})
    with pytest.raises(GraphcutError) as caught:
        graphcut.audit(path)
    assert "is a Keras model (Functional) of 2 layers, 1 frozen: 'hidden'; it was compiled\n" in str(caught.value)
    assert "holds layers and weights but no graph" in str(caught.value) and "audit_step(model, x, y)" in str(caught.value)


def test_an_hdf5_file_is_described_alike(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(keras_files.HDF5 + bytes(500) + json.dumps(MODEL).encode() + bytes(9) + b"weights")
    with pytest.raises(
        GraphcutError, match=r"a Keras model \(Functional\) of 2 layers, 1 frozen: 'hidden'; it was not compiled"
    ):
        graphcut.trace(str(path))


@pytest.mark.parametrize(
    "layer", [{"class_name": "Lambda", "config": {}}, {"class_name": "Dense", "config": {"f": {"class_name": "__lambda__"}}}]
)
def test_python_functions_in_a_keras_file_are_seen(layer, tmp_path):
    path = keras_file(tmp_path / "model.keras", {"class_name": "Sequential", "config": {"layers": [layer]}})
    with open(path, "rb") as stream:
        assert keras_files.holds_code(keras_files.read(stream))


def test_a_zip_archive_that_unpacks_to_more_than_a_configuration_is_none(tmp_path, monkeypatch):
    path = keras_file(tmp_path / "model.keras", MODEL)
    monkeypatch.setattr(keras_files, "_MOST", 100)
    with pytest.raises(GraphcutError, match="a zip archive that holds no Keras model"):
        graphcut.trace(path)


def test_a_url_without_fsspec_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(
        GraphcutError, match=r"fsspec, which opens URLs, is not installed\nInstall it \(pip install fsspec s3fs\)"
    ):
        graphcut.trace("s3://bucket/model.meta")


@pytest.fixture
def memory():
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def test_a_url_is_read(memory):
    memory.pipe("/models/graph.meta", (DOCUMENTS / "003.meta").read_bytes())
    memory.pipe("/models/graph.pb.gz", gzip.compress((DOCUMENTS / "003.pb").read_bytes()))
    for name in ("graph.meta", "graph.pb.gz"):
        assert graphcut.trace("memory://models/" + name).number_of_nodes() == OPS
    assert remote_files.urls_like("memory://models/*.meta") == ("memory:///models/graph.meta",)


def test_a_saved_model_by_url_is_read(memory):
    memory.pipe("/export/saved_model.pb", (DOCUMENTS.parent / "graphs" / "saved_model" / "saved_model.pb").read_bytes())
    local = graphcut.trace(str(DOCUMENTS.parent / "graphs" / "saved_model"))
    assert sorted(graphcut.trace("memory://export")) == sorted(local)


@pytest.mark.parametrize(
    "url, said", [("memory://none.pb", "no file 'memory://none.pb'"), ("nothing://x.pb", "cannot read 'nothing://x.pb'")]
)
def test_a_url_that_cannot_be_read_is_an_error(url, said, memory):
    with pytest.raises(GraphcutError, match=said):
        graphcut.trace(url)


@pytest.mark.parametrize(
    "data, said", [(b"", "is empty"), (b"\x89PNG\r\n", "is a PNG picture"), (b"\x0f" * 400, "is not a GraphDef")]
)
def test_what_is_no_graph_behind_a_url_is_an_error(data, said, memory):
    memory.pipe("/x.pb", data)
    with pytest.raises(GraphcutError, match=said):
        graphcut.trace("memory://x.pb")
