"""Variables that a loss reads but the gradient call left out: forgotten, frozen, behind a stop, asked for elsewhere."""

from __future__ import annotations

import json
import re

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import variable

SPEC = tf.TensorSpec([3])
keras3 = pytest.mark.skipif(not hasattr(tf.keras, "version"), reason="Keras 2 tracks each tf.Variable")


def square(*values):
    return tf.reduce_sum(tf.square(sum(values)))


def left_out(audit):
    return {plain(each.name): (each.reason.value, each.is_updated) for each in audit.left_out}


def plain(text):
    """Names without the number that tells them from others of the graph."""
    return re.sub(r"\b(w|v|state)_[0-9]+", r"\1", str(text))


def weights():
    return variable(1.0, "w"), variable(2.0, "v")


def test_a_variable_that_was_forgotten_is_named():
    w, v = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w, x * v)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, SPEC)
    assert left_out(audit) == {"v": ("forgotten", None)}
    assert "not asked for although the loss reads them: v" in plain(audit)
    assert json.loads(audit.to_json())["left_out"][0]["reason"] == "forgotten"


def test_a_frozen_variable_is_named_with_the_forgotten_ones():
    w, v = weights()
    state = variable(1.0, "state", trainable=False)

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w, x * v, state)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, SPEC)
    assert "not asked for although the loss reads them: v; frozen: state" in plain(audit)


def test_what_feeds_no_loss_is_not_left_out():
    w, v = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w)
            tf.identity(x * v)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, SPEC)
    assert audit.left_out == ()


def test_a_variable_whose_shape_alone_is_read_is_not_left_out():
    w, v = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w) + tf.reduce_sum(tf.zeros_like(v))
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, SPEC)
    assert audit.left_out == ()


def test_what_another_gradient_of_the_step_asks_for_is_not_left_out():
    w, v = weights()

    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            loss, other = square(x * w, x * v), square(x * v)
        return tape.gradient(loss, [w]), tape.gradient(other, [v])

    assert [audit.left_out for audit in graphcut.audit_step(step, SPEC)] == [(), ()]


def test_a_variable_behind_a_stop_is_frozen_by_it():
    w, v = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w, tf.stop_gradient(x * v))
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, SPEC)
    (teacher,) = audit.left_out
    assert teacher.reason == "frozen" and teacher.is_stopped and teacher.trainable
    assert "behind a stop: v" in plain(audit)


def test_what_the_step_writes_is_known_of_variables_left_out():
    w, v = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w, x * v)
        v.assign_sub(tape.gradient(loss, w))

    (audit,) = graphcut.audit_step(step, SPEC)
    assert left_out(audit) == {"v": ("forgotten", True)}
    assert "the step updates without asking for a gradient: v" in plain(audit)


def test_a_teacher_that_nothing_updates_is_told_from_one_that_is():
    w, v = weights()

    def step(x, moves):
        with tf.GradientTape() as tape:
            loss = square(x * w, tf.stop_gradient(x * v))
        w.assign_sub(tape.gradient(loss, w))
        if moves:
            v.assign(0.9 * v + 0.1 * w)

    updates = [graphcut.audit_step(step, SPEC, moves)[0].left_out[0].is_updated for moves in (True, False)]
    assert updates == [True, False]


def test_variables_may_be_named_in_place_of_those_asked_for():
    w, v = weights()

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(x * w, x * v)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step, SPEC, variables="*")
    assert {plain(each.name) for each in audit} == {"w", "v"} and not audit.left_out and not audit.disagreements
    assert sorted(audit.recorded, key=str) == [None, True]


def test_an_audit_of_a_function_has_frozen_variables():
    w = variable(1.0, "w")
    state = variable(1.0, "state", trainable=False)
    assert left_out(graphcut.audit(lambda x: square(x * w, state), SPEC)) == {"state": ("frozen", None)}


