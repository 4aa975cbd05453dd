"""Messages and files, with the real names of their variables."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError

import graphcut
from fixtures.graphs.flow import Network
from graphcut import GraphcutError, Verdict
from graphcut.backend.live import serialize
from tests.against_tensorflow.live.building import EAGER, placeholder_graph, v1, words

EXPECTED = {"w": "flows", "u": "none"}
needs_eager = pytest.mark.skipif(not EAGER, reason="a SavedModel of a module is saved eagerly")


@pytest.fixture
def graph():
    return placeholder_graph()[0]


def meta_graph(graph):
    with graph.as_default():
        return v1.train.export_meta_graph(graph=graph)


def test_a_graph_def(graph):
    assert words(graphcut.audit(graph.as_graph_def(), loss="loss")) == EXPECTED


def test_a_meta_graph_def(graph):
    assert words(graphcut.audit(meta_graph(graph), loss="loss")) == EXPECTED


def test_a_pb(graph, tmp_path):
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert words(graphcut.audit(tmp_path / "graph.pb", loss="loss")) == EXPECTED


def test_a_pbtxt(graph, tmp_path):
    (tmp_path / "graph.pbtxt").write_text(text_format.MessageToString(graph.as_graph_def()))
    assert words(graphcut.audit(str(tmp_path / "graph.pbtxt"), loss="loss")) == EXPECTED


def test_a_meta(graph, tmp_path):
    (tmp_path / "graph.meta").write_bytes(meta_graph(graph).SerializeToString())
    assert words(graphcut.audit(str(tmp_path / "graph.meta"), loss="loss")) == EXPECTED


def test_a_graph_written_by_tensorflow(graph, tmp_path):
    v1.train.write_graph(graph, str(tmp_path), "graph.pbtxt")
    assert words(graphcut.audit(str(tmp_path / "graph.pbtxt"), loss="loss")) == EXPECTED


def test_an_unknown_loss_names_what_is_near(graph):
    with pytest.raises(GraphcutError, match="no op 'los'.*did you mean 'loss'"):
        graphcut.audit(graph.as_graph_def(), loss="los")


def test_an_unknown_variable_names_what_there_is(graph):
    with pytest.raises(GraphcutError, match="no variable 'encoder'"):
        graphcut.audit(graph.as_graph_def(), loss="loss", variables="encoder")


def test_a_graph_def_has_no_signatures(graph):
    with pytest.raises(GraphcutError, match="has no signatures"):
        graphcut.audit(graph.as_graph_def(), loss="loss", signature="serving_default")


def test_a_message_takes_no_arguments(graph):
    with pytest.raises(GraphcutError, match="takes no arguments"):
        graphcut.trace(graph.as_graph_def(), tf.TensorSpec([3]))


@pytest.fixture
def saved(tmp_path):
    network = Network()
    functions = {"serving_default": network.whole, "head_only": network.head_only}
    tf.saved_model.save(network, str(tmp_path), {key: each.get_concrete_function() for key, each in functions.items()})
    return str(tmp_path)


@needs_eager
def test_a_saved_model_has_its_variables_real_names(saved):
    assert words(graphcut.audit(saved)) == {"encoder": "flows", "head": "flows"}


@needs_eager
def test_a_signature_picks_the_function(saved):
    assert words(graphcut.audit(saved, signature="head_only")) == {"encoder": "none", "head": "flows"}


@needs_eager
def test_an_unknown_signature_names_those_there_are(saved):
    with pytest.raises(GraphcutError, match="'head_only', 'serving_default'"):
        graphcut.audit(saved, signature="head")


@needs_eager
def test_what_is_not_trainable_is_known_from_the_file(saved):
    assert graphcut.audit(saved, variables="steps")["steps"].trainable is False


@needs_eager
def test_a_signature_that_was_loaded_again_is_a_live_source(saved):
    loaded = tf.saved_model.load(saved)
    audit = graphcut.audit(loaded.signatures["head_only"])
    assert (audit[loaded.encoder].verdict.value, audit[loaded.head].verdict.value) == ("none", "flows")


class Unnamed(tf.Module):
    """Two variables of one name: the first learns."""

    def __init__(self):
        super().__init__(name="unnamed")
        self.one, self.other = tf.Variable(1.0), tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def loss(self, x):
        return {"loss": x * self.one + tf.stop_gradient(x * self.other)}


@needs_eager
def test_saved_variables_of_one_name_are_told_apart(tmp_path):
    module = Unnamed()
    tf.saved_model.save(module, str(tmp_path), {"loss": module.loss.get_concrete_function()})
    assert words(graphcut.audit(str(tmp_path))) == {"one": "flows", "other": "none"}


@needs_eager
def test_a_keras_model_that_was_saved_is_judged_like_the_live_one(tmp_path):
    inputs = tf.keras.Input((3,), name="x")
    hidden = tf.keras.layers.Dense(4, name="first")(inputs)
    outputs = tf.keras.layers.Dense(1, name="second")(tf.keras.layers.Lambda(tf.stop_gradient)(hidden))
    model = tf.keras.Model(inputs, outputs)
    tf.saved_model.save(model, str(tmp_path))
    kernels = {each.name: each.verdict.value for each in graphcut.audit(str(tmp_path)) if "kernel" in each.name}
    assert {("first" in name, verdict) for name, verdict in kernels.items()} == {(True, "none"), (False, "flows")}


@pytest.mark.parametrize("error", [DecodeError("Wire format was corrupt"), ValueError("larger than the limit")])
def test_a_live_graph_of_2_gb(error, monkeypatch):
    """TensorFlow 2.21 writes more than protobuf can read, and stumbles over it itself; others refuse to write."""

    def too_large(graph):
        raise error

    graph = tf.Graph()
    monkeypatch.setattr(serialize, "_bytes", too_large)
    with pytest.raises(GraphcutError, match="cannot write this graph out: .*\nA GraphDef ends at 2 GB"):
        graphcut.trace(graph)


@pytest.mark.parametrize("last, verdict", [(0.0, Verdict.ZERO), (1.0, Verdict.FLOWS)])
def test_a_large_constant_is_still_known_to_be_zero_or_not_without_its_value(monkeypatch, last, verdict):
    monkeypatch.setattr(serialize, "_MANY", 0)
    value = np.zeros([400], np.float32)
    value[-1] = last
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", [400])
        tf.reduce_sum(w * tf.constant(value), name="loss")
    audit = graphcut.audit(graph, loss="loss")
    assert audit["w"].verdict is verdict and audit.verify(numbers=True) == ()


def test_large_sizes_without_their_values_limit_nothing(monkeypatch):
    """The last piece is the variable's; nobody knows that once the sizes are left out."""
    monkeypatch.setattr(serialize, "_MANY", 0)
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", [2])
        pieces = tf.split(tf.concat([tf.zeros([600]), w], 0), [2] * 301)
        tf.reduce_sum(pieces[-1], name="loss")
    assert graphcut.audit(graph, loss="loss")["w"].verdict is Verdict.FLOWS
