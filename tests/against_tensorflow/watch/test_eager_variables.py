"""Variables of eager code: those that the gradient call left out, and those that hold a copy."""

from __future__ import annotations

import threading

import pytest
import tensorflow as tf
from tensorflow.python.util import tf_stack

import graphcut
from graphcut.backend.record import tapes
from tests.against_tensorflow.steps.judge import EAGER, variable, words

pytestmark = pytest.mark.skipif(not EAGER, reason="code is run eagerly from TensorFlow 2 on")
X = [1.0, 2.0, 3.0]


def watched(step, times=2):
    """The audits of a step that runs a few times."""
    with graphcut.watch() as watch:
        for _ in range(times):
            step(tf.constant(X))
    assert watch.problems == ()
    return watch.audits


def left(audit):
    """``{"scale": "forgotten"}``: what is left out, and why."""
    return {each.name: each.reason.value for each in audit.left_out}


def test_what_the_loss_reads_and_nobody_asks_for_is_left_out():
    w, scale, still, unread = (variable(2.0, name, name != "still") for name in ("w", "scale", "still", "unread"))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x * scale) + still
        w.assign_sub(0.1 * tape.gradient(loss, w))

    (audit,) = watched(step)
    assert left(audit) == {"scale": "forgotten", "still": "frozen"}
    assert [each.is_updated for each in audit.left_out] == [False, False]
    assert unread.name.rpartition(":")[0] not in str(audit)


def test_what_a_function_captures_is_left_out():
    w, scale = variable(2.0, "w"), variable(3.0, "scale")
    scaled = tf.function(lambda each: each * scale)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(scaled(w * x))
        w.assign_sub(0.1 * tape.gradient(loss, w))

    (audit,) = watched(step)
    assert left(audit) == {"scale": "forgotten"}


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_written_under_the_tape_is_updated(times):
    w, mean, total = variable(2.0, "w"), variable(0.0, "mean", trainable=False), variable(0.0, "total", trainable=False)

    def step(x):
        with tf.GradientTape() as tape:
            mean.assign(0.9 * mean + 0.1 * tf.reduce_mean(x))
            loss = tf.reduce_sum(w * x - mean) + total
        w.assign_sub(0.1 * tape.gradient(loss, w))

    (audit,) = watched(step, times)
    assert {each.name: each.is_updated for each in audit.left_out} == {"mean": True, "total": False}


def test_what_is_asked_for_and_written_under_the_tape_is_updated():
    w, mean, still = variable(2.0, "w"), variable(0.0, "mean"), variable(0.0, "still")

    def step(x):
        with tf.GradientTape() as tape:
            mean.assign(0.9 * mean + 0.1 * tf.reduce_mean(x))
            loss = tf.reduce_sum(w * x)
        w.assign_sub(0.1 * tape.gradient(loss, [w, mean, still])[0])

    (audit,) = watched(step)
    assert [each.is_updated for each in audit] == [True, True, False]


def test_the_first_value_of_a_variable_is_no_update():
    w = variable(2.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            fresh = tf.Variable(3.0, name="fresh")
            loss = tf.reduce_sum(w * x * fresh)
        w.assign_sub(0.1 * tape.gradient(loss, w))

    (audit,) = watched(step, 1)
    assert [(each.name, each.is_updated) for each in audit.left_out] == [("fresh", False)]


def test_what_another_gradient_asks_for_is_not_left_out():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_sum(w * x * v)
        w.assign_sub(0.1 * tape.gradient(loss, w))
        v.assign_sub(0.1 * tape.gradient(loss, v))

    assert [left(each) for each in watched(step)] == [{}, {}]


def test_a_variable_made_from_the_loss_is_a_copy():
    w = variable(2.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.Variable(tf.reduce_sum(w * x))
        assert tape.gradient(loss, w) is None

    (audit,) = watched(step)
    assert words(audit) == ["none: state"]
    assert "a tf.Variable made from a tensor is a copy" in audit.explain(audit.variables[0].name)


def test_a_loss_that_is_added_up_in_a_variable_gets_there_by_state():
    w, total, v = variable(2.0, "w"), variable(0.0, "total"), variable(1.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            total.assign(0.0)
            total.assign_add(tf.reduce_sum(w * x))
            loss = total * v
        assert tape.gradient(loss, [w, v])[0] is None

    (audit,) = watched(step)
    assert words(audit) == ["none: state", "flows"]


def test_a_step_whose_loss_is_a_variable_is_told_so():
    w = variable(2.0, "w")

    def step():
        with tf.GradientTape() as tape:
            loss = tf.Variable(w * 2.0)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step)
    assert words(audit) == ["none"] and "the loss is a variable, which holds a copy" in str(audit)


def test_a_layer_that_is_frozen_for_a_while_is_left_out_of_the_gradient_taken_then():
    base, head = tf.keras.layers.Dense(2), tf.keras.layers.Dense(1)
    base.build((None, 3)), head.build((None, 2))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(head(base(x[None])))
        asked = [*base.trainable_variables, *head.trainable_variables]
        for each, gradient in zip(asked, tape.gradient(loss, asked)):
            each.assign_sub(0.1 * gradient)

    with graphcut.watch() as watch:
        base.trainable = False
        step(tf.constant(X))
        base.trainable = True
        step(tf.constant(X))
    first, second = watch.audits
    assert [(each.reason.value, each.is_updated) for each in first.left_out] == [("frozen", None)] * 2
    assert second.left_out == () and "frozen: " in str(first)


@pytest.mark.skipif(not hasattr(tf_stack, "_source_mapper_stacks"), reason="this TensorFlow maps lines in other ways")
def test_a_replica_has_the_lines_of_the_code_that_starts_it():
    tf.config.set_soft_device_placement(True)  # it is off where the first op of the process was made in a graph
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    with strategy.scope():
        w = tf.Variable(2.0, name="w")

    @tf.function
    def step(x):
        def replica(part):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.floor(w) * part)
            return tape.gradient(loss, w)

        return strategy.run(replica, args=(x,))

    (audit,) = graphcut.audit_step(step, tf.constant(X))
    line = step.python_function.__code__.co_firstlineno
    assert "test_eager_variables.py:%d" % (line + 5) in audit.loss_source
    assert audit.variables[0].cut[0].where.endswith(":%d" % (line + 4))


def test_a_variable_that_a_new_one_takes_the_place_of_is_told_with_the_line():
    w, v, x = tf.Variable(2.0, name="w"), variable(3.0, "v"), tf.constant(X)
    with graphcut.watch() as watch:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * v * x)
        slope = tape.gradient(loss, [w, v])
        w = tf.Variable(w - 0.1 * slope[0])
        v.assign_sub(0.1 * slope[1])
    (audit,) = watch.audits
    assert "a new variable takes the place of w at " in str(audit)
    assert [each.is_updated for each in audit] == [False, True]


