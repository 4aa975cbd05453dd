"""The five documents: what they claim, and what graphcut says instead."""

from __future__ import annotations

import linecache

import pytest
import tensorflow as tf

from fixtures.asking import audit
from fixtures.documents import document_000, document_001, document_002, document_003, document_004
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.scenarios.judge import said

STOPPED_LAYERS = [document_000.dense, document_000.convolution, document_000.flag_on]
OPEN_LAYERS = [document_000.dense_fixed, document_000.convolution_fixed, document_000.flag_off]


def source_line(where):
    """The text of the line that ``file:line`` names."""
    path, _, line = where.rpartition(":")
    return linecache.getline(path, int(line))


@pytest.mark.parametrize("fixture", STOPPED_LAYERS)
@pytest.mark.parametrize("name", ["kernel", "bias"])
def test_000_a_wrapped_layer_gets_none(fixture, name):
    assert said(fixture).verdict(name) is Verdict.NONE


@pytest.mark.parametrize("fixture", STOPPED_LAYERS)
def test_000_the_cut_is_the_wrapper_s_stop(fixture):
    assert said(fixture).first("kernel").kind is BarrierKind.STOP_GRADIENT


@pytest.mark.parametrize("fixture", STOPPED_LAYERS)
def test_000_the_cut_has_its_file_and_line(fixture):
    where = said(fixture).first("kernel").where
    assert "document_000.py" in where and "tf.stop_gradient(outputs)" in source_line(where)


@pytest.mark.parametrize("fixture", STOPPED_LAYERS)
def test_000_the_loss_trains_nothing(fixture):
    assert "this loss trains nothing" in str(said(fixture).audit)


@pytest.mark.parametrize("fixture", OPEN_LAYERS)
@pytest.mark.parametrize("name", ["kernel", "bias"])
def test_000_without_the_stop_the_layer_learns(fixture, name):
    assert said(fixture).verdict(name) is Verdict.FLOWS


@pytest.mark.parametrize("name", ["first", "second", "before"])
def test_001_a_frozen_layer_lets_the_gradient_through(name):
    assert said(document_001.frozen).verdict(name) is Verdict.FLOWS


def test_001_a_frozen_layer_is_not_trainable():
    assert said(document_001.frozen)["first"].trainable is False


def test_001_a_frozen_layer_is_not_asked_about_by_default():
    asked = said(document_001.frozen).asked
    names = {each.name for each in audit(asked, variables=None)}
    assert said(document_001.frozen)["first"].name not in names


@pytest.mark.parametrize("name", ["first", "before"])
def test_001_a_stopped_layer_and_what_stands_before_it_get_none(name):
    assert said(document_001.stopped).verdict(name) is Verdict.NONE


def test_001_behind_the_stop_the_second_layer_learns():
    assert said(document_001.stopped).verdict("second") is Verdict.FLOWS


@pytest.mark.parametrize("name", ["x", "w"])
def test_001_both_factors_of_a_stopped_product_get_none(name):
    assert said(document_001.product).verdict(name) is Verdict.NONE


def test_001_both_factors_have_the_same_one_cut():
    product = said(document_001.product)
    assert product["x"].cut == product["w"].cut and len(product["x"].cut) == 1


def test_001_without_the_stop_both_factors_learn():
    fixed = said(document_001.product_fixed)
    assert {fixed.verdict("x"), fixed.verdict("w")} == {Verdict.FLOWS}


@pytest.mark.parametrize("fixture", [document_001.conditional, document_001.conditional_of_tf1])
def test_001_a_stop_in_one_branch_leaves_some_runs(fixture):
    assert said(fixture).verdict("x") is Verdict.CONDITIONAL


@pytest.mark.parametrize("fixture", [document_001.conditional, document_001.conditional_of_tf1])
def test_001_the_branch_that_lets_it_through_is_named(fixture):
    (condition,) = said(fixture)["x"].conditions
    assert condition.branch == "then"