@keras3
def test_a_plain_variable_of_a_keras_3_model_is_forgotten():
    class Scaled(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = tf.keras.layers.Dense(1)
            self.scales = [tf.Variable(tf.ones([3]), name="scale0")]

        def call(self, x):
            return self.dense(x * self.scales[0])

    model = Scaled()
    model.compile("sgd", "mse")
    (audit,) = graphcut.audit_step(model, tf.ones([4, 3]), tf.ones([4, 1]))
    assert left_out(audit) == {"scale0": ("forgotten", False)}
    assert "create scale0 with self.add_weight" in plain(audit)


@keras3
def test_a_frozen_layer_of_keras_is_frozen():
    frozen, layer = tf.keras.layers.Dense(3), tf.keras.layers.Dense(1)
    frozen.build((4, 3))
    layer.build((4, 3))
    frozen.trainable = False

    def step(x):
        with tf.GradientTape() as tape:
            loss = square(layer(frozen(x)))
        return tape.gradient(loss, layer.trainable_variables)

    (audit,) = graphcut.audit_step(step, tf.ones([4, 3]))
    assert {each.reason.value for each in audit.left_out} == {"frozen"} and len(audit.left_out) == 2


def network(name, *layers):
    made = tf.keras.Sequential(list(layers), name=name)
    made.build((None, 6, 6, 2))
    return made


def train(model, call):
    """A step that trains a model by hand, called as ``call`` does."""

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(call(x)))
        sources = model.trainable_variables
        for value, gradient in zip(sources, tape.gradient(loss, sources)):
            value.assign_sub(0.1 * gradient)

    return step


IMAGES = tf.TensorSpec([4, 6, 6, 2])
layers = tf.keras.layers


@pytest.mark.skipif(
    tf.__version__.startswith("1."), reason="Keras of TensorFlow 1.15 feeds whether it trains: averages may move"
)
@pytest.mark.parametrize("inner", [(), (layers.Flatten(),)], ids=["fused", "plain"])
def test_averages_that_stand_still_are_named_in_the_table(inner):
    model = network("model", *inner, layers.BatchNormalization(), layers.Dense(2))
    (audit,) = graphcut.audit_step(train(model, model), IMAGES)
    assert [each.is_average for each in audit.left_out] == [True, True]
    assert re.search(r"the step does not update .*: call the model with training=True if these averages", str(audit))
    assert "frozen: " not in str(audit)
    assert "call the model with training=True" in audit.explain(audit.left_out[0].name)


def test_averages_that_move_are_not_named():
    model = network("model", layers.BatchNormalization(), layers.Dense(2))
    (audit,) = graphcut.audit_step(train(model, lambda x: model(x, training=True)), IMAGES)
    assert "does not update" not in str(audit)


def test_averages_of_a_frozen_layer_are_frozen():
    model = network("model", layers.BatchNormalization(trainable=False), layers.Dense(2))
    (audit,) = graphcut.audit_step(train(model, model), IMAGES)
    assert not any(each.is_average for each in audit.left_out) and "training=True" not in str(audit)


def pair():
    return [network(name, layers.Flatten(name="flat"), layers.Dense(2, name="dense")) for name in ("student", "teacher")]


@keras3
@pytest.mark.parametrize("trainable", [True, False])
def test_a_teacher_that_nothing_moves_is_named_in_the_table(trainable):
    student, teacher = pair()
    teacher.trainable = trainable
    (audit,) = graphcut.audit_step(train(student, lambda x: student(x) - tf.stop_gradient(teacher(x))), IMAGES)
    assert {each.name: each.copy_of for each in audit.left_out} == {
        "teacher/dense/kernel": "student/dense/kernel",
        "teacher/dense/bias": "student/dense/bias",
    }
    assert "the step does not update teacher/* (2): assign to them, here or between steps, if they follow student" in str(
        audit
    )


