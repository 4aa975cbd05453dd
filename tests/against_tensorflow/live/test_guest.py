"""After every question to graphcut, the user's code still works: the same graph, ``tf.gradients``, a session, a tape."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

import graphcut
from fixtures.asking import audit
from tests import guest
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import gradient
from tests.against_tensorflow.share import own_share

v1 = tf.compat.v1
EVERY = own_share([(module + "." + each.__name__, each) for module, each in recorded.every_fixture()])
GRAPHS = [pytest.param(each, id=name) for name, each in EVERY if not each().is_function]
FUNCTIONS = [pytest.param(each, id=name) for name, each in EVERY if each().is_function]
needs_eager = pytest.mark.skipif(not tf.executing_eagerly(), reason="tapes want eager execution")


def answers(asked):
    """What ``tf.gradients`` and a session give in the user's own graph: for each variable the kind of answer."""
    graph = asked.loss.graph
    inputs = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
    feeds = {each: value(each.dtype, each.shape) for each in inputs}
    with graph.as_default(), v1.Session(graph=graph) as session:
        found = [gradient(asked.loss, each) for each in asked.variables.values()]
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        return [kind or type(session.run(tensor, feeds)).__name__ for kind, tensor in found]


def value(dtype, shape):
    """Ones of a shape, sizes that nobody knows being two; zeros for integers."""
    sizes = [size or 2 for size in shape.as_list()]
    return np.zeros(sizes, dtype.as_numpy_dtype) if dtype.is_integer else np.ones(sizes, dtype.as_numpy_dtype)


def tape_answers(function, asked):
    """Whether a tape over the user's own function gives each variable a gradient, or what it raises."""
    inputs = [tf.constant(value(each.dtype, each.shape)) for each in asked.inputs]
    try:
        with tf.GradientTape() as tape:
            tape.watch([each for each in inputs if each.dtype.is_floating])
            loss = function(*inputs)
        found = tape.gradient(loss, [getattr(each, "value", each) for each in asked.variables.values()])
    except (LookupError, TypeError, ValueError) as error:
        return type(error).__name__
    return [each is not None for each in found]


@pytest.mark.parametrize("fixture", GRAPHS)
def test_a_graph_is_the_same_and_goes_on(fixture):
    asked = fixture()
    before, process = guest.graph_state(asked.loss.graph), guest.process_state()
    guest.ask_everything(audit(asked, loss=asked.loss) if not asked.source else audit(asked))
    assert guest.changed(before, guest.graph_state(asked.loss.graph)) == []
    assert guest.changed(process, guest.process_state()) == []
    assert answers(asked) == answers(fixture())


@needs_eager
@pytest.mark.parametrize("fixture", FUNCTIONS)
def test_a_function_goes_on_under_a_tape(fixture):
    asked = fixture()
    function = tf.function(asked.loss, autograph=False)
    concrete = function.get_concrete_function(*asked.inputs)
    before, process = guest.graph_state(concrete.graph), guest.process_state()
    guest.ask_everything(graphcut.audit(function, *asked.inputs))
    assert guest.changed(before, guest.graph_state(concrete.graph)) == []
    assert guest.changed(process, guest.process_state()) == []
    afresh = fixture()
    assert tape_answers(function, asked) == tape_answers(tf.function(afresh.loss, autograph=False), afresh)


def branching(kind, w, x):
    """A loop or a branch of control flow v2."""
    if kind == "while":
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * w), [0, x])[1]
    if kind == "if":
        return tf.cond(x > 0.0, lambda: x * w * w, lambda: x)
    return tf.switch_case(tf.cast(x, tf.int32), [lambda: x * w, lambda: x * w * w])


@pytest.mark.parametrize("kind", ("while", "if", "case"))
def test_no_function_of_a_copy_outlives_it(kind):
    second = v1.control_flow_v2_enabled()
    v1.enable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            w = v1.get_variable("w", initializer=2.0, use_resource=True)
            loss = branching(kind, w, v1.placeholder(tf.float32, [], "x"))
        audited = graphcut.audit(graph, loss=loss)
        assert audited.verify() == audited.verify(numbers=True) == ()
        gc.collect()
        assert [name for name in known_functions() if "graphcut" in name] == []
        with graph.as_default(), v1.Session() as session:
            (answer,) = tf.gradients(loss, [w])
            session.run(v1.global_variables_initializer())
            assert session.run(answer, {"x:0": 1.0}) == {"while": 12.0, "if": 4.0, "case": 4.0}[kind]
    finally:
        (v1.enable_control_flow_v2 if second else v1.disable_control_flow_v2)()


def known_functions():
    """The names of the functions that the process knows."""
    listed = getattr(context.context(), "list_function_names", lambda: ())()
    return [each.decode() if isinstance(each, bytes) else each for each in listed]
