"""Gradients that start from something else than ones: ``output_gradients=`` and ``grad_ys=``."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.against_tensorflow.steps.judge import audited, variable, words


def stepped(starts, count=2):
    """The audit of a tape whose gradient starts from ``starts(x)``, for ``w * v`` and ``v`` squared."""
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            targets = [tf.reduce_sum(x * w * tf.stop_gradient(v)), tf.reduce_sum(x * v)][:count]
        return [tape.gradient(targets, [w, v], output_gradients=starts(x))]

    return audited(step, [3])[0]


@pytest.mark.parametrize("zero", (lambda x: tf.constant(0.0), lambda x: 0.0 * tf.reduce_sum(x), lambda x: tf.zeros([])))
def test_a_gradient_that_starts_from_zeros_is_always_zero(zero):
    audit = stepped(lambda x: [zero(x), tf.constant(1.0)])
    assert words(audit) == ["zero: zero", "flows"]
    assert words(stepped(lambda x: [tf.constant(1.0), zero(x)])) == ["flows", "zero: zero"]
    assert words(stepped(lambda x: [zero(x)], 1)) == ["zero: zero", "none: stop-gradient"]
    assert "What to do" in audit.explain(audit.variables[0]) and audit.to_dot()


@pytest.mark.parametrize("start", (lambda x: [tf.ones([]), x[0]], lambda x: [x[0], tf.constant(2.0)], lambda x: None))
def test_a_gradient_that_starts_from_anything_else_flows(start):
    assert words(stepped(start)) == ["flows", "flows"]


def test_tf_gradients_starts_from_zeros_too():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        targets = [x * w, x * v]
        return [tf.gradients(targets, [w, v], grad_ys=[tf.zeros_like(x), None]), tf.gradients(targets, [w, v], [x, x])]

    first, second = audited(step, [3])
    assert (words(first), words(second)) == (["zero: zero", "flows"], ["flows", "flows"])


def test_a_target_asked_for_twice_starts_from_both():
    w = variable(2.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x * w)
        return [tape.gradient([loss, loss], [w], output_gradients=[tf.constant(0.0), tf.constant(1.0)])]

    assert words(audited(step, [3])[0]) == ["flows"]
