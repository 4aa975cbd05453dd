"""Custom gradients that are registered while graphcut traces are dropped with the audit."""

from __future__ import annotations

import gc

import pytest
import tensorflow as tf

import graphcut
from graphcut.backend.live.gradient_registry import REGISTRY

EAGER = tf.executing_eagerly()
pytestmark = pytest.mark.skipif(not EAGER, reason="a variable of the default graph is written for TensorFlow 2")


@tf.custom_gradient
def doubled(x):
    return 2.0 * x, lambda upstream: 2.0 * upstream


def names():
    gc.collect()
    return set(REGISTRY._registry)


@pytest.fixture(scope="module")
def weight():
    return tf.Variable([1.0, 2.0], name="weight")


def test_the_registry_does_not_grow_with_audits_of_a_loss(weight):
    def loss(x):
        value = doubled(weight * x)
        return tf.reduce_sum(doubled(value) if tf.reduce_sum(x) > 0.0 else value)

    before = names()
    for _ in range(3):
        graphcut.audit(loss, tf.TensorSpec([2]))
    assert names() == before


def test_the_registry_does_not_grow_with_audits_of_a_step(weight):
    def step(x):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(doubled(weight * x))
        return tape.gradient(value, [weight])

    before = names()
    for _ in range(3):
        graphcut.audit_step(step, tf.TensorSpec([2]))
    assert names() == before


def test_an_audit_that_is_kept_still_knows_its_gradients(weight):
    audit = graphcut.audit(lambda x: tf.reduce_sum(doubled(weight * x)), tf.TensorSpec([2]))
    gc.collect()
    assert audit.verify() == ()


def test_the_user_goes_on_with_a_function_that_was_traced_first_by_an_audit(weight):
    @tf.function
    def inner(x):
        return tf.reduce_sum(doubled(weight * x))

    graphcut.audit(lambda x: inner(x), tf.TensorSpec([2]))
    gc.collect()
    with tf.GradientTape() as tape:
        value = inner(tf.constant([1.0, 2.0]))
    assert tape.gradient(value, weight).numpy().tolist() == [2.0, 4.0]


def test_the_user_goes_on_with_a_traced_function_after_its_audit(weight):
    @tf.function
    def loss(x):
        return tf.reduce_sum(doubled(weight * x))

    loss(tf.constant([[1.0, 2.0]]))
    graphcut.audit(loss, tf.constant([1.0, 2.0]))
    gc.collect()
    with tf.GradientTape() as tape:
        value = loss(tf.constant([1.0, 2.0]))
    assert tape.gradient(value, weight).numpy().tolist() == [2.0, 4.0]
