"""Finding n keys costs O(n): twice the variables, twice the lines of graphcut that run.

Lines are counted, not seconds, so the tests say the same on a busy machine. A scan of all variables for each key would run
about four times as many lines.
"""

from __future__ import annotations

import functools
import os
import sys

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.live.building import EAGER, ones, spec, v1

_OWN = os.path.dirname(graphcut.__file__) + os.sep
FEW, MANY = 60, 120


def lines_run(call):
    """How many lines of graphcut's own code a call runs."""
    count = 0

    def local(frame, event, arg):
        nonlocal count
        count += event == "line"
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, event, arg: local if frame.f_code.co_filename.startswith(_OWN) else None)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def growth(build, question):
    """The lines for a question about many variables, in terms of those about half as many."""
    question(*build(4))  # what is asked once in a process is no part of it
    few, many = (lines_run(functools.partial(question, *build(size))) for size in (FEW, MANY))
    return many / few


def graph_of(size):
    """A graph of so many variables, every tenth stopped."""
    with tf.Graph().as_default() as graph:
        variables = [ones("v%d" % index, 3) for index in range(size)]
        values = [tf.stop_gradient(each) if index % 10 == 0 else each * 2.0 for index, each in enumerate(variables)]
        tf.reduce_sum(tf.stack([v1.placeholder(tf.float32, [3], "x")] + values), name="loss")
    return (graph,), variables


def audited(source, variables):
    return graphcut.audit(*source, loss="loss", variables=variables)


QUESTIONS = {
    "objects": lambda source, variables: [audit[each].cut for audit in [audited(source, variables)] for each in variables],
    "names": lambda source, variables: [
        audit[each.name].cut for audit in [audited(source, [each.name for each in variables])] for each in variables
    ],
    "tensors": lambda source, variables: [
        audit[each.handle].cut for audit in [audited(source, [each.handle for each in variables])] for each in variables
    ],
    "in": lambda source, variables: [each in audit for audit in [audited(source, None)] for each in variables],
    "select": lambda source, variables: [
        audit.select(each.op.name) for audit in [audited(source, None)] for each in variables
    ],
    "explain": lambda source, variables: [audit.explain(each) for audit in [audited(source, None)] for each in variables],
    "what_if": lambda source, variables: audited(source, variables).what_if(stop=variables),
    "suggest_stops": lambda source, variables: audited(source, None).suggest_stops(block=variables[:2], keep=variables[2:]),
    "compare": lambda source, variables: audited(source, None).compare(audited(source, None).what_if(stop=variables)),
}


@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_twice_the_variables_are_twice_the_work(question):
    assert growth(graph_of, QUESTIONS[question]) < 2.5


def averages_of(size, update):
    """A bare graph of so many layers, each of which follows another variable by an average."""
    with tf.Graph().as_default() as graph:
        value = v1.placeholder(tf.float32, [3, 3], "x")
        for index in range(size):
            weights = ones("w%d" % index, 3, 3)
            value = tf.nn.relu(tf.matmul(value, weights))
            update(ones("average%d" % index, 3, 3), weights, value)
        tf.reduce_sum(value, name="loss")
    return graph.as_graph_def(), None


AVERAGES = {
    "of data": lambda average, weights, value: v1.assign_sub(average, (average - tf.square(value)) * 0.01),
    "of variables": lambda average, weights, value: v1.assign(average, 0.9 * average + 0.1 * weights),
}


@pytest.mark.parametrize("of", sorted(AVERAGES))
def test_twice_the_averages_are_twice_the_work(of):
    build = functools.partial(averages_of, update=AVERAGES[of])
    assert growth(build, lambda graph_def, _: graphcut.audit(graph_def, loss="loss")) < 2.5


def function_of(size):
    """A function that captures so many eager variables, all of one name."""
    variables = [tf.Variable(1.0) for _ in range(size)]
    function = tf.function(lambda x: x * tf.add_n(variables)).get_concrete_function(spec())
    return (function,), variables


@pytest.mark.skipif(not EAGER, reason="about eager variables")
def test_eager_variables_of_one_name_cost_no_more():
    def question(source, variables):
        audit = graphcut.audit(*source, variables=variables)
        return [audit[each].verdict for each in variables]

    assert growth(function_of, question) < 2.5


def step_of(size):
    """A step that takes the gradient of so many eager variables."""
    variables = [tf.Variable(1.0) for _ in range(size)]

    def step(x):
        with tf.GradientTape() as tape:
            loss = x * tf.add_n(variables)
        return tape.gradient(loss, variables)

    return (step, spec()), variables


@pytest.mark.skipif(not EAGER, reason="about eager variables")
def test_the_variables_of_a_step_cost_no_more():
    def question(source, variables):
        (audit,) = graphcut.audit_step(*source)
        return [audit[each].verdict for each in variables]

    assert growth(step_of, question) < 2.5
