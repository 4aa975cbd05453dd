"""What the loss reads instead of an unused variable: a value computed before the step, or another call of its layer."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="needs eager TensorFlow")
X = tf.TensorSpec([2, 3])


class Noisy(tf.Module):
    """Its kernel is computed once, when it is built."""

    def __init__(self):
        super().__init__()
        self.mu = tf.Variable([[0.3, 0.1], [0.2, 0.5], [0.4, 0.7]], name="mu")
        self.kernel = tf.exp(self.mu)

    def __call__(self, x):
        return x @ self.kernel


def explained(compute, source, x=X):
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(compute(x))
        return tape.gradient(loss, [source])

    (audit,) = graphcut.audit_step(step, x)
    assert audit.recorded == (False,) and audit.variables[0].unused
    return audit.explain("*")


def test_a_kernel_that_was_computed_when_the_layer_was_built():
    layer = Noisy()
    text = explained(layer, layer.mu)
    assert "reads a constant [3, 2] that was computed before the step (compute.kernel)" in text
    assert "if it is computed from mu, compute it in the step, under the tape" in text


def test_a_tensor_in_the_closure_that_is_too_large_for_a_constant():
    raw = tf.Variable(tf.fill([3, 90], 0.3), name="raw")
    soft = tf.nn.softplus(raw)
    assert "a constant [3, 90] that was computed before the step (soft)" in explained(lambda x: x @ soft, raw)


def test_a_transposed_kernel_for_weight_tying():
    raw = tf.Variable([[0.3, 0.1], [0.2, 0.5], [0.4, 0.7]], name="raw")
    tied = tf.transpose(raw)
    assert "a constant [2, 3] that was computed before the step" in explained(lambda x: x * tied, raw)


def test_a_variable_that_another_one_was_initialized_with():
    raw = tf.Variable([[0.3, 0.1], [0.2, 0.5], [0.4, 0.7]], name="raw")
    soft = tf.Variable(tf.nn.softplus(raw), name="soft")
    assert "reads variable soft [3, 2] that was initialized before the step" in explained(lambda x: x @ soft, raw)


def test_data_of_another_size_is_not_suspected():
    raw, data = tf.Variable([0.3, 0.1], name="raw"), tf.constant([[0.3], [0.6], [0.7]])
    assert "computed before" not in explained(lambda x: x @ data, raw)


def test_a_variable_that_is_not_trained_is_left_alone():
    average = tf.Variable([0.3, 0.1, 0.2], trainable=False, name="average")
    beta = tf.Variable([0.3, 0.1, 0.2], name="beta")
    assert "before the step" not in explained(lambda x: x + beta, average)


def test_another_call_of_the_layer_is_named():
    kernel = tf.Variable([[0.3, 0.1], [0.2, 0.5], [0.4, 0.7]], name="kernel")

    def step(x):
        with tf.GradientTape() as tape:
            features = tf.matmul(x, kernel, name="first")
            loss = tf.reduce_sum(tf.matmul(x, kernel, name="second"))
        return tape.gradient(loss, features)

    (audit,) = graphcut.audit_step(step, X)
    assert "The loss reads another call of the same layer: second, " in audit.explain("*")
