"""Targets that are not tensors of the graph: variables and Python values."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.against_tensorflow.steps.judge import audited, variable, words

TAPE = tf.GradientTape


@pytest.mark.parametrize("automatic", (True, False))
def test_a_variable_that_is_itself_the_target(automatic):
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE(watch_accessed_variables=automatic) as tape:
            tf.identity(v * x)
        return [tape.gradient(w, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit)[0] in ("flows", "none: not-watched") and audit[v].unused
    assert words(audit)[0] == "flows" or not automatic


def test_a_variable_that_is_not_trainable_is_itself_the_target():
    w, fixed = variable(2.0, "w"), variable(3.0, "fixed", trainable=False)

    def step(x):
        with TAPE() as tape:
            tf.identity(w * x)
        return [tape.gradient(fixed, [w, fixed])]

    (audit,) = audited(step, [3])
    assert audit[w].unused


def test_a_variable_beside_a_loss():
    w, v, u = (variable(2.0, name) for name in "wvu")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(v * x)
        return [tape.gradient([w, loss], [w, v, u])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "flows", "none"]


def test_tf_gradients_of_a_variable():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    (audit,) = audited(lambda x: [tf.gradients(w, [w, v])], [3])
    assert words(audit) == ["flows", "none"]


def test_a_target_that_is_a_value_depends_on_nothing():
    w, value = variable(2.0, "w"), tf.constant(2.0)

    def step(x):
        with TAPE() as tape:
            tf.identity(w * x)
        return [tape.gradient(value, [w])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none"] and audit[w].unused
    assert "depends on" in str(audit) and audit.to_dot() and "unused" in audit.explain(w)
