"""The gallery: every gradient of its steps, compared with the answers of TensorFlow's tapes in this process."""

from __future__ import annotations

import functools
import itertools
import os
import re
from xml.etree import ElementTree

import pytest
import tensorflow as tf

import graphcut
from fixtures import make_gallery, step_gradients
from fixtures.all_steps import ROWS
from fixtures.documents import step_000, step_001, step_002, step_003, step_004
from fixtures.gallery import actor_critic, dcgan, ddpg, dqn, fine_tuning, gradient_penalty, maml, simsiam, vq_vae
from fixtures.steps import named
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.scenarios.judge import ALLOWED
from tests.against_tensorflow.steps.step_records import describe, recorded
from tests.readme.blocks import ROOT

pytestmark = pytest.mark.xdist_group("gallery")
VERSION = tuple(int(each) for each in tf.__version__.split(".")[:2])
GETS, LOST = (Verdict.FLOWS, Verdict.CONDITIONAL), (Verdict.NONE, Verdict.ZERO)
ENTRIES = [entry for row in ROWS if row.since <= VERSION for entry in row.entries]
NEWEST = pytest.mark.skipif(VERSION != (2, 21), reason="the page was written by TensorFlow 2.21")
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=named)


@functools.lru_cache(maxsize=None)
def graph_of(entry):
    """A graph of its own for a step, where TensorFlow has no eager execution."""
    return tf.Graph()


@functools.lru_cache(maxsize=None)
def audited(entry):
    """A step and its audits, made once."""
    with step_gradients.alone(graph_of(entry)):
        return make_gallery.audited(entry)


@functools.lru_cache(maxsize=None)
def answered(entry):
    """What TensorFlow answers when the step that was audited is traced, and run at random points.

    A tape that raises, because it was asked before, gives no answer.
    """
    with step_gradients.alone(graph_of(entry)):
        run = step_gradients.traced(audited(entry)[0])
    return [answers for answers in run.gradients if step_gradients.RAISES not in answers]


def test_every_row_has_a_symptom():
    assert {row for _, rows in make_gallery.SYMPTOMS for row in rows} == set(ROWS)


@each_entry
def test_there_is_an_audit_for_each_gradient_that_the_step_takes(entry):
    assert len(audited(entry)[1]) == len(answered(entry))


@each_entry
def test_every_verdict_is_what_tensorflow_answers(entry):
    told = [[each.verdict for each in audit] for audit in audited(entry)[1]]
    wrong = [
        (at, position, verdict, answer)
        for at, (verdicts, answers) in enumerate(zip(told, answered(entry)))
        for position, (verdict, answer) in enumerate(zip(verdicts, answers))
        if verdict not in ALLOWED[answer]
    ]
    assert wrong == []


@each_entry
def test_a_stop_is_sole_if_without_it_alone_a_variable_gets_a_gradient(entry):
    for audit in audited(entry)[1]:
        for stop in audit.stops:
            pairs = zip(audit.variables, audit.what_if(remove=stop).variables)
            gains = any(before.verdict in LOST and after.verdict in GETS for before, after in pairs)
            assert (stop.op, stop.sole) == (stop.op, gains)


@each_entry
def test_what_was_recorded_is_what_the_tape_answered(entry):
    answers = [tuple(each != "none" for each in call) for call in answered(entry)]
    assert [audit.recorded for audit in audited(entry)[1]] == answers


@each_entry
def test_the_table_of_compatibility_says_what_is_found(entry):
    assert recorded(named(entry)) in (None, describe(audited(entry)[1]))


@each_entry
def test_no_verdict_had_to_be_changed_for_what_was_recorded(entry):
    assert [each for audit in audited(entry)[1] for each in audit.disagreements] == []


OF_EAGER = {
    step_001.conditional: "an eager tf.cond runs the one branch that is taken",
    **dict.fromkeys((fine_tuning.fixed, fine_tuning.still_stopped), "a network of this size takes long, op by op"),
}


