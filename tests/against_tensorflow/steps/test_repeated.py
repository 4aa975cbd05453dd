"""A repeated gradient call gets another audit only if its result is new."""

from __future__ import annotations

import pytest

tf = pytest.importorskip("tensorflow")

from .judge import audited, variable  # noqa: E402


def verdicts(audits):
    """The words of the verdicts, for each audit."""
    return [[each.verdict.value for each in audit] for audit in audits]


def test_three_losses_that_are_handed_to_one_call_are_three_audits():
    w, v = variable([1.0, 2.0], "w"), variable([1.0, 2.0], "v")

    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            losses = [tf.reduce_sum(w * x), tf.reduce_sum(v * x), tf.reduce_sum(w * x + v * 0.0)]
        return [tape.gradient(loss, [w, v]) for loss in losses]

    assert verdicts(audited(step, [2])) == [["flows", "none"], ["none", "flows"], ["flows", "zero"]]


def test_a_loss_made_at_the_same_line_is_another_where_its_gradient_is_zero():
    w = variable([1.0, 2.0], "w")

    def step(x):
        gradients = []
        for scale in (1.0, 0.0):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(w * scale)
            gradients.append(tape.gradient(loss, [w]))
        return gradients

    assert verdicts(audited(step, [2])) == [["flows"], ["zero"]]


def test_what_a_loop_takes_again_and_again_is_one_audit():
    w = variable([1.0, 2.0], "w")

    def step(x):
        for _ in range(4):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(w * x)
            gradients = tape.gradient(loss, [w])
        return [gradients]

    assert verdicts(audited(step, [2])) == [["flows"]]
