"""Live sources: every kind of object that a user of TensorFlow may have."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError
from tests.against_tensorflow.live.building import Pair, anywhere, keras_model, ones, placeholder_graph, spec, v1, words

EXPECTED = {"w": "flows", "u": "none"}


@pytest.fixture
def pair():
    with anywhere():
        yield Pair()


def verdicts(pair, audit):
    return {name: audit[getattr(pair, name)].verdict.value for name in ("w", "u")}


def test_a_function_with_a_signature_needs_no_arguments(pair):
    function = tf.function(pair.loss, input_signature=[spec(3)])
    assert verdicts(pair, graphcut.audit(function)) == EXPECTED


@pytest.mark.parametrize("example", [np.ones(3, np.float32), spec(3), spec(None)], ids=["array", "spec", "any length"])
def test_a_function_without_one_takes_examples(pair, example):
    assert verdicts(pair, graphcut.audit(tf.function(pair.loss), example)) == EXPECTED


def test_a_tensor_is_an_example(pair):
    assert verdicts(pair, graphcut.audit(pair.loss, tf.ones([3]))) == EXPECTED


def test_a_concrete_function(pair):
    concrete = tf.function(pair.loss).get_concrete_function(spec(3))
    assert verdicts(pair, graphcut.audit(concrete)) == EXPECTED


def test_a_bound_method(pair):
    assert verdicts(pair, graphcut.audit(pair.loss, spec(3))) == EXPECTED


def test_a_lambda(pair):
    assert verdicts(pair, graphcut.audit(lambda x: pair.loss(x) * 2.0, spec(3))) == EXPECTED


def test_a_function_that_calls_a_function(pair):
    inner = tf.function(pair.loss)
    assert verdicts(pair, graphcut.audit(lambda x: inner(x) + inner(x * 2.0), spec(3))) == EXPECTED


def test_nested_examples(pair):
    def loss(batch):
        return pair.loss(batch["x"]) + tf.reduce_sum(batch["pair"][1])

    assert verdicts(pair, graphcut.audit(loss, {"x": spec(3), "pair": (spec(3), spec(2))})) == EXPECTED


def test_a_number_is_a_constant(pair):
    assert verdicts(pair, graphcut.audit(lambda x, scale: pair.loss(x) * scale, spec(3), 2.0)) == EXPECTED


def test_keyword_arguments_go_through_trace(pair):
    dag = graphcut.trace(lambda x, scale: pair.loss(x) * scale, spec(3), scale=spec())
    assert verdicts(pair, graphcut.audit(dag)) == EXPECTED


def two_losses(pair):
    return lambda x: {"one": pair.loss(x), "other": tf.reduce_sum(pair.u)}


def test_outputs_are_found_by_key(pair):
    assert verdicts(pair, graphcut.audit(two_losses(pair), spec(3), loss="one")) == EXPECTED
    assert verdicts(pair, graphcut.audit(two_losses(pair), spec(3), loss="other")) == {"w": "none", "u": "flows"}


def test_several_losses_are_summed(pair):
    assert verdicts(pair, graphcut.audit(two_losses(pair), spec(3), loss=["one", "other"])) == {"w": "flows", "u": "flows"}


def test_an_input_can_be_asked_about(pair):
    assert words(graphcut.audit(pair.loss, spec(3, name="x"), variables="x")) == {"x": "flows"}


def test_a_keras_model():
    with anywhere():
        model, first, second = keras_model()
        audit = graphcut.audit(model, spec(5, 3))
    assert (audit[first.kernel].verdict.value, audit[second.kernel].verdict.value) == ("none", "flows")


def test_a_keras_model_s_variables_are_all_asked_about():
    with anywhere():
        model, _, _ = keras_model()
        audit = graphcut.audit(model, spec(5, 3))
    assert len(audit) == 4


def test_a_loss_of_a_keras_model():
    with anywhere():
        model, first, second = keras_model()
        squared = tf.keras.losses.MeanSquaredError()
        audit = graphcut.audit(lambda x, y: squared(y, model(x)), spec(5, 3), spec(5, 1))
    assert (audit[first.bias].verdict.value, audit[second.bias].verdict.value) == ("none", "flows")


def test_a_model_that_the_loss_refers_to_but_does_not_use_is_unused():
    with anywhere():
        model, first, _ = keras_model()
        head = model.layers[-1]
        audit = graphcut.audit(lambda h: tf.reduce_sum(head(h)) + 0.0 * len(model.layers), spec(5, 4))
    assert audit[first.kernel].unused


class Module(tf.Module):
    """Some variables, of which the loss uses the first."""

    def __init__(self, *variables):
        super().__init__(name="module")
        self.all = list(variables)

    def loss(self, x):
        return tf.reduce_sum(x * self.all[0])


def test_an_unused_variable_is_not_the_capture_of_that_name():
    with anywhere():
        w = ones("w", 3)
        capture = graphcut.audit(Module(w).loss, spec(3))[w].tensor
        unused = ones(capture.rpartition(":")[0], 3)
        audit = graphcut.audit(Module(w, unused).loss, spec(3))
    assert len(audit) == 2 and audit[unused].unused


def test_a_graph_with_placeholders():
    graph, loss, pair = placeholder_graph()
    assert verdicts(pair, graphcut.audit(graph, loss=loss)) == EXPECTED


def test_a_dag_that_trace_made():
    graph, loss, pair = placeholder_graph()
    assert verdicts(pair, graphcut.audit(graphcut.trace(graph), loss=loss)) == EXPECTED


def test_a_dag_that_was_edited_since_is_refused():
    dag = graphcut.trace(placeholder_graph()[0])
    dag.remove_node("loss")
    with pytest.raises(GraphcutError, match="has been edited since"):
        graphcut.audit(dag, loss="loss")


def test_a_graph_takes_no_arguments():
    with pytest.raises(GraphcutError, match="takes no arguments"):
        graphcut.audit(placeholder_graph()[0], spec(3))


@pytest.mark.parametrize("source", [3, None, [1.0], np.ones(3)])
def test_what_is_no_graph_is_refused(source):
    with pytest.raises(GraphcutError, match="not a TensorFlow graph"):
        graphcut.trace(source)


def test_a_variable_made_while_tracing_is_found_by_name():
    """``tf.function`` lets a function make its variables at the first call."""
    made = []

    @tf.function(input_signature=[spec(3)])
    def loss(x):
        if not made:
            made.append(ones("late", 3))
        return tf.reduce_sum(x * made[0])

    with anywhere():
        assert words(graphcut.audit(loss)) == {"late": "flows"}


def test_a_function_in_a_placeholder_graph():
    with tf.Graph().as_default() as graph:
        pair = Pair()
        loss = tf.function(pair.loss)(v1.placeholder(tf.float32, [3]))
    assert verdicts(pair, graphcut.audit(graph, loss=loss)) == EXPECTED
