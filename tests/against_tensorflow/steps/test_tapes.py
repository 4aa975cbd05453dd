"""Ops that a tape records or does not record: the verdict equals the tape's answer."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import audited, variable, words

TAPE = tf.GradientTape


def line_of(audit, key):
    """The number of the line that cuts a variable off."""
    return int(audit[key].cut[0].where.rpartition(":")[2])


def test_a_step_with_one_tape_is_one_audit():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(w * x + tf.stop_gradient(v))
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "none: stop-gradient"]
    assert audit.recorded == (True, False)


def test_what_ran_before_the_tape_is_named_with_its_line():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        hidden = tf.nn.relu(x * w)
        with TAPE() as tape:
            loss = tf.reduce_sum(hidden * v)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1
    assert audit[w].cut_size == 1


def test_what_ran_after_the_tape_is_outside():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            hidden = x * w
        loss = tf.reduce_sum(hidden)
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 3


def test_what_ran_while_the_tape_paused_is_outside():
    w, v = variable(2.0, "w"), variable(2.0, "v")

    def step(x):
        with TAPE() as tape:
            with tape.stop_recording():
                hidden = x * w
            loss = tf.reduce_sum(hidden * v)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 3


def test_a_tape_that_was_reset_forgets():
    w, v = variable(2.0, "w"), variable(2.0, "v")

    def step(x):
        with TAPE() as tape:
            hidden = x * w
            tape.reset()
            loss = tf.reduce_sum(hidden * v)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]


def test_variables_that_are_not_trainable_and_tensors_are_not_watched():
    w, fixed = variable(2.0, "w"), variable(2.0, "fixed", trainable=False)

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(tf.exp(x) + fixed) + w
        return [tape.gradient(loss, [w, fixed, x])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "none: not-watched", "none: not-watched"]
    assert audit[fixed].trainable is False


def descended(by_assignment):
    """A step that trains twice; ``w = w - step`` leaves a tensor, ``assign_sub`` the variable."""
    weight = variable(2.0, "w")

    def step(x):
        w = weight
        with TAPE() as tape:
            loss = tf.reduce_sum(x * w)
        first = tape.gradient(loss, w)
        w = w.assign_sub(0.1 * first) if by_assignment else w - 0.1 * first
        with TAPE() as tape:
            loss = tf.reduce_sum(x * (weight if by_assignment else w) ** 2)
        return [[first], [tape.gradient(loss, weight if by_assignment else w)]]

    return audited(step, [3])[1]


def test_a_tensor_that_took_the_place_of_a_variable_is_advised_to_stay_a_variable():
    audit = descended(by_assignment=False)
    assert words(audit) == ["none: not-watched"]
    assert "computed from variable w" in audit.explain(audit.variables[0].name)
    assert "w.assign_sub(step) in place of w = w - step" in audit.explain(audit.variables[0].name)
    assert words(descended(by_assignment=True)) == ["flows"]


def test_an_unwatched_tensor_beside_a_watched_one_gets_no_gradient():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(x * w)
        return [tape.gradient(loss, [x, w])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: not-watched", "flows"]


def test_a_tape_that_watches_nothing_by_itself_watches_what_it_is_told_to():
    w, v = variable(2.0, "w"), variable(2.0, "v")

    def step(x):
        with TAPE(watch_accessed_variables=False) as tape:
            tape.watch(v)
            loss = tf.reduce_sum(tf.square(w)) + tf.reduce_sum(v * x)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: not-watched", "flows"]


def test_a_tensor_is_watched_from_then_on():
    def step(x):
        with TAPE() as tape:
            early = tf.exp(x)
            tape.watch(x)
            late = tf.sin(x)
            loss = tf.reduce_sum(early), tf.reduce_sum(late)
        return [tape.gradient(loss, [x, early])]

    (audit,) = audited(step, [3])
    assert words(audit)[0] == "flows"


def test_unconnected_gradients_that_are_zeros_are_zero():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(tf.stop_gradient(w) * x)
        return [tape.gradient(loss, [w], unconnected_gradients="zero")]

    (audit,) = audited(step, [3])
    assert words(audit) == ["zero: stop-gradient"]


def test_a_tf_function_that_was_traced_before_is_traced_afresh():
    w = variable(2.0, "w")

    @tf.function
    def inner(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(w * x)
        return tape.gradient(loss, [w])

    inner(tf.ones([3]))
    assert len(audited(lambda x: [inner(x)], [3])) == 1
    assert len(audited(inner_step(inner), [3])) == 1


def inner_step(inner):
    """A ``tf.function`` around another one."""
    return tf.function(lambda x: [inner(x)])


def test_a_call_in_a_loop_is_one_audit():
    w = variable(2.0, "w")

    def step(x):
        for _ in range(3):
            with TAPE() as tape:
                loss = tf.reduce_sum(w * x)
            gradients = tape.gradient(loss, [w])
        return [gradients]

    assert len(audited(step, [3])) == 1


def test_two_tapes_are_two_audits():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as one, TAPE() as two:
            hidden = x * w
            first, second = tf.reduce_sum(hidden), tf.reduce_sum(tf.stop_gradient(hidden) * v)
        return [one.gradient(first, [w, v]), two.gradient(second, [w, v])]

    one, two = audited(step, [3])
    assert words(one)[0] == "flows" and one[v].unused
    assert words(two) == ["none: stop-gradient", "flows"]


def test_a_step_without_a_gradient_is_an_error():
    with pytest.raises(graphcut.GraphcutError, match="takes no gradient"):
        graphcut.audit_step(lambda x: x, tf.TensorSpec([3]))


def test_what_ran_before_the_tape_is_named_where_nothing_in_the_tape_is_watched():
    w = variable(2.0, "w")

    def step(x):
        hidden = tf.nn.relu(x * w)
        with TAPE() as tape:
            loss = -tf.reduce_sum(tf.math.log(hidden))
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1


def test_two_losses_in_a_loop_with_other_answers_are_two_audits():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE(persistent=True) as tape:
            losses = [tf.reduce_sum(w * x), tf.reduce_sum(v * x)]
        return [tape.gradient(loss, [w]) for loss in losses]

    assert [words(audit) for audit in audited(step, [3])] == [["flows"], ["none"]]


def test_a_step_that_raises_over_none_is_audited_as_far_as_it_came():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(tf.stop_gradient(w) * x)
        return 0.1 * tape.gradient(loss, w)

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3], tf.float32))
    assert words(audit) == ["none: stop-gradient"]
    assert "after it the step raises TypeError: unsupported operand" in audit.loss_source
    assert "test_tapes.py:%d" % (step.__code__.co_firstlineno + 3) in audit.loss_source


def test_a_step_that_fails_after_its_gradient_is_audited_and_the_error_told():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(tf.stop_gradient(w) * x)
        return tape.gradient(loss, w), loss.numpy()

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3], tf.float32))
    assert audit.variables[0].verdict is graphcut.Verdict.NONE and "after it the step raises" in audit.loss_source


def _unregistered(x):
    """An op for which TensorFlow has no gradient."""
    return tf.compat.v1.image.resize_area(tf.reshape(x, [1, 2, 2, 1]), [2, 2])


@pytest.mark.parametrize("called", [False, True])
def test_a_tape_raises_at_an_op_that_the_source_does_not_feed(called):
    w, v = variable([2.0], "w"), variable([1.0, 2.0, 3.0, 4.0], "v")
    function = tf.function(_unregistered) if called else _unregistered

    def step():
        with TAPE() as tape:
            loss = tf.reduce_sum(w * 2.0) + tf.reduce_sum(function(v))
        return [tape.gradient(loss, [w])]

    with pytest.raises(Exception, match="ResizeArea"):
        tf.function(step)()
    (audit,) = graphcut.audit_step(step)
    assert words(audit) == ["raises: no-gradient"] and audit.disagreements == ()
    assert audit.variables[0].cut[0].type == "ResizeArea"


@pytest.mark.parametrize("way", ["unwatched", "tf.gradients"])
def test_what_is_not_recorded_or_not_between_raises_nothing(way):
    w, v = variable([2.0], "w"), variable([1.0, 2.0, 3.0, 4.0], "v")

    def step():
        with TAPE(watch_accessed_variables=False) as tape:
            tape.watch(w)
            loss = tf.reduce_sum(w * 2.0) + tf.reduce_sum(_unregistered(v))
        return [tape.gradient(loss, [w]) if way == "unwatched" else tf.gradients(loss, [w])]

    (audit,) = audited(step)
    assert words(audit) == ["flows"]


class Proxy:
    """An object that hides its attributes, as TensorFlow 1.15's ``_DictWrapper`` does with wrapt 1.15 and later."""

    __module__ = "tensorflow.python.training.tracking.data_structures"

    def __getattribute__(self, name):
        if name == "__dict__":
            raise TypeError("this __dict__ descriptor does not support '_DictWrapper' objects")
        return super().__getattribute__(name)


def test_a_step_may_hold_a_proxy_that_hides_its_attributes():
    w, proxy = variable(2.0, "w"), Proxy()

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(w * x * (2.0 if proxy else 1.0))
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows"]
