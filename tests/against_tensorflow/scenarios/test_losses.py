"""B: losses of networks that learn from each other."""

from __future__ import annotations

import pytest

from fixtures.asking import audit
from fixtures.scenarios import losses
from graphcut import BarrierKind, Role, Verdict
from tests.against_tensorflow.scenarios.judge import said


def test_b1_the_critic_learns_from_the_policy_loss():
    assert said(losses.policy_trains_critic).verdict("critic") is Verdict.FLOWS


def test_b1_the_path_to_the_critic_leads_through_the_advantage():
    assert "advantage" in said(losses.policy_trains_critic)["critic"].path


def test_b1_a_path_starts_at_the_loss():
    found = said(losses.policy_trains_critic)
    assert found["critic"].path[0] + ":0" == found.audit.loss[0]


def test_b1_with_the_advantage_stopped_the_critic_gets_none():
    fixed = said(losses.policy_fixed)
    assert fixed.verdict("critic") is Verdict.NONE and fixed.first("critic").kind is BarrierKind.STOP_GRADIENT


def test_b1_the_actor_learns_both_times():
    assert {said(each).verdict("actor") for each in (losses.policy_trains_critic, losses.policy_fixed)} == {Verdict.FLOWS}


def test_b2_without_the_stop_the_target_network_learns():
    assert said(losses.target_learns).verdict("target") is Verdict.FLOWS


def test_b2_with_the_stop_it_does_not():
    assert said(losses.target_fixed).verdict("target") is Verdict.NONE


def test_b2_the_online_network_learns_both_times():
    assert {said(each).verdict("online") for each in (losses.target_learns, losses.target_fixed)} == {Verdict.FLOWS}


@pytest.mark.parametrize("fixture", [losses.both_views_learn, losses.one_view_stopped])
def test_b3_a_shared_encoder_learns_either_way(fixture):
    assert said(fixture).verdict("encoder") is Verdict.FLOWS


def test_b3_the_stop_tells_the_two_apart():
    assert said(losses.both_views_learn).audit.stops == ()
    assert said(losses.one_view_stopped).stop().role is Role.BYPASSED


def test_b3_with_one_view_stopped_the_path_leads_through_the_other():
    assert "z2" not in said(losses.one_view_stopped)["encoder"].path


def test_b4_the_policy_learns_through_q():
    assert "Q" in said(losses.actor_through_critic)["policy"].path


def test_b4_q_s_weights_learn_too_unless_left_out():
    assert said(losses.actor_through_critic).verdict("value") is Verdict.FLOWS


@pytest.mark.parametrize("name", ["policy", "value"])
def test_b4_a_stop_on_q_kills_the_actor(name):
    assert said(losses.actor_killed).verdict(name) is Verdict.NONE


def test_b5_the_generator_learns_through_the_discriminator():
    assert "D" in said(losses.generator_only)["generator"].path


def test_b5_who_is_not_asked_about_is_no_row():
    assert [each.name for each in said(losses.generator_only).audit] == ["generator"]


def test_b5_by_default_the_discriminator_would_be_one():
    assert audit(losses.generator_only(), variables=None)["discriminator"].verdict is Verdict.FLOWS
