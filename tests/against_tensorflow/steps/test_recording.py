"""What is recorded, and that TensorFlow is unchanged afterwards."""

from __future__ import annotations

import threading

import pytest
import tensorflow as tf
from tensorflow.python.eager import backprop, def_function
from tensorflow.python.ops import gradients_util, resource_variable_ops

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, as_traced, audited, variable, words

PATCHED = [(backprop.GradientTape, name) for name in ("gradient", "jacobian", "watch", "_push_tape", "_pop_tape")]
PATCHED += [(gradients_util, "_GradientsHelper"), (def_function.Function, "__call__")]
PATCHED += [(resource_variable_ops.BaseResourceVariable, "numpy")]


@pytest.fixture
def unchanged():
    """What a trace wraps is what it was, whatever happens in between."""
    before = [vars(owner)[name] for owner, name in PATCHED]
    yield
    assert [vars(owner)[name] for owner, name in PATCHED] == before


def simple(w):
    """A step of one gradient."""

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x)
        return [tape.gradient(loss, [w])]

    return step


def test_nothing_stays_wrapped(unchanged):
    audited(simple(variable(2.0, "w")), [3])


def test_nothing_stays_wrapped_after_an_error(unchanged):
    with pytest.raises(graphcut.GraphcutError, match="cannot be traced(.|\n)*test_recording.py"):
        graphcut.audit_step(lambda x: x.numpy(), tf.TensorSpec([3]))


def test_a_step_within_a_step_is_audited_by_itself(unchanged):
    w, v = variable(2.0, "w"), variable(3.0, "v")
    inner = []

    def step(x):
        inner.append(graphcut.audit_step(simple(v), tf.TensorSpec([3])))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x)
        return [tape.gradient(loss, [w])]

    outer = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert [len(each) for each in (outer, inner[0])] == [1, 1]
    assert outer[0].variables[0].name != inner[0][0].variables[0].name


def test_threads_trace_at_once(unchanged):
    weights = [variable(2.0, "w%d" % index) for index in range(4)]
    found = {}

    def trace(index):
        found[index] = graphcut.audit_step(simple(weights[index]), tf.TensorSpec([3]))

    threads = [threading.Thread(target=trace, args=(index,)) for index in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(len(found[index]) == 1 and found[index][0][weights[index]].verdict.value == "flows" for index in range(4))


def test_a_jacobian_is_one_audit():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            outputs = x * w + tf.stop_gradient(v)
        return [tape.jacobian(outputs, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "none: stop-gradient"]


def test_tf_gradients_and_its_stops():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        hidden = x * w
        return [tf.gradients(tf.reduce_sum(hidden * v), [w, v], stop_gradients=[hidden])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: stop-argument", "flows"]


def test_a_penalty_on_a_gradient_is_two_audits():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                score = tf.reduce_sum(tf.sin(x * w) + v)
            slope = inner.gradient(score, x)
            loss = tf.reduce_sum(tf.square(slope))
        return [[slope], outer.gradient(loss, [w, v])]

    inner, outer = audited(step, [3])
    assert words(inner) == ["flows"]
    assert [each.verdict.value for each in outer] == ["flows", "none"]


def test_what_recompute_grad_takes_inside_is_no_audit():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    layer = tf.recompute_grad(lambda x: tf.sin(x * w)) if hasattr(tf, "recompute_grad") else pytest.skip("not in 1.15")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x) * v)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "flows"]


def test_a_loop_that_cuts_what_it_captures_is_judged_as_the_tape_answers():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            _, last = tf.while_loop(
                lambda index, value: index < 3,
                lambda index, value: (index + 1, value * v + tf.stop_gradient(w)),
                (tf.constant(0), x),
            )
            loss = tf.reduce_sum(last)
        return [tape.gradient(loss, [w, v])]

    audited(as_traced(step), [3])


def test_an_op_without_a_gradient_raises_for_all():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(_forbidden(x * w) + v)
        return [tape.gradient(loss, [w, v])]

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert [each.verdict.value for each in audit] == ["raises", "raises"]
    assert audit[w].cut[0].kind.value == "prevent-gradient"
    assert audit[v].cut == audit[w].cut and audit.disagreements == ()
    assert "The error comes from PreventGradient" in audit.explain(v) and "defect" not in str(audit)


def _forbidden(value):
    return tf.raw_ops.PreventGradient(input=value, message="not here")


def test_a_graph_of_placeholders_is_a_step():
    def build():
        x = tf.compat.v1.placeholder(tf.float32, [None, 3])
        w, v = (tf.compat.v1.get_variable(name, shape) for name, shape in (("w1", [3, 2]), ("w2", [2, 1])))
        loss = tf.reduce_mean(tf.stop_gradient(x @ w) @ v)
        return tf.compat.v1.train.AdamOptimizer().minimize(loss)

    (audit,) = graphcut.audit_step(build)
    assert words(audit) == ["none: stop-gradient", "flows"]
    assert [each.is_updated for each in audit] == [False, True]


def test_a_method_of_the_tape_that_somebody_replaced_is_recorded(monkeypatch):
    """A user's replacement may name its parameters differently."""
    original = backprop.GradientTape.gradient
    monkeypatch.setattr(tf.GradientTape, "gradient", lambda tape, y, *xs, **more: original(tape, y, *xs, **more))
    (audit,) = audited(simple(variable(2.0, "w")), [3])
    assert words(audit) == ["flows"]


@pytest.mark.skipif(
    not hasattr(getattr(tf, "autodiff", None), "ForwardAccumulator"), reason="this TensorFlow has no ForwardAccumulator"
)
@pytest.mark.skipif(not EAGER, reason="a ForwardAccumulator is used eagerly")
def test_what_a_forward_accumulator_takes_inside_is_no_audit():
    w, v = variable([1.0, 2.0], "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            with tf.autodiff.ForwardAccumulator(w, tf.ones([2])) as forward:
                loss = tf.reduce_sum(w**3 * v + x)
            slope = forward.jvp(loss)
        return [tape.gradient(slope, [w, v, x])]

    (audit,) = audited(step, [2])
    assert words(audit)[:2] == ["flows", "flows"]
    with graphcut.watch() as watched:
        step(tf.ones([2]))
    assert len(watched.audits) == 1
