"""Texts about a step: they show the route even if no tape recorded it, and call no stop by a wrong idiom."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from fixtures import step_gradients
from fixtures.documents import step_004
from tests.against_tensorflow.steps.judge import variable

SPEC = tf.TensorSpec([3])


def explained(step, *keys):
    (audit,) = graphcut.audit_step(step, SPEC)
    return [audit.explain(key) for key in keys]


def weights():
    return variable(2.0, "w"), variable(3.0, "v")


def test_a_stop_behind_which_nothing_is_recorded_has_a_route():
    w, _ = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.stop_gradient(x * w, name="stop")))
        return [each for each in tape.gradient(loss, [w]) if each is not None]

    (text,) = explained(step, w)
    assert " → mul → ✗ stop → Square → Sum." in text


def test_what_was_computed_before_the_tape_has_a_route():
    w, _ = weights()

    def step(x):
        before = x * w
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(before))
        return [each for each in tape.gradient(loss, [w]) if each is not None]

    (text,) = explained(step, w)
    assert " → ✗ mul → Square → Sum." in text


def test_a_loss_that_is_the_barrier_itself_is_named_once():
    w, v = weights()

    def step(x):
        loss = tf.reduce_sum(x * w * v)
        with tf.GradientTape() as tape:
            pass
        return [each for each in tape.gradient(loss, [w, v]) if each is not None]

    for text in explained(step, w, v):
        assert "→ ✗ Sum." in text


def test_a_stop_that_no_tape_records_is_called_a_stop():
    with step_gradients.alone(tf.Graph()):
        (audit,) = graphcut.audit_step(step_004.fixed().run)
        text = audit.explain(audit.variables[0].name)
    assert "Another route is blocked by stop-gradient at StopGradient" in text and "stop-argument" not in text


@pytest.mark.parametrize("beside", [True, False])
def test_a_route_that_no_tape_recorded_is_closed_by_that(beside):
    w, _ = weights()

    def step(x):
        before = x * w
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(before * w if beside else x * w)
        return tape.gradient(loss, [w])

    (text,) = explained(step, w)
    assert ("Another route is blocked by outside-tape at mul (Mul)" in text) is beside
