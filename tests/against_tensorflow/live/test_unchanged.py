"""An audited graph does not change by a single byte."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from fixtures.scenarios import control_flow, operations
from tests.against_tensorflow.live.building import Pair, anywhere, placeholder_graph, spec

GRAPHS = [control_flow.loop_variable, control_flow.branches, operations.unregistered, operations.gathered]
FUNCTIONS = [control_flow.loop_variable_of_tf2, control_flow.branches_of_tf2, operations.py_function]


def state(graph):
    """Op count, function library, bytes."""
    definition = graph.as_graph_def()
    functions = sorted(each.signature.name for each in definition.library.function)
    return len(graph.get_operations()), functions, definition.SerializeToString(deterministic=True), graph.version


@pytest.mark.parametrize("fixture", GRAPHS)
def test_a_placeholder_graph_is_not_changed(fixture):
    loss = fixture().loss
    before = state(loss.graph)
    str(graphcut.audit(loss.graph, loss=loss))
    assert state(loss.graph) == before


@pytest.mark.parametrize("fixture", FUNCTIONS)
def test_a_concrete_function_is_not_changed(fixture):
    with anywhere():
        asked = fixture()
        concrete = tf.function(asked.loss).get_concrete_function(*asked.inputs)
        before = state(concrete.graph)
        str(graphcut.audit(concrete))
        assert state(concrete.graph) == before


def test_stops_paths_and_pictures_change_nothing_either():
    graph, loss, _ = placeholder_graph()
    before = state(graph)
    audit = graphcut.audit(graph, loss=loss)
    assert audit.stops and audit.graph and audit.to_dot() and audit.to_json()
    assert state(graph) == before


def test_the_default_graph_gets_no_op():
    with anywhere():
        pair = Pair()
        around = tf.compat.v1.get_default_graph()
        before = len(around.get_operations())
        graphcut.audit(placeholder_graph()[0], loss="loss")
        assert len(around.get_operations()) == before
        assert pair


def test_a_finalized_graph_can_be_audited():
    graph, loss, pair = placeholder_graph()
    graph.finalize()
    assert graphcut.audit(graph, loss=loss)[pair.u].verdict is graphcut.Verdict.NONE


def test_no_op_runs():
    """An op that would fail, and variables that nobody initialized."""
    with anywhere():
        pair = Pair()

        def loss(x):
            tf.debugging.assert_equal(tf.constant(1), tf.constant(1) + tf.cast(x[0] * 0.0, tf.int32) + 1)
            return pair.loss(x)

        assert len(graphcut.audit(loss, spec(3))) == 2
