"""A: stops that cut, and stops that are harmless."""

from __future__ import annotations

import pytest

from fixtures.scenarios import stops
from graphcut import BarrierKind, Role, Verdict
from tests.against_tensorflow.scenarios.judge import said


def test_a1_the_layer_before_the_lambda_gets_none():
    assert said(stops.lambda_layer).verdict("first") is Verdict.NONE


def test_a1_the_cut_is_the_lambda_s_stop():
    cut = said(stops.lambda_layer).first("first")
    assert cut.kind is BarrierKind.STOP_GRADIENT and "lambda" in cut.op


def test_a1_the_layer_behind_the_lambda_learns():
    assert said(stops.lambda_layer).verdict("second") is Verdict.FLOWS


def test_a1_without_the_stop_both_learn():
    fixed = said(stops.lambda_layer_fixed)
    assert {fixed.verdict("first"), fixed.verdict("second")} == {Verdict.FLOWS}


def test_a2_one_use_that_is_not_stopped_is_enough():
    assert said(stops.one_use_of_two).verdict("w") is Verdict.FLOWS


def test_a2_the_stop_is_no_alarm():
    assert said(stops.one_use_of_two).stop("clean").role is Role.BYPASSED


def test_a3_the_head_s_loss_leaves_the_encoder_alone():
    head = said(stops.supervised_head)
    assert head.verdict("encoder") is Verdict.NONE and head.first("encoder").op == "frozen"


def test_a3_the_head_s_loss_trains_the_head():
    assert said(stops.supervised_head).verdict("head") is Verdict.FLOWS


@pytest.mark.parametrize("fixture", [stops.contrastive_head, stops.supervised_head_fixed])
def test_a3_the_other_loss_trains_the_encoder(fixture):
    assert said(fixture).verdict("encoder") is Verdict.FLOWS


def test_a4_the_encoder_learns_past_the_rounding():
    assert said(stops.straight_through).verdict("encoder") is Verdict.FLOWS


def test_a4_the_estimator_s_stop_is_bypassed():
    assert said(stops.straight_through).stop().role is Role.BYPASSED


def test_a4_without_the_estimator_the_rounding_cuts():
    rounded = said(stops.rounded)
    assert rounded.verdict("encoder") is Verdict.NONE and rounded.first("encoder").type == "Round"


def test_a5_a_codebook_inside_of_a_stop_gets_none():
    bug = said(stops.codebook_in_a_stop)
    assert bug.verdict("codebook") is Verdict.NONE and bug.first("codebook").op == "straight_through"


def test_a5_the_stop_is_the_sole_cut_of_the_codebook():
    stop = said(stops.codebook_in_a_stop).stop("straight_through")
    assert stop.role is Role.CUTS and stop.sole and len(stop.cuts) == 1


def test_a5_the_codebook_loss_trains_the_codebook_alone():
    loss = said(stops.codebook_loss)
    assert (loss.verdict("codebook"), loss.verdict("encoder")) == (Verdict.FLOWS, Verdict.NONE)


@pytest.mark.parametrize("name", ["codebook", "encoder", "decoder"])
def test_a5_both_losses_train_everything(name):
    assert said(stops.codebook_fixed).verdict(name) is Verdict.FLOWS


def test_a6_the_weights_learn_through_the_log_probability():
    assert said(stops.score_function).verdict("w") is Verdict.FLOWS


def test_a6_the_stopped_action_is_no_alarm():
    assert said(stops.score_function).stop("action").role is Role.BYPASSED


def test_a7_a_stop_on_inputs_is_redundant():
    assert said(stops.stopped_inputs).stop("target").role is Role.REDUNDANT


def test_a9_a_stop_that_nobody_reads_is_dead():
    assert said(stops.stop_never_used).stop("forgotten").role is Role.DEAD


def test_a9_a_stop_that_was_never_made_is_not_there():
    assert said(stops.stop_never_made).audit.stops == ()
