"""D: losses that depend on less than it seems."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from fixtures.scenarios import dependence
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.scenarios.judge import said


def test_d1_a_value_from_outside_trains_nothing():
    w = said(dependence.computed_outside)["w"]
    assert w.verdict is Verdict.NONE and w.unused


def test_d1_it_is_said_that_the_loss_depends_on_none_of_them():
    assert "the loss depends on nothing in this graph" in str(said(dependence.computed_outside).audit)


@pytest.mark.skipif(not tf.executing_eagerly(), reason="about a value that was computed eagerly")
@pytest.mark.parametrize("add_input", [False, True], ids=["alone", "with an input"])
def test_d1_a_loss_computed_from_captured_values_is_told_from_one_of_inputs(add_input):
    w = tf.Variable([1.0, 2.0], name="w")
    value = tf.reduce_sum(w * 2.0)
    audit = graphcut.audit(lambda x: value + 1.0 + (x if add_input else 0.0), tf.TensorSpec([]), variables=w)
    words = "the loss depends on none of these variables" if add_input else "the loss depends on nothing in this graph"
    assert audit[w].unused and words in str(audit)


def test_d1_computed_inside_the_weights_learn():
    assert said(dependence.computed_inside).verdict("w") is Verdict.FLOWS


@pytest.mark.parametrize("fixture", [dependence.assigned, dependence.assigned_in_a_graph])
def test_d4_what_was_assigned_gets_none(fixture):
    assert said(fixture).verdict("u") is Verdict.NONE


@pytest.mark.parametrize("fixture", [dependence.assigned, dependence.assigned_in_a_graph])
def test_d4_the_assignment_is_the_barrier(fixture):
    first = said(fixture).first("u")
    assert first.kind is BarrierKind.STATE
    assert first.type.startswith("Assign") and said(fixture).audit.graph.nodes[first.op]["type"] == first.type


@pytest.mark.parametrize("fixture", [dependence.assigned, dependence.assigned_in_a_graph])
def test_d4_the_variable_that_is_read_learns(fixture):
    assert said(fixture).verdict("w") is Verdict.FLOWS


def test_d4_used_as_it_is_the_value_learns():
    assert said(dependence.assigned_fixed).verdict("u") is Verdict.FLOWS


def test_d5_a_product_with_zero_is_always_zeros():
    assert said(dependence.times_zero).verdict("head") is Verdict.ZERO


def test_d5_the_product_is_the_barrier():
    cut = said(dependence.times_zero).first("head")
    assert (cut.kind, cut.type) == (BarrierKind.ZERO, "Mul")


def test_d5_the_other_term_learns():
    assert said(dependence.times_zero).verdict("encoder") is Verdict.FLOWS


def test_d5_another_weight_lets_it_through():
    assert said(dependence.times_zero_fixed).verdict("head") is Verdict.FLOWS
