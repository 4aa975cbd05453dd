"""Questions to an audit of a tape: what if it had recorded more, and where to stop."""

from __future__ import annotations

import sys

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import audited, variable, words

TAPE = tf.GradientTape
GETS = (graphcut.Verdict.FLOWS, graphcut.Verdict.CONDITIONAL)


def code(text):
    """The code that is suggested where Python tells where an expression ends."""
    return text if sys.version_info >= (3, 8) else ""


def outside():
    """``w`` is used before the tape opens, in two lines; ``v`` inside."""
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        hidden = tf.nn.relu(x * w)
        with TAPE() as tape:
            loss = tf.reduce_sum(tf.tanh(hidden) * v)
        return [tape.gradient(loss, [w, v])]

    return audited(step, [3])[0]


def unwatched():
    """A tape that watches ``v`` alone."""
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE(watch_accessed_variables=False) as tape:
            tape.watch(v)
            loss = tf.reduce_sum(tf.tanh(x * w) * v)
        return [tape.gradient(loss, [w, v])]

    return audited(step, [3])[0]


def test_the_line_before_the_tape_is_all_that_must_move():
    audit = outside()
    first = audit.variables[0]
    assert words(audit)[0] == "none: outside-tape"
    (found,) = audit.suggest_unblock(first.name)
    assert found.op == first.cut[0].op and found.code == code("hidden = tf.nn.relu(x * w)")
    assert words(audit.what_if(remove=found.op)) == ["flows", "flows"]


def test_what_is_not_watched_must_be_watched():
    audit = unwatched()
    first = audit.variables[0]
    assert words(audit)[0] == "none: not-watched"
    (found,) = audit.suggest_unblock(first.name)
    assert found.code == code("tape.watch(w)")
    assert words(audit.what_if(remove=first.cut)) == ["flows", "flows"]


def chosen(choice):
    """``w`` reaches the loss through an ``argmax`` only; a tape continues from its result only if that is a float."""
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(tf.cast(choice(x * w), tf.float32) * x * v)
        return [tape.gradient(loss, [w, v])]

    return audited(step, [3])[0]


@pytest.mark.parametrize(
    "choice, ops, soft",
    [
        (lambda x: x > 1.0, ["Greater"], lambda x: tf.sigmoid(5.0 * (x - 1.0))),
        (tf.argmax, ["ArgMax"], tf.nn.softmax),
        # A negation and a comparison block the gradient of a soft choice, too: each is a barrier of its own.
        (lambda x: tf.logical_not(tf.cast(x, tf.int32) > 1), ["LogicalNot", "Greater", "Cast"], lambda x: x),
    ],
)
def test_what_was_made_discrete_is_taken_out_and_all_that_the_tape_would_go_on_to_carries(choice, ops, soft):
    audit = chosen(choice)
    name = audit.variables[0].name
    assert words(audit) == ["none: not-differentiable", "flows"]
    assert [found.op for found in audit.suggest_unblock(name)] == ops
    assert words(audit.what_if(remove=ops)) == words(chosen(soft)) == ["flows", "flows"]


def test_what_a_tape_leaves_out_of_its_own_accord_stays_out():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            rounded = tf.round(x * w)
            with tape.stop_recording():
                paused = rounded * 2.0
            loss = tf.reduce_sum(paused * v)
        return [tape.gradient(loss, [w, v])]

    audit = audited(step, [3])[0]
    assert words(audit.what_if(remove="Round"))[0] == "none: outside-tape"


def test_an_edit_leaves_the_tape_as_it_is():
    for audit in (outside(), unwatched()):
        before = words(audit)
        assert words(audit.what_if(stop=audit.variables[1].name)) == [before[0], "none: stop-gradient"]


def test_a_stop_is_suggested_between_the_tape_s_lines():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            hidden = tf.nn.relu(x * w)
            loss = tf.reduce_sum(hidden * v)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    (found,) = audit.suggest_stops(block=audit.variables[0].name)
    assert found.code == code("hidden = tf.stop_gradient(tf.nn.relu(x * w))")
    assert [each.split(":")[0] for each in words(audit.what_if(stop=found))] == ["none", "flows"]


def test_a_stop_under_a_tape_is_sole_if_without_it_alone_a_gradient_comes():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    stop = tf.stop_gradient

    def step(x):
        with TAPE() as tape:
            alone, twice = stop(tf.nn.relu(x * w)) - 1.0, stop(tf.nn.relu(stop(x * v)))
            loss = tf.reduce_sum(tf.square(alone) + twice)
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    gains = [any(each.verdict in GETS for each in audit.what_if(remove=stop).variables) for stop in audit.stops]
    assert [stop.sole for stop in audit.stops] == gains and sorted(gains) == [False, False, True]


def gains(audit):
    """Return for each stop whether removing it alone gives some variable its gradient back."""
    found = []
    for stop in audit.stops:
        pairs = zip(audit.variables, audit.what_if(remove=stop).variables)
        found.append(any(before.verdict not in GETS and after.verdict in GETS for before, after in pairs))
    return found


def test_a_stop_on_a_variable_that_the_tape_sees_nowhere_else_is_sole():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(x * w + tf.stop_gradient(v) * w * tf.floor(tf.stop_gradient(v)))
        return [tape.gradient(loss, [w, v])]

    (audit,) = audited(step, [3])
    assert [stop.sole for stop in audit.stops] == gains(audit) == [True, False]


def test_a_stop_on_a_watched_tensor_that_nothing_else_reads_cuts():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(w * w + tf.stop_gradient(x) * w)
        return [tape.gradient(loss, [w, x])]

    (audit,) = audited(step, [3])
    ((cut,), (stop,)) = audit.variables[1].cut, audit.stops
    assert cut.kind is graphcut.BarrierKind.STOP_GRADIENT and stop.sole


def test_a_stop_under_a_tape_that_closes_another_route_is_named():
    w = variable(2.0, "w")

    def step(x):
        with TAPE() as tape:
            loss = tf.reduce_sum(x * tf.stop_gradient(w)) + tf.reduce_sum(x * w)
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [3])
    assert "Another route is blocked by stop-gradient at StopGradient" in audit.explain(audit.variables[0].name)


def test_gradients_side_by_side_are_called_what_the_code_calls_them():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE(persistent=True) as tape:
            policy, value = tf.reduce_sum(x * w), tf.reduce_sum(x * v)
        first = tape.gradient(policy, [w, v])
        return [first, tape.gradient(value, [w, v])]

    assert graphcut.table(audited(step, [3])).losses == ("policy", "value")
