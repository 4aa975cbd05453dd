"""A tape that recorded before the step began: its answer decides, and the audit says so."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.steps.judge import EAGER, variable

TAPE = tf.GradientTape
pytestmark = pytest.mark.skipif(not EAGER, reason="outside of a step ops of TensorFlow 1.15 are of another graph")


@pytest.fixture(autouse=True)
def no_tape_stays_open():
    """Close the tapes: an open one would record the ops of other tests."""
    yield
    while OPEN:
        OPEN.pop().__exit__(None, None, None)


OPEN = []


def closed(w, v, x):
    """Recorded and closed outside."""
    with TAPE(persistent=True) as tape:
        loss = tf.reduce_sum(w * x)
    return lambda x: tape.gradient(loss, [w, v])


def still_open(w, v, x):
    """Opened outside, and recording in the step, too."""
    tape = TAPE(persistent=True)
    tape.__enter__()
    OPEN.append(tape)
    hidden = w * x
    return lambda x: tape.gradient(tf.reduce_sum(hidden * v), [w, v])


def opened_again(w, v, x):
    """Opened once outside and once inside."""
    with TAPE(persistent=True) as tape:
        hidden = w * x

    def step(x):
        with tape:
            loss = tf.reduce_sum(hidden * v)
        return tape.gradient(loss, [w, v])

    return step


def zeros_for_none(w, v, x):
    """Zeros asked for in place of ``None``: what the tape holds from before may be more than zeros."""
    with TAPE(persistent=True) as tape:
        loss = tf.reduce_sum(w * x)
    return lambda x: tape.gradient(loss, [w, v], unconnected_gradients="zero")


def a_jacobian(w, v, x):
    """The Jacobian of what was computed outside."""
    with TAPE(persistent=True) as tape:
        hidden = w * x
    return lambda x: tape.jacobian(hidden, [w, v])


@pytest.mark.parametrize("make", (closed, still_open, opened_again, zeros_for_none, a_jacobian))
def test_the_tape_s_answer_decides(make):
    w, v, x = variable([1.0, 2.0, 3.0], "w"), variable(2.0, "v"), tf.constant([1.0, 2.0, 3.0])
    real = make(w, v, x)(x)
    (audit,) = graphcut.audit_step(make(w, v, x), x)
    assert [each.verdict is not Verdict.NONE for each in audit] == [each is not None for each in real]
    assert audit.variables[0].verdict is Verdict.FLOWS and not audit.disagreements
    assert "the tape recorded before the step began" in str(audit)


def test_a_tape_of_the_step_itself_is_not_said_to_have_begun_before():
    w = variable(2.0, "w")

    def step(x):
        with TAPE(persistent=True) as tape:
            hidden = x * w
            with tape.stop_recording():
                other = tf.exp(hidden)
        with tape:
            loss = tf.reduce_sum(hidden * other)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert "before the step" not in str(audit) and audit.variables[0].verdict is Verdict.FLOWS
