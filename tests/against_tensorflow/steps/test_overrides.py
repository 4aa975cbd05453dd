"""``gradient_override_map``: obeyed by ``tf.gradients`` and in bodies of functions, not for what a tape records itself."""

from __future__ import annotations

import itertools

import pytest
import tensorflow as tf

import graphcut
from graphcut.backend.gradient_oracle import version_probes
from tests.against_tensorflow.steps.judge import audited, variable, words

_NAMES = itertools.count()


def overridden(op_type, function, answer):
    """``function`` with another gradient for ops of one type."""
    name = "GraphcutOverride%d" % next(_NAMES)
    tf.RegisterGradient(name)(lambda op, gradient: answer(gradient))

    def body(x):
        with tf.compat.v1.get_default_graph().gradient_override_map({op_type: name}):
            return function(x)

    return body


OPS = {"Tanh": tf.tanh, "Round": tf.round, "Exp": tf.exp, "Identity": tf.identity}
ANSWERS = {"zeros": tf.zeros_like, "none": lambda gradient: None, "itself": lambda gradient: gradient}
every = [pytest.mark.parametrize("op_type", sorted(OPS)), pytest.mark.parametrize("answer", sorted(ANSWERS))]


def over_both(test):
    for mark in every:
        test = mark(test)
    return test


def target(op_type, answer):
    return overridden(op_type, OPS[op_type], ANSWERS[answer])


@over_both
def test_a_tape_takes_the_gradient_of_the_type(op_type, answer):
    w, body = variable([0.5, 0.6], "w"), target(op_type, answer)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * x))
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [2])
    assert words(audit) == ["none: not-differentiable" if op_type == "Round" else "flows"]


@over_both
def test_a_function_that_is_called_under_a_tape_obeys(op_type, answer):
    if answer == "none" and version_probes.surroundings().empty_calls_raise:
        pytest.skip("a function that gives no argument a gradient makes this TensorFlow raise")
    w, body = variable([0.5, 0.6], "w"), target(op_type, answer)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.function(body, autograph=False)(w * x))
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [2])
    expected = {"zeros": "zero: custom-gradient", "none": "none: custom-gradient", "itself": "flows"}
    assert words(audit) == [expected[answer]]


@over_both
def test_tf_gradients_obeys(op_type, answer):
    w, body = variable([0.5, 0.6], "w"), target(op_type, answer)

    def step(x):
        return [tf.gradients(tf.reduce_sum(body(w * x)), [w])]

    (audit,) = audited(step, [2])
    expected = {"zeros": "zero: custom-gradient", "none": "none: custom-gradient", "itself": "flows"}
    assert words(audit) == [expected[answer]]


@over_both
def test_a_tape_within_a_tape(op_type, answer):
    w, body = variable([0.5, 0.6], "w"), target(op_type, answer)

    def step(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                loss = tf.reduce_sum(body(w * x) * w)
            (first,) = inner.gradient(loss, [w])
        return [[first], outer.gradient(first, [w])]

    audited(step, [2])


@pytest.mark.skipif(not hasattr(tf.GradientTape, "jacobian"), reason="no jacobian in this TensorFlow")
@over_both
def test_a_jacobian(op_type, answer):
    w, body = variable([0.5, 0.6], "w"), target(op_type, answer)

    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            loss = body(w * x)
        return [tape.jacobian(loss, [w], experimental_use_pfor=False)]

    audited(step, [2])


@over_both
def test_what_is_recomputed(op_type, answer):
    w, body = variable([0.5, 0.6], "w"), tf.recompute_grad(target(op_type, answer))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * x))
        return [tape.gradient(loss, [w])]

    audited(step, [2])


@pytest.mark.parametrize("stops", [True, False])
def test_a_custom_gradient_is_no_override(stops):
    w = variable([0.5, 0.6], "w")

    @tf.custom_gradient
    def body(x):
        return x * 2.0, lambda gradient: None if stops else gradient

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * x))
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [2])
    assert words(audit) == ["none: custom-gradient" if stops else "flows"]


def test_an_override_of_identity_n_by_the_user_is_one():
    w = variable([0.5, 0.6], "w")
    body = overridden("IdentityN", lambda x: tf.identity_n([x])[0], lambda gradient: None)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * x))
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [2])
    assert words(audit) == ["flows"]


@pytest.mark.parametrize("op_type, cut", [("Tanh", False), ("Round", True)])
def test_an_explanation_says_that_the_override_has_no_effect(op_type, cut):
    w, body = variable([0.5, 0.6], "w"), target(op_type, "itself")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * x))
        return [tape.gradient(loss, [w])]

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    told = audit.explain(audit.variables[0].name)
    assert "gradient_override_map has no effect on %s" % op_type in told


def test_nothing_is_said_where_the_override_counts():
    w, body = variable([0.5, 0.6], "w"), target("Tanh", "none")

    def step(x):
        return [tf.gradients(tf.reduce_sum(body(w * x)), [w])]

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    assert "has no effect" not in audit.explain(audit.variables[0].name)
