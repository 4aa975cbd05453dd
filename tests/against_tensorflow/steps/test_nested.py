"""Gradients that an inner function takes of values that the outer function computed."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, audited, variable, words

TAPE = tf.GradientTape


def line_of(audit, key):
    """The number of the line that cuts a variable off."""
    return int(audit[key].cut[0].where.rpartition(":")[2])


def reading_from_around(w, v):
    """A step whose inner function takes the gradient of what the step computed before it."""

    def step(x):
        hidden = tf.nn.relu(x * w)

        @tf.function
        def inner():
            with TAPE() as tape:
                loss = tf.reduce_sum(hidden * v)
            return tape.gradient(loss, [w, v])

        return [inner()]

    return step


def test_what_the_function_around_computed_is_outside_of_the_inner_one_s_tape():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    step = reading_from_around(w, v)
    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1
    assert audit.assumptions == ()


def test_what_is_handed_to_a_function_is_outside_of_its_tape():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    @tf.function
    def inner(hidden):
        with TAPE() as tape:
            loss = tf.reduce_sum(hidden * v)
        return tape.gradient(loss, [w, v])

    def step(x):
        hidden = tf.nn.relu(x * w)
        return [inner(hidden)]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1


def test_a_variable_that_is_read_inside_too_gets_a_gradient():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        hidden = tf.nn.relu(x * w)

        @tf.function
        def inner():
            with TAPE() as tape:
                loss = tf.reduce_sum(hidden * v + tf.stop_gradient(v) * w)
            return tape.gradient(loss, [w, v])

        return [inner()]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "flows"]


def test_a_tape_around_a_function_records_what_the_function_captures():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            hidden, stopped = x * w, tf.stop_gradient(x * v)

            @tf.function
            def inner():
                return tape.gradient(tf.reduce_sum(hidden * stopped), [w, v])

            return [inner()]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "none: stop-gradient"]


def test_a_tape_around_a_function_does_not_record_what_it_is_handed():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:

            @tf.function
            def inner(hidden):
                return tape.gradient(tf.reduce_sum(hidden * v), [w, v])

            return [inner(x * w)]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]


def test_a_function_in_a_function_in_a_function():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        hidden = tf.nn.relu(x * w)

        @tf.function
        def middle(value):
            @tf.function
            def inner(twice):
                with TAPE() as tape:
                    loss = tf.reduce_sum(twice * v + hidden)
                return tape.gradient(loss, [w, v])

            return inner(value * 2.0)

        return [middle(hidden)]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1


def test_a_branch_takes_the_gradient_of_what_was_computed_before_it():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    answers = []

    def step(x):
        hidden = tf.nn.relu(x * w)

        def taken():
            with TAPE() as tape:
                loss = tf.reduce_sum(hidden * v)
            gradients = tape.gradient(loss, [w, v])
            answers[:] = [each is None for each in gradients]
            return gradients[1]

        return tf.cond(tf.reduce_sum(x) > 0.0, taken, lambda: tf.constant(0.0))

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert answers == [True, False]
    assert words(audit) == ["none: outside-tape", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1


@pytest.mark.skipif(not EAGER, reason="tf.gradients goes on to the variables of a graph, and none of it is outside")
def test_tf_gradients_in_a_function_looks_for_eager_variables_there_alone():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        product = x * w
        hidden = tf.nn.relu(product)

        @tf.function
        def inner():
            return tf.gradients(tf.reduce_sum(hidden * v), [w, v, product])

        return [inner()]

    (audit,) = audited(step, [3])
    assert words(audit) == ["none: outside-tape", "flows", "flows"]
    assert line_of(audit, w) == step.__code__.co_firstlineno + 1


def test_the_line_around_is_what_to_move():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    step = reading_from_around(w, v)
    (audit,) = audited(step, [3])
    assert audit.verify() == ()
    (found,) = audit.suggest_unblock(w)
    assert found.op == audit[w].cut[0].op and found.where == audit[w].cut[0].where
    assert words(audit.what_if(remove=found)) == ["flows", "flows"]
