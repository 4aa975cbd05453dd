"""The gradients that an op would pass on if its integers were floats."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import BarrierKind, Verdict

PASSED = {
    "arithmetic": lambda i: tf.cast(i * 2 + 1, tf.float32),
    "a reshape": lambda i: tf.cast(tf.reshape(i, [1, 2]), tf.float32),
    "a slice": lambda i: tf.cast(i[1:], tf.float32),
    "a sum": lambda i: tf.cast(tf.reduce_sum(i), tf.float32),
}
BLOCKED = {
    "Equal": lambda i: tf.cast(tf.equal(i, tf.constant([0, 1], tf.int64)), tf.float32),
    "GreaterEqual": lambda i: tf.cast(i >= 1, tf.float32),
    "LogicalNot": lambda i: tf.cast(tf.logical_not(tf.cast(i, tf.bool)), tf.float32),
    "OneHot": lambda i: tf.one_hot(i, 3),
    "Cast": lambda i: tf.cast(tf.cast(i, tf.int32), tf.float32),
    "FloorDiv": lambda i: tf.cast(i // 2, tf.float32),
    "GatherV2": lambda i: tf.gather(tf.range(3.0), i),
    "StopGradient": lambda i: tf.cast(tf.stop_gradient(i), tf.float32),
}


def audited(change, choose=lambda z: tf.argmax(z, 1)):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [2, 3], "x")
        loss = tf.reduce_sum(change(choose(x)))
    return graphcut.audit(graph, loss=loss, variables=["x:0"])


@pytest.mark.parametrize("change", PASSED.values(), ids=PASSED)
def test_what_computes_with_numbers_is_no_barrier(change):
    found = audited(change)
    assert found.what_if(remove="ArgMax")["x:0"].verdict is Verdict.FLOWS
    assert "Remove it and the gradient gets through; nothing else blocks it." in found.explain("x:0")


@pytest.mark.parametrize("kind", BLOCKED)
def test_what_blocks_floats_too_is_a_barrier_of_its_own(kind):
    found = audited(BLOCKED[kind])
    assert kind in {each.type for each in found["x:0"].cut}
    assert found.what_if(remove="ArgMax")["x:0"].verdict is Verdict.NONE
    assert "Remove it and" not in found.explain("x:0")


@pytest.mark.parametrize("kind", BLOCKED)
def test_what_is_suggested_is_what_is_explained(kind):
    found = audited(BLOCKED[kind])
    costly = {each.op for each in found["x:0"].cut if each.kind is not BarrierKind.DTYPE}
    assert {each.op for each in found.suggest_unblock("x:0")} == costly
    assert found.what_if(remove=sorted(costly))["x:0"].verdict is Verdict.FLOWS


@pytest.mark.parametrize("kind", ["Equal", "GreaterEqual", "FloorDiv"])
def test_tensorflow_gives_floats_there_no_gradient_either(kind):
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2])
        compared = {"Equal": lambda: tf.equal(x, 1.0), "GreaterEqual": lambda: x >= 1.0, "FloorDiv": lambda: x // 2.0}
        assert tf.compat.v1.gradients(tf.cast(compared[kind](), tf.float32), x) == [None]


def test_a_sampled_action_that_is_made_a_row_has_two_barriers():
    found = audited(lambda i: tf.one_hot(i, 3), lambda z: tf.random.categorical(z, 1)[:, 0])
    assert {each.type for each in found["x:0"].cut} == {"Multinomial", "OneHot"}


def test_the_condition_of_a_loop_is_an_input():
    def turned(most):
        return tf.while_loop(lambda i, _: i < most, lambda i, s: (i + 1, s * 2.0), (tf.constant(0, tf.int64), tf.ones([])))[1]

    found = audited(turned, lambda z: tf.argmax(tf.reshape(z, [-1])))
    assert BarrierKind.INPUT in {each.kind for each in found["x:0"].cut}
    assert found.what_if(remove=["ArgMax"])["x:0"].verdict is not Verdict.FLOWS