@NEWEST
@each_entry
def test_a_step_that_runs_eagerly_under_a_watch_gets_the_same_verdicts(entry):
    step = entry()
    if step_gradients.builds_graph(step) or entry in OF_EAGER:
        pytest.skip(OF_EAGER.get(entry, "it builds a graph"))
    with graphcut.watch() as watched:
        step_gradients.eagerly(step, most=1)
    traced = audited(entry)[1]
    assert [[each.verdict for each in audit] for audit in watched.audits] == [
        [each.verdict for each in audit] for audit in traced
    ]
    assert [each for audit in watched.audits for each in audit.disagreements] == []
    for watching, tracing in zip(watched.audits, traced):
        known = [(own.is_updated, each.is_updated) for own, each in zip(watching, tracing)]
        assert all(own == other for own, other in known if other is not None)


@pytest.mark.parametrize(
    "entry, gradient, position, barrier",
    [
        (step_000.dense, 0, 0, BarrierKind.STOP_GRADIENT),
        (step_000.convolution, 0, 0, BarrierKind.STOP_GRADIENT),
        (step_000.flags, 0, 0, BarrierKind.STOP_GRADIENT),
        (step_001.product_persistent, 1, 0, BarrierKind.STOP_GRADIENT),
        (step_002.policy, 0, 0, BarrierKind.OUTSIDE_TAPE),
        (step_002.factor, 0, 1, BarrierKind.STOP_GRADIENT),
        (step_003.stopped, 0, 0, BarrierKind.STOP_GRADIENT),
        (step_004.too_late, 0, 0, BarrierKind.OUTSIDE_TAPE),
        (dcgan.detached, 0, 0, BarrierKind.STOP_GRADIENT),
        (actor_critic.fixed, 0, 4, BarrierKind.STOP_GRADIENT),
        (dqn.acting, 0, 0, BarrierKind.NOT_DIFFERENTIABLE),
        (dqn.fixed, 0, 4, BarrierKind.STOP_GRADIENT),
        (ddpg.stopped, 1, 0, BarrierKind.STOP_GRADIENT),
        (vq_vae.forgotten, 0, 2, BarrierKind.STOP_GRADIENT),
        (simsiam.wrong_side, 0, 4, BarrierKind.STOP_GRADIENT),
        (gradient_penalty.not_watched, 0, 0, BarrierKind.NOT_WATCHED),
        (gradient_penalty.outside, 2, 0, BarrierKind.OUTSIDE_TAPE),
        (maml.assigned, 1, 1, BarrierKind.STATE),
    ],
)
def test_the_reason_is_the_bug(entry, gradient, position, barrier):
    found = audited(entry)[1][gradient].variables[position]
    assert (found.verdict, found.cut[0].kind) == (Verdict.NONE, barrier)


@pytest.mark.skipif(fine_tuning.still_stopped not in ENTRIES, reason="the network takes too long to build")
def test_a_stop_left_in_front_of_an_unfrozen_block_is_the_reason():
    found = audited(fine_tuning.still_stopped)[1][0].variables[0]
    assert found.cut[0].kind is BarrierKind.STOP_GRADIENT


def test_the_actor_is_not_used_where_replayed_actions_are_judged():
    assert all(each.unused for each in audited(ddpg.replayed)[1][1])


def test_the_stop_keeps_the_generator_from_the_discriminator_s_verdict():
    without = [
        bool(audited(each)[1][1].reaches("*", through="*discriminator*")) for each in (step_002.gan, step_002.gan_fixed)
    ]
    assert without == [False, True]


def test_a_gradient_in_some_runs_is_conditional():
    assert [each.verdict for each in audited(step_001.conditional)[1][0]] == [Verdict.CONDITIONAL]


@NEWEST
def test_the_page_is_what_its_command_writes():
    with open(os.path.join(ROOT, "docs", "gallery.md"), encoding="utf-8") as stream:
        written = stream.read().splitlines()
    page = make_gallery.page({entry: audited(entry) for entry in ENTRIES}).splitlines()
    assert [pair for pair in itertools.zip_longest(page, written) if pair[0] != pair[1]][:4] == []


def test_every_entry_has_a_picture_and_no_other_is_there():
    folder = os.path.join(ROOT, "docs", "gallery")
    assert sorted(os.listdir(folder)) == sorted(named(entry) + ".svg" for row in ROWS for entry in row.entries)


@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(ROOT, "docs", "gallery"))))
def test_a_picture_is_an_svg(name):
    assert re.fullmatch(r"\{.*\}svg", ElementTree.parse(os.path.join(ROOT, "docs", "gallery", name)).getroot().tag)
