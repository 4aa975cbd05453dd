"""TensorFlow is asked once for each kind of op, whatever names it makes up."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from graphcut.backend.gradient_oracle import ask
from tests.against_tensorflow.live.building import anywhere, ones, spec


def asked_anew(source, *args, **kwargs):
    """The audit, and how many kinds of op TensorFlow was asked about for it."""
    before = len(ask._ANSWERS)
    audit = graphcut.audit(source, *args, **kwargs)
    return audit, len(ask._ANSWERS) - before


def chain(function, count):
    """The function applied so many times to a variable, in a graph."""
    with tf.Graph().as_default() as graph:
        value = ones("w", 3)
        for _ in range(count):
            value = function(value)
        loss = tf.reduce_sum(value, name="loss")
    return graph, loss


def test_a_hundred_silu_are_one_kind():
    graph, loss = chain(tf.nn.swish, 100)
    audit, kinds = asked_anew(graph, loss=loss)
    assert audit["w"].verdict is Verdict.FLOWS and kinds <= 8


def test_a_hundred_silu_in_a_function_are_one_kind():
    with anywhere():
        w = ones("w", 3)

        def loss(x):
            for _ in range(100):
                x = tf.nn.swish(x)
            return tf.reduce_sum(x * w)

        assert asked_anew(tf.function(loss, autograph=False), spec(3))[1] <= 8


def test_a_hundred_closures_of_one_function_are_one_kind():
    def scaled(x):
        @tf.custom_gradient
        def inner(y):
            return tf.identity(y), lambda dy: 2.0 * dy

        return inner(x)

    graph, loss = chain(scaled, 100)
    assert asked_anew(graph, loss=loss)[1] <= 8


def test_closures_over_other_values_are_other_kinds():
    def branch(stop):
        @tf.custom_gradient
        def inner(y):
            return tf.identity(y), lambda dy: None if stop else dy

        return inner

    with tf.Graph().as_default() as graph:
        w, u = ones("w", 3), ones("u", 3)
        loss = tf.reduce_sum(branch(False)(w * 1.0) + branch(True)(u * 1.0))
    audit = graphcut.audit(graph, loss=loss)
    assert (audit[w].verdict, audit[u].verdict) == (Verdict.FLOWS, Verdict.NONE)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_one_answer_serves_every_rank(rank):
    def audited(size):
        with tf.Graph().as_default() as graph:
            loss = tf.reduce_sum(tf.sinh(ones("w", *([size] * rank))))
        return asked_anew(graph, loss=loss)

    audited(2)
    assert audited(3)[1] == 0


def test_a_second_audit_asks_nothing():
    graph, loss = chain(tf.nn.swish, 3)
    asked_anew(graph, loss=loss)
    assert asked_anew(graph, loss=loss)[1] == 0


def test_gradients_registered_in_this_process_are_asked():
    @tf.RegisterGradient("GraphcutTestGivesNothing")
    def _nothing(op, gradient):
        return None

    with tf.Graph().as_default() as graph:
        w = ones("w", 3)
        with graph.gradient_override_map({"Identity": "GraphcutTestGivesNothing"}):
            loss = tf.reduce_sum(tf.identity(w * 1.0))
    cut = graphcut.audit(graph, loss=loss)[w].cut[0]
    assert (cut.type, cut.kind) == ("Identity", graphcut.BarrierKind.CUSTOM_GRADIENT)
