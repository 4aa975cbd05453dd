"""The variables of one gradient call are judged together, and a gradient may start from integers, as in TensorFlow."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.steps.judge import audited, variable, words

v1 = tf.compat.v1
TAPE = tf.GradientTape


def scanned():
    """Return a loss of a v1 loop over two values, the second stopped after the loop, and the variable of each."""
    a, b = (v1.get_variable(name, initializer=tf.constant(2.0), use_resource=True) for name in "ab")
    start = (tf.constant(1.0), tf.constant(1.0))
    first, second = tf.scan(lambda last, each: (last[0] * a + each, last[1] * b + each), tf.constant([1.0, 2.0]), start)
    return tf.reduce_sum(first) + tf.reduce_sum(tf.stop_gradient(second)), [a, b]


@pytest.fixture
def v1_loops():
    """Control flow as TensorFlow 1 builds it."""
    enabled = v1.control_flow_v2_enabled()
    v1.disable_control_flow_v2()
    yield
    if enabled:
        v1.enable_control_flow_v2()


def taken(picked):
    """A step that asks for some of the variables, and TensorFlow's answers to it."""
    answers = []

    def step():
        with tf.Graph().as_default():
            loss, variables = scanned()
            answers[:] = [each is not None for each in tf.gradients(loss, [variables[index] for index in picked])]

    return step, answers


@pytest.mark.parametrize("picked", ([0, 1], [0], [1]))
def test_a_recorded_call_is_judged_by_what_was_asked_together(v1_loops, picked):
    step, answers = taken(picked)
    (audit,) = graphcut.audit_step(step)
    step()
    assert (
        [each.verdict is not Verdict.NONE for each in audit] == answers == [index == 0 or len(picked) == 2 for index in picked]
    )
    assert not audit.disagreements


def test_an_audit_judges_each_alone_and_says_so(v1_loops):
    with tf.Graph().as_default() as graph:
        loss, (a, b) = scanned()
        audit = graphcut.audit(graph, loss=loss, variables=[a, b])
        alone = graphcut.audit(graph, loss=loss, variables=[b])
    assert words(audit) == ["flows", "none: stop-gradient"]
    assert "Asked for in one call with a, tf.gradients answers zeros" in audit.explain(b)
    assert "in one call" not in audit.explain(a) + alone.explain(b)


def test_an_integer_that_is_target_and_source():
    def step(x):
        numbers = tf.cast(x, tf.int32)
        with TAPE() as tape:
            tape.watch(numbers)
            other = tf.identity(numbers)
        return [tape.gradient([numbers, other], [numbers, x])]

    (audit,) = audited(step, [3])
    assert words(audit)[0] == "flows"


def test_an_integer_loss_is_itself_among_the_variables():
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", initializer=tf.constant([1.0, 2.0]), use_resource=True)
        loss = tf.cast(w * 2.0, tf.int32)
        real = [each is not None for each in tf.gradients(loss, [loss, w])]
        audit = graphcut.audit(graph, loss=loss, variables=[loss, w])
    assert [each.verdict is not Verdict.NONE for each in audit] == real == [True, False]


def of_a_call(x, w):
    with TAPE() as tape:
        _, rounded = tf.function(lambda x: (x * w, tf.cast(x, tf.int32)))(x)
    return [tape.gradient(rounded, [w, rounded])]


def of_places(x, w):
    with TAPE() as tape:
        _, places = tf.nn.top_k(x * w)
    return [tape.gradient(places, [w, places])]


def of_an_argmax(x, w):
    with TAPE() as tape:
        best = tf.argmax(x * w)
    return [tape.gradient(best, [w, best])]


def of_a_custom_gradient(x, w):
    @tf.custom_gradient
    def rounded(value):
        return tf.cast(value, tf.int32), lambda upstream: 2.0 * tf.cast(upstream, tf.float32)

    with TAPE() as tape:
        numbers = rounded(x * w)
    return [tape.gradient(numbers, [w, numbers])]


@pytest.mark.parametrize("take", (of_a_call, of_places, of_an_argmax, of_a_custom_gradient))
def test_a_gradient_that_starts_from_integers(take):
    w = variable([1.0, 2.0, 3.0], "w")
    (audit,) = audited(lambda x: take(x, w), [3])
    assert audit.recorded[1] and audit.variables[1].verdict is Verdict.FLOWS


def test_a_gradient_that_starts_from_a_variable_of_integers():
    numbers = variable([3, 4, 5], "count")

    def step(x):
        with TAPE() as tape:
            tape.watch(numbers)
            read = tf.convert_to_tensor(numbers)
        return [tape.gradient(read, [numbers, read])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "flows"]
