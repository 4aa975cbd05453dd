"""What TensorFlow does when the steps of the five documents run, without an audit."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fixtures import step_gradients
from fixtures.documents import step_000, step_001, step_002, step_003, step_004

pytestmark = pytest.mark.xdist_group("gallery")
EAGER = pytest.mark.skipif(not tf.executing_eagerly(), reason="values are computed: needs eager execution")


def traced(entry):
    """A step built and traced."""
    with step_gradients.alone(tf.Graph()):
        return step_gradients.traced(entry())


def eagerly(entry):
    """Run a step for the first time, op by op."""
    return step_gradients.eagerly(entry())[0]


@pytest.mark.parametrize("entry", [step_000.dense, step_000.convolution, step_000.flags])
def test_000_the_gradients_are_none_and_not_zero(entry):
    assert traced(entry).gradients == (("none", "none"),)


@pytest.mark.parametrize("entry", [step_000.dense, step_000.convolution, step_000.flags])
def test_000_the_step_raises(entry):
    assert "No gradients provided for any variable" in str(traced(entry).error)


def test_001_the_tape_of_the_document_cannot_be_asked_twice():
    run = traced(step_001.product)
    assert isinstance(run.error, RuntimeError) and run.gradients == (("none",), ("raises",))


def test_001_a_stop_in_a_branch_gives_a_gradient_in_some_runs():
    assert traced(step_001.conditional).gradients == (("gradient",),)


@EAGER
def test_001_run_eagerly_the_other_branch_gives_none():
    assert {run.gradients for run in step_gradients.eagerly(step_001.conditional())} == {(("none",),), (("gradient",),)}


@pytest.mark.skipif(not hasattr(tf.keras.Model, "train_step"), reason="Keras has no train_step before TensorFlow 2.2")
def test_001_what_stands_before_a_frozen_layer_learns():
    assert traced(step_001.frozen_in_the_middle).gradients == (("gradient",) * 4,)


@EAGER
def test_002_the_derivative_with_a_stopped_factor_is_seven():
    assert eagerly(step_002.factor).gradients == (("7", "none"),)


@EAGER
def test_002_the_derivative_of_the_document_is_that_of_a_stopped_product():
    assert eagerly(step_002.factor_fixed).gradients == (("4", "none"),)


def test_002_an_actor_that_acts_before_the_tape_gets_none():
    run = traced(step_002.policy)
    assert run.gradients == (("none", "none"),) and "No gradients provided" in str(run.error)


def test_003_only_the_second_matrix_gets_a_gradient():
    assert traced(step_003.stopped).gradients == (("none", "gradient"),)


def test_004_a_tape_that_opens_too_late_gives_none_which_has_no_value():
    run = traced(step_004.too_late)
    assert run.gradients == (("none",),) and isinstance(run.error, AttributeError)


@EAGER
def test_004_inside_of_the_tape_it_is_nine():
    assert eagerly(step_004.fixed).gradients == (("9",),)