@keras3
def test_a_teacher_that_the_step_moves_is_not_named():
    student, teacher = pair()
    train_student = train(student, lambda x: student(x) - tf.stop_gradient(teacher(x)))

    def step(x):
        train_student(x)
        for old, new in zip(teacher.variables, student.variables):
            old.assign(0.9 * old + 0.1 * new)

    (audit,) = graphcut.audit_step(step, IMAGES)
    assert "does not update" not in str(audit)


def test_layers_of_the_same_shape_alone_are_no_copy():
    hidden = [tf.keras.layers.Dense(2, name="dense%d" % number) for number in range(3)]
    inputs = tf.keras.Input((2,))
    model = tf.keras.Model(inputs, hidden[2](hidden[1](hidden[0](inputs))))
    hidden[0].trainable = False
    (audit,) = graphcut.audit_step(train(model, model), tf.TensorSpec([4, 2]))
    assert len(audit.left_out) == 2 and "does not update" not in str(audit)


def test_a_clone_without_a_scope_is_a_copy():
    inputs = tf.keras.Input((2,))
    student = tf.keras.Model(inputs, tf.keras.layers.Dense(3)(tf.keras.layers.Dense(4)(inputs)))
    teacher = tf.keras.models.clone_model(student)
    (audit,) = graphcut.audit_step(train(student, lambda x: student(x) - tf.stop_gradient(teacher(x))), tf.TensorSpec([4, 2]))
    assert [each.copy_of for each in audit.left_out] == [each.name for each in audit]


@keras3
def test_a_frozen_part_that_is_no_copy_is_no_teacher():
    student = network("student", layers.Flatten(), layers.Dense(2, name="dense"))
    other = network("other", layers.Flatten(), layers.Dense(2, name="dense"), layers.Dense(2, name="more"))
    other.trainable = False
    (audit,) = graphcut.audit_step(train(student, lambda x: student(x) - other(x)), IMAGES)
    assert len(audit.left_out) == 4 and not any(each.copy_of for each in audit.left_out)


own_names = pytest.mark.skipif(not tf.executing_eagerly(), reason="variables of other tests have the names, too")


@own_names
def test_the_way_to_a_variable_that_nobody_asked_for_is_to_ask_for_it():
    open_audit, stopped = (scaled(stop) for stop in (tf.identity, tf.stop_gradient))
    suggested = open_audit.suggest_unblock("scale")
    assert not suggested and "no gradient is asked for scale: if it should learn from this loss, add it" in str(suggested)
    (first,) = stopped.suggest_unblock("scale")
    assert "no gradient is asked for scale: " in first.note and first.op.endswith("StopGradient")


@own_names
def test_a_stop_spares_a_variable_that_nobody_asked_for_yet():
    (suggested,) = scaled(tf.identity).suggest_stops(block="encoder")
    assert "tf.stop_gradient(tf.matmul(x, encoder))" in suggested.code and not suggested.note


@own_names
def test_a_stop_that_cuts_off_a_variable_nobody_asked_for_says_so():
    suggested = scaled(tf.identity, before=True).suggest_stops(block="encoder")
    assert suggested and all("this also stops the gradient of scale" in each.note for each in suggested)


def scaled(stop, before=False):
    """A step that asks for no gradient of ``scale``, which is multiplied behind the encoder, or before it in two places."""
    starts = {"encoder": tf.ones([4, 3]), "scale": 1.0, "head": tf.ones([3, 1])}
    encoder, scale, head = (tf.compat.v1.Variable(starts[each], name=each, use_resource=True) for each in starts)

    def step(x):
        with tf.GradientTape() as tape:
            if before:
                weights = encoder * scale + tf.square(encoder) * scale
                x = tf.matmul(x, weights)
            else:
                h = tf.matmul(x, encoder)
                x = stop(h * scale)
            loss = tf.reduce_sum(tf.matmul(x, head))
        return tape.gradient(loss, [encoder, head] if stop is tf.identity else [head])

    (audit,) = graphcut.audit_step(step, tf.ones([2, 4]))
    return audit
