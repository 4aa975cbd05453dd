"""If verdicts are equal, the places that a gradient passes distinguish the correct loss from the wrong one."""

from __future__ import annotations

import pytest
import tensorflow as tf

from fixtures.documents import document_002
from fixtures.scenarios import control_flow, losses
from fixtures.scenarios.making import dense, given, weights
from graphcut import GraphcutError, Verdict
from tests.against_tensorflow.live.questions.question_graphs import audited
from tests.against_tensorflow.scenarios.judge import said


def reaches(fixture, name, **places):
    found = said(fixture)
    return found.audit.reaches(found.asked.variables[name], **places)


def test_b1_the_wrong_policy_loss_reaches_the_critic_through_the_advantage():
    assert reaches(losses.policy_trains_critic, "critic", through="advantage")
    assert not reaches(losses.policy_fixed, "critic", through="advantage")


def test_b1_the_actor_learns_beside_the_advantage_both_times():
    for each in (losses.policy_trains_critic, losses.policy_fixed):
        assert reaches(each, "actor", avoiding="advantage")


def test_b2_only_the_online_network_is_reached():
    assert reaches(losses.target_learns, "target") and not reaches(losses.target_fixed, "target")


def test_b3_the_shared_encoder_is_reached_through_both_views_or_one():
    assert said(losses.both_views_learn).verdict("encoder") is said(losses.one_view_stopped).verdict("encoder")
    assert reaches(losses.both_views_learn, "encoder", through="z2")
    assert not reaches(losses.one_view_stopped, "encoder", through="z2")
    assert reaches(losses.one_view_stopped, "encoder", through="z1", avoiding="z2")


def test_b4_the_policy_learns_through_q_or_not_at_all():
    assert reaches(losses.actor_through_critic, "policy", through="Q")
    assert not reaches(losses.actor_through_critic, "policy", avoiding="Q")
    assert not reaches(losses.actor_killed, "policy")


def test_b5_the_generator_learns_through_the_discriminator():
    assert reaches(losses.generator_only, "generator", through="D")


def test_002_the_stopped_verdict_leaves_the_generator_the_second_argument():
    assert said(document_002.generator).verdict("generator") is said(document_002.generator_fixed).verdict("generator")
    assert not reaches(document_002.generator, "generator", through="D")
    assert reaches(document_002.generator_fixed, "generator", through="D")


def test_002_the_scope_may_be_written_with_a_slash_or_as_a_pattern():
    assert reaches(document_002.generator_fixed, "generator", through="D/")
    assert reaches(document_002.generator_fixed, "generator", through="D/*")


def byol(stop):
    """Two networks, two views: the online one predicts what the target one makes of the other view."""

    def build():
        online, target, predictor = weights("online", 4, 3), weights("target", 4, 3), weights("predictor", 3, 3)
        guess = tf.matmul(dense(given("view1", 6, 4), online, "q1"), predictor)
        return -tf.reduce_sum(guess * stop(dense(given("view2", 6, 4), target, "target_z")))

    return build


def test_byol_the_target_network_must_not_be_reached():
    assert audited(byol(tf.identity)).reaches("target", through="target_z")
    assert not audited(byol(tf.stop_gradient)).reaches("target")


@pytest.mark.parametrize("fixture", [control_flow.loop_variable, control_flow.loop_variable_of_tf2])
def test_a_path_through_a_loop_ends(fixture):
    found = said(fixture)
    for each in found.audit:
        assert bool(found.audit.reaches(each.name)) is (each.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL))


def test_a_pattern_stands_for_all_its_variables():
    found = audited(byol(tf.stop_gradient)).reaches("*")
    assert sorted(found.paths) == ["online", "predictor"]


def test_a_path_leads_from_the_loss_to_the_variable():
    path = audited(byol(tf.stop_gradient)).reaches("online", through="q1").paths["online"]
    assert path[0] == "Neg" and "q1" in path and path[-1] == "online"


def test_a_variable_as_a_place_means_the_ops_that_use_it():
    assert audited(byol(tf.identity)).reaches("online", through="predictor")
    assert not audited(byol(tf.identity)).reaches("target", through="predictor")


def test_what_was_not_audited_can_be_asked_about_too():
    assert audited(byol(tf.identity), variables=["online"]).reaches("view1")


@pytest.mark.parametrize("places", [{"through": "target_y"}, {"avoiding": "target_y"}])
def test_a_place_that_is_not_there_is_an_error(places):
    with pytest.raises(GraphcutError, match="did you mean 'target_z'"):
        audited(byol(tf.identity)).reaches("target", **places)


def test_an_unknown_variable_is_an_error():
    with pytest.raises(GraphcutError, match="'onlin'"):
        audited(byol(tf.identity)).reaches("onlin")
