"""The audit compared with the real ``tf.gradients``."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest
import tensorflow as tf

import fixtures
import graphcut
from fixtures.asking import audit as audit_of
from fixtures.documents import document_001, document_002, document_003
from fixtures.scenarios import control_flow, dependence, losses, operations, stops
from fixtures.scenarios.making import given, weights
from graphcut import GraphcutError, Verdict
from graphcut.api.verify import disagreements, nonzeros
from tests.against_tensorflow.live.questions.question_graphs import audited, two_layers

FILES = Path(fixtures.__file__).parent
v1 = tf.compat.v1
FIXTURES = [
    each
    for module in (document_001, document_002, document_003, control_flow, dependence, losses, operations, stops)
    for each in vars(importlib.import_module(module.__name__)).values()
    if hasattr(each, "is_fixture")
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda each: each.__name__)
def test_tensorflow_agrees_with_the_audit_of_every_fixture(fixture):
    asked = fixture()
    found = audit_of(asked).verify()
    assert [each for each in found if each.answer != "not checked"] == []


def test_numbers_agree_that_a_zero_is_one():
    def build():
        w, v = weights("w", 3), weights("v", 3)
        return tf.reduce_sum(w + 0.0 * v)

    audit = audited(build)
    assert audit["v"].verdict is Verdict.ZERO and audit.verify(numbers=True) == ()


def doubted(audit, name, verdict):
    """Return the rows of an audit with one verdict changed."""
    rows = [dataclasses.replace(each, verdict=verdict) if each.name == name else each for each in audit]
    return tuple(zip(audit._targets, rows))


@pytest.mark.parametrize("name, verdict, answer", [("first", Verdict.FLOWS, "none"), ("second", Verdict.NONE, "gradient"),
                                                   ("second", Verdict.RAISES, "gradient")])  # fmt: skip
def test_a_wrong_verdict_is_found(name, verdict, answer):
    audit = audited(two_layers)
    (found,) = disagreements(audit._request, doubted(audit, name, verdict))
    assert (found.name, found.verdict, found.answer) == (name, verdict, answer)


def test_a_zero_that_is_none_is_found_by_numbers_alone():
    audit = audited(two_layers)
    judged = doubted(audit, "second", Verdict.ZERO)
    assert disagreements(audit._request, judged) == ()
    (found,) = nonzeros(audit._request, judged)
    assert (found.name, found.answer) == ("second", "gradient")


def test_the_graph_is_untouched():
    with tf.Graph().as_default() as graph:
        first = weights("first", 3)
        branch = tf.cond(given("flag", dtype=tf.bool), lambda: first * 2.0, lambda: tf.stop_gradient(first))
        loss = tf.reduce_sum(tf.nn.silu(branch) if hasattr(tf.nn, "silu") else tf.nn.swish(branch))
    before = graph.as_graph_def().SerializeToString(deterministic=True)
    assert graphcut.audit(graph, loss=loss).verify(numbers=True) == ()
    assert graph.as_graph_def().SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("name", ["documents/003.pb", "documents/003.meta", "documents/003.pbtxt", "graphs/loop_v1.meta"])
def test_a_file_can_be_verified(name):
    audit = graphcut.audit(str(FILES / name), loss=None if "003" in name else "loss")
    assert audit.verify() == ()


def test_a_message_can_be_verified():
    with tf.Graph().as_default() as graph:
        loss = two_layers()
    assert graphcut.audit(graph.as_graph_def(), loss=loss.name).verify() == ()


def loop():
    w = weights("w", 3)
    _, result = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * w), [tf.constant(0), tf.ones([3])])
    return tf.reduce_sum(result, name="loss")


def test_a_v1_loop_without_its_contexts_is_said_to_be_unchecked():
    second = tf.compat.v1.control_flow_v2_enabled()
    tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            loop()
    finally:
        if second:
            tf.compat.v1.enable_control_flow_v2()
    assert graphcut.audit(graph, loss="loss").verify() == ()
    (found,) = graphcut.audit(graph.as_graph_def(), loss="loss", variables=["w"]).verify()
    assert (found.answer, found.reason) == ("not checked", "v1 loops of a bare GraphDef have no contexts")


def test_what_is_inside_of_a_body_is_said_to_be_unchecked():
    with tf.Graph().as_default() as graph:
        w = weights("w", 3)
        called = tf.function(lambda x: tf.identity(x * 2.0, name="inner"), autograph=False)
        loss = tf.reduce_sum(called(tf.identity(w)))
    (found,) = graphcut.audit(graph, loss=loss, variables=["inner"]).verify()
    assert (found.answer, found.reason) == ("not checked", "it is inside a function's body")


def test_an_edit_cannot_be_verified():
    with pytest.raises(GraphcutError, match="exists in no graph"):
        audited(two_layers).what_if(remove="hidden").verify()


def test_constants_of_the_question_count():
    audit = audited(two_layers, stop_gradients="scores")
    assert audit["second"].verdict is Verdict.NONE and audit.verify() == ()


def looped(compute):
    """A graph with v1 control flow, and its loss."""
    second = tf.compat.v1.control_flow_v2_enabled()
    tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            tf.reduce_sum(tf.map_fn(compute, weights("w", 3)), name="loss")
            return graph
    finally:
        if second:
            tf.compat.v1.enable_control_flow_v2()


@tf.custom_gradient
def doubled(x):
    return x * 2.0, lambda upstream: upstream * x


@pytest.mark.parametrize("compute", (lambda x: x * x, doubled), ids=("plain", "custom gradient"))
def test_arrays_of_a_v1_loop_are_checked(compute):
    assert graphcut.audit(looped(compute), loss="loss").verify(numbers=True) == ()


def test_arrays_of_a_v1_loop_in_a_meta_are_checked():
    with looped(lambda x: x * x).as_default():
        meta = tf.compat.v1.train.export_meta_graph()
    assert graphcut.audit(meta, loss="loss").verify() == ()


@pytest.mark.parametrize("size", [0, 2, None])
def test_numbers_are_checked_for_inputs_of_every_size_and_dtype(size):
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", [2, 2], use_resource=False)
        x = v1.placeholder(tf.float32, [size, 2])
        is_used, index = v1.placeholder(tf.bool, []), v1.placeholder(tf.int32, [None])
        text = tf.cast(tf.equal(v1.placeholder(tf.string, []), "a"), tf.float32)
        rows = tf.gather(tf.where(tf.fill([2, 2], is_used), w, 2.0 * w), index) * tf.zeros([2])
        tf.add(tf.reduce_sum(x) * text, tf.reduce_sum(rows), name="loss")
    audit = graphcut.audit(graph, loss="loss")
    assert audit["w"].verdict is Verdict.ZERO and audit.verify(numbers=True) == ()