@pytest.mark.parametrize("fixture", [document_001.conditional, document_001.conditional_of_tf1])
def test_001_the_predicate_is_a_boolean_tensor_of_the_graph(fixture):
    (condition,) = said(fixture)["x"].conditions
    op = condition.predicate.rpartition(":")[0]
    assert said(fixture).audit.graph.nodes[op]["dtypes"] == ("bool",)


def test_001_two_branches_that_let_it_through_are_no_condition():
    assert said(document_001.conditional_fixed).verdict("x") is Verdict.FLOWS


def test_002_the_stopped_factor_gets_none():
    assert said(document_002.factor).verdict("y") is Verdict.NONE


def test_002_the_other_factor_learns():
    assert said(document_002.factor).verdict("x") is Verdict.FLOWS


@pytest.mark.skipif(not tf.executing_eagerly(), reason="a value is computed: needs eager execution")
def test_002_the_derivative_is_seven():
    asked = document_002.factor()
    with tf.GradientTape() as tape:
        loss = asked.loss()
    assert tape.gradient(loss, asked.variables["x"]).numpy() == 7.0


def test_002_the_generator_learns_from_the_second_argument():
    assert said(document_002.generator).verdict("generator") is Verdict.FLOWS


def test_002_no_path_of_the_generator_leads_through_the_discriminator():
    assert not [op for op in said(document_002.generator)["generator"].path if op.startswith("D/")]


def test_002_the_discriminator_is_cut_off_by_the_stop():
    generator = said(document_002.generator)
    assert generator.verdict("discriminator") is Verdict.NONE
    assert generator.first("discriminator").kind is BarrierKind.STOP_GRADIENT


def test_002_without_the_stop_both_get_a_gradient():
    fixed = said(document_002.generator_fixed)
    assert {fixed.verdict("generator"), fixed.verdict("discriminator")} == {Verdict.FLOWS}


def test_002_without_the_stop_var_list_is_enough():
    asked = document_002.generator_fixed()
    assert [each.verdict for each in audit(asked, variables=asked.variables["generator"])] == [Verdict.FLOWS]


def test_002_the_discriminator_s_loss_does_not_use_the_generator():
    discriminator = said(document_002.discriminator)
    assert discriminator["generator"].unused and discriminator.verdict("discriminator") is Verdict.FLOWS


@pytest.mark.parametrize("name", ["actor", "critic"])
def test_002_actions_from_before_the_tape_train_nobody(name):
    assert said(document_002.policy_before_the_tape).verdict(name) is Verdict.NONE


def test_002_the_actor_learns_from_the_policy_loss():
    assert said(document_002.policy_fixed).verdict("actor") is Verdict.FLOWS


def test_002_the_stop_keeps_the_critic_out_of_the_policy_loss():
    fixed = said(document_002.policy_fixed)
    assert fixed.verdict("critic") is Verdict.NONE and fixed.first("critic").deliberate


def test_002_the_critic_learns_from_the_value_loss():
    assert said(document_002.value_fixed).verdict("critic") is Verdict.FLOWS


def test_003_the_first_matrix_stays():
    assert said(document_003.stopped).verdict("w1") is Verdict.NONE


def test_003_the_second_matrix_moves():
    assert said(document_003.stopped).verdict("w2") is Verdict.FLOWS


def test_003_the_cut_is_the_hidden_layer():
    assert said(document_003.stopped).first("w1").op == "hidden"


def test_003_without_the_stop_both_matrices_move():
    fixed = said(document_003.fixed)
    assert {fixed.verdict("w1"), fixed.verdict("w2")} == {Verdict.FLOWS}


def test_003_the_training_step_tells_the_loss():
    asked = document_003.stopped()
    found = audit(asked, loss=None, variables=None)
    assert found.loss == ("loss:0",) and found.loss_source == "the graph's own backward part"


def test_004_before_the_tape_there_is_nothing():
    assert said(document_004.before_the_tape)["x"].unused


def test_004_inside_the_tape_the_other_factor_learns():
    assert said(document_004.fixed).verdict("x") is Verdict.FLOWS


def test_004_the_stop_is_bypassed():
    assert said(document_004.fixed).stop().role.value == "bypassed"
