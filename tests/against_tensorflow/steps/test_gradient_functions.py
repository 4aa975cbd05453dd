"""Users' gradient functions under a tape: what they receive, and what they raise."""

from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, audited, variable, words

OP_TYPE = "AdjustHue"  # TensorFlow registers no gradient for it
SIZE = [2, 2, 3]


def only_without_a_name(op, gradient):
    return (tf.zeros_like(op.inputs[0]) if hasattr(op, "name") else gradient), None


def only_with_a_name(op, gradient):
    return (gradient if hasattr(op, "name") else tf.zeros_like(op.inputs[0])), None


def what_is_not_asked_for(op, gradient):
    return (gradient if getattr(op, "skip_input_indices", None) else tf.zeros_like(op.inputs[0])), None


def by_attribute(op, gradient):
    return (gradient if op.get_attr("T") == tf.float32 and op.type == OP_TYPE else tf.zeros_like(gradient)), None


def of_the_name(op, gradient):
    return gradient * float(len(op.name)), None


@pytest.fixture
def hue():
    """Registers a gradient for an op type, gives what makes such an op, and forgets the gradient afterwards."""
    registry = getattr(ops, "gradient_registry", None) or ops._gradient_registry

    def registered(function):
        tf.RegisterGradient(OP_TYPE)(function)
        return lambda value: tf.raw_ops.AdjustHue(images=value, delta=0.1)

    yield registered
    registry._registry.pop(OP_TYPE, None)


def step_of(body):
    w = variable([[[0.1, 0.2, 0.3]] * 2] * 2, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * x))
        return [tape.gradient(loss, [w])]

    return step


OWN = [
    (only_without_a_name, "flows"),
    (only_with_a_name, "zero: custom-gradient"),
    (by_attribute, "flows"),
]
CALLED = [
    (only_without_a_name, "zero: custom-gradient"),
    (only_with_a_name, "flows"),
    (by_attribute, "flows"),
]


@pytest.mark.parametrize("function, verdict", OWN)
def test_a_tape_hands_over_no_op(hue, function, verdict):
    (audit,) = audited(step_of(hue(function)), SIZE)
    assert words(audit) == [verdict] and audit.assumptions == ()


@pytest.mark.parametrize("function, verdict", CALLED)
def test_the_body_of_a_function_hands_over_the_op(hue, function, verdict):
    (audit,) = audited(step_of(tf.function(hue(function))), SIZE)
    assert words(audit) == [verdict] and audit.assumptions == ()


def test_what_a_tape_asks_for_is_an_assumption(hue):
    (audit,) = audited(step_of(hue(what_is_not_asked_for)), SIZE)
    assert words(audit) == ["flows"] and [each.type for each in audit.assumptions] == [OP_TYPE]


def test_a_function_that_needs_a_name_raises_under_a_tape(hue):
    (audit,) = graphcut.audit_step(step_of(hue(of_the_name)), tf.TensorSpec(SIZE))
    assert words(audit) == ["raises: no-gradient"] and audit.disagreements == ()
    assert "it raises AttributeError: " in audit.loss_source


@pytest.mark.parametrize("function", [only_without_a_name, only_with_a_name, of_the_name])
def test_names_in_a_file_are_not_those_of_its_ops(hue, function):
    body = hue(function)
    with tf.Graph().as_default() as graph:
        w = tf.compat.v1.get_variable("w", SIZE)
        tf.reduce_sum(body(w * 2.0), name="loss")
    audit = graphcut.audit(graph.as_graph_def(), loss="loss", oracle="installed")
    assert words(audit) == ["flows"] and [each.type for each in audit.assumptions] == [OP_TYPE]


def test_a_function_that_looks_at_attributes_is_asked_for_a_file(hue):
    body = hue(by_attribute)
    with tf.Graph().as_default() as graph:
        w = tf.compat.v1.get_variable("w", SIZE)
        tf.reduce_sum(body(w * 2.0), name="loss")
    audit = graphcut.audit(graph.as_graph_def(), loss="loss", oracle="installed")
    assert words(audit) == ["flows"] and audit.assumptions == ()


def raising(error):
    @tf.custom_gradient
    def body(value):
        def grad(_):
            raise error

        return tf.identity(value), grad

    return body


def of_wrong_shapes(value):
    """Raises in TensorFlow's code, called by the user's: graphcut can only assume."""

    @tf.custom_gradient
    def body(value):
        return tf.identity(value), lambda gradient: tf.matmul(gradient, tf.ones([7, 7]))

    return body(value)


ERRORS = [TypeError("no"), KeyError("no"), ValueError("no"), RuntimeError("no"), ZeroDivisionError("no")]


@pytest.mark.parametrize("wrapped", [lambda body: body, tf.function], ids=["tape", "function"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda each: type(each).__name__)
def test_what_a_gradient_function_raises_is_the_answer(error, wrapped):
    (audit,) = graphcut.audit_step(step_of(wrapped(raising(error))), tf.TensorSpec(SIZE))
    assert words(audit) == ["raises: no-gradient"] and audit.disagreements == ()
    assert "it raises %s: " % type(error).__name__ in audit.loss_source


def test_an_error_of_tensorflow_in_a_gradient_function_is_no_defect():
    (audit,) = graphcut.audit_step(step_of(of_wrong_shapes), tf.TensorSpec(SIZE))
    assert words(audit) == ["raises"] and audit.disagreements == () and "defect" not in str(audit)
    assert "it raises ValueError: " in audit.loss_source


def test_an_error_of_the_call_itself_is_no_answer():
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
        return tape.gradient(None, [x])

    with pytest.raises(graphcut.GraphcutError, match="cannot be traced"):
        graphcut.audit_step(step, tf.TensorSpec(SIZE))


@pytest.mark.skipif(not EAGER, reason="runs eagerly")
@pytest.mark.parametrize("factor, offset", [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_what_runs_may_make_a_gradient_out_of_zeros(factor, offset):
    @tf.custom_gradient
    def body(value):
        return tf.identity(value), lambda gradient: gradient + offset

    w = variable([2.0, 3.0], "w")
    with graphcut.watch() as watched:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(body(w * 1.0) * factor)
        gradient = tape.gradient(loss, w)
    assert gradient.numpy().all() and words(watched.audits[0]) == ["flows"]
