"""A gradient call that runs several times: an earlier answer that is always zero hides no later one."""

from __future__ import annotations

import gc

import pytest
import tensorflow as tf

import graphcut
from graphcut.backend.record import tapes

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="runs eagerly")
LIVE = ("flows", "conditional")


def watched(losses, variables, starts=None):
    """The verdicts of all audits, and whether each variable ever got something."""
    ever = [False] * len(variables)
    with graphcut.watch() as seen:
        for number, loss in enumerate(losses):
            with tf.GradientTape() as tape:
                target = loss()
            start = None if starts is None else starts[number]
            found = tape.gradient(target, variables, output_gradients=start)
            ever = [known or bool(tf.math.count_nonzero(each)) for known, each in zip(ever, found)]
    return [[each.verdict.value for each in audit] for audit in seen.audits], ever


BY_VALUE = {
    "gather": lambda both, place: tf.gather(both, [place, place + 1]),
    "slice": lambda both, place: tf.slice(both, [place], [2]),
    "strided_slice": lambda both, place: both[place : place + 2],
    "split": lambda both, place: tf.split(both, [place, 4 - place])[1],
    "where": lambda both, place: tf.where([not place, not place, True, True], both * 1.0, tf.zeros([4])),
    "pow": lambda both, place: tf.pow(tf.constant(1.0 + place), both),
}


@pytest.mark.parametrize("name", sorted(BY_VALUE))
@pytest.mark.parametrize("places", [(0, 2), (2, 0)])
def test_a_value_that_decides_is_told_from_others(name, places):
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    losses = [lambda place=place: tf.reduce_sum(BY_VALUE[name](tf.concat([a, b], 0), place)) for place in places]
    verdicts, ever = watched(losses, [a, b])
    for index, got in enumerate(ever):
        assert not got or any(row[index] in LIVE for row in verdicts), (verdicts, ever)


@pytest.mark.parametrize("order", [(0.0, 1.0), (1.0, 0.0)])
def test_a_gradient_that_starts_from_zeros_is_told_from_others(order):
    a = tf.Variable([1.0, 2.0])
    verdicts, _ = watched([lambda: a * 2.0] * len(order), [a], [tf.fill([2], each) for each in order])
    assert sorted(verdicts) == [["flows"], ["zero"]]


def test_a_value_that_decides_nothing_makes_no_other_audit():
    a = tf.Variable([1.0, 2.0])
    losses = [lambda rate=rate: tf.reduce_sum(a * rate) for rate in (0.1, 0.2, 0.3)]
    assert watched(losses, [a])[0] == [["flows"]]


@pytest.mark.parametrize("result, verdicts", [(0, ["flows", "flows"]), (1, ["zero", "zero"])])
def test_a_function_that_is_gone_before_its_gradient_is_taken(result, verdicts):
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    loss = lambda: tf.reduce_sum(tf.function(lambda x: (x * b, tf.stop_gradient(x)))(a * 1.0)[result])  # noqa: E731
    with graphcut.watch() as seen:
        with tf.GradientTape() as tape:
            target = loss()
        tape.gradient(target, [a, b])
    (audit,) = seen.audits
    assert [each.verdict.value for each in audit] == verdicts and audit.disagreements == ()


def test_a_function_that_nobody_holds_any_more_is_audited():
    a = tf.Variable([1.0, 2.0])
    losses = [tf.function(lambda: tf.reduce_sum(tf.stop_gradient(a) * a)) for _ in range(2)]
    with graphcut.watch() as seen:
        while losses:
            with tf.GradientTape() as tape:
                loss = losses.pop()()
            tape.gradient(loss, [a])
    assert {each.verdict.value for audit in seen.audits for each in audit} == {"flows"}


def test_steps_that_were_traced_leave_nothing_behind():
    w = tf.Variable([1.0, 2.0])
    step = tf.function(lambda: w.assign_add(w * tf.stop_gradient(w)))
    with graphcut.watch():
        step()
        before = pauses()
        for _ in range(20):
            step()
        assert pauses() == before


def test_a_tape_that_opens_while_none_records_is_paused():
    """``recompute_grad`` calls its function while no tape may record, not even one that begins inside."""
    w, answers = tf.Variable([1.0, 2.0]), []

    def layer(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(x * w)
        answers.append(tape.gradient(y, [w]))
        return y

    with graphcut.watch() as seen:
        tf.recompute_grad(layer)(tf.constant([3.0, 4.0]))
    told = [[each.verdict.value for each in audit] for audit in seen.audits]
    assert told == [["none" if found is None else "flows" for found in answer] for answer in answers]


def pauses():
    """The number of pauses that the tapes of this process keep."""
    return sum(len(each.pauses) for each in gc.get_objects() if isinstance(each, tapes.Tapes))