def test_a_pause_of_one_thread_is_none_of_another():
    w, begun, ended = variable(2.0, "w"), threading.Event(), threading.Event()

    def pause():
        with tapes._PAUSING[-1].stop_recording():
            begun.set()
            ended.wait(60)

    def step(x):
        thread = threading.Thread(target=pause)
        with tf.GradientTape() as tape:
            thread.start()
            begun.wait(60)
            loss = tf.reduce_sum(w * x)
            ended.set()
            thread.join()
        tape.gradient(loss, w)

    (audit,) = watched(step, times=1)
    assert words(audit) == ["flows"]
    assert audit.recorded == (True,) and audit.disagreements == ()


def test_the_first_value_of_a_variable_made_in_a_function_is_no_update():
    made = []

    @tf.function
    def step(x):
        if not made:
            made.append(tf.Variable(2.0, name="w"))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.stop_gradient(made[0]) * x)
        tape.gradient(loss, made[0])
        return loss

    audit = watched(step)[0]
    assert not audit["w"].is_updated


def test_each_custom_gradient_answers_for_itself():
    w, v = variable(1.5, "w"), variable(2.5, "v")
    straight = tf.custom_gradient(lambda x: (tf.round(x), lambda dy: dy))
    blocked = tf.custom_gradient(lambda x: (x * 2.0, lambda dy: None))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(straight(w * 1.0) * x + blocked(v * 1.0))
        tape.gradient(loss, [w, v])

    (audit,) = watched(step)
    assert words(audit) == ["flows", "none: custom-gradient"]
    assert audit.recorded == (True, False) and audit.disagreements == ()


def test_what_is_computed_while_tapes_pause_is_outside_of_them():
    w = variable(2.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            with tf.init_scope():
                early = w * 2.0
            loss = tf.reduce_sum(early * x)
        tape.gradient(loss, [w])

    (audit,) = watched(step)
    assert words(audit) == ["none: outside-tape"]
    assert audit.recorded == (False,) and audit.disagreements == ()


def test_a_variable_is_read_inside_of_the_stop_that_is_its_barrier():
    w, b = variable(2.0, "w"), variable(1.0, "b")

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.stop_gradient(w) * b * x)
        return tape.gradient(loss, [w, b])

    (audit,) = graphcut.audit_step(step, 3.0)
    assert words(audit) == ["none: stop-gradient", "flows"]


def test_a_variable_that_a_trace_makes_is_not_updated_by_its_initial_value():
    made, w = [], tf.Variable(2.0)

    @tf.function
    def step(x):
        if not made:
            made.append(tf.Variable(3.0))
        with tf.GradientTape() as tape:
            loss = w * made[0] * x
        w.assign_sub(tape.gradient(loss, [w, made[0]])[0])

    with graphcut.watch() as watched:
        step(tf.constant(1.0))
    assert [each.is_updated for each in watched.audits[0].variables] == [True, False]


def test_a_function_of_the_user_may_have_the_name_of_an_initializer():
    w = tf.Variable(2.0)

    @tf.function
    def _initialize_variables_(gradient):
        w.assign_sub(gradient)

    with graphcut.watch() as watched:
        with tf.GradientTape() as tape:
            loss = w * w
        _initialize_variables_(tape.gradient(loss, w))
    assert [each.is_updated for each in watched.audits[0].variables] == [True]
