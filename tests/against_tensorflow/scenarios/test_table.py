"""Every scenario without a step has a fixture, a corrected version, and a recorded explanation."""

from __future__ import annotations

import pytest

from fixtures.documents import document_000, document_001, document_002, document_003, document_004
from fixtures.graphs import flow
from fixtures.scenarios import barriers, control_flow, dependence, files, losses, noise, operations, stops
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import said

ROWS = {
    "000 ex. 1": [document_000.dense, document_000.dense_fixed],
    "000 ex. 2": [document_000.convolution, document_000.convolution_fixed],
    "000 ex. 3": [document_000.flag_on, document_000.flag_off],
    "001 ex. 1": [document_001.frozen, document_001.stopped],
    "001 ex. 2": [document_001.product, document_001.product_fixed],
    "001 ex. 3": [document_001.conditional, document_001.conditional_of_tf1, document_001.conditional_fixed],
    "002 ex. 1": [document_002.factor, document_002.factor_fixed],
    "002 ex. 2": [document_002.generator, document_002.generator_fixed, document_002.discriminator],
    "002 ex. 3": [document_002.policy_before_the_tape, document_002.policy_fixed, document_002.value_fixed],
    "003": [document_003.stopped, document_003.fixed],
    "004": [document_004.before_the_tape, document_004.fixed],
    "A1": [stops.lambda_layer, stops.lambda_layer_fixed],
    "A2": [stops.both_uses_stopped, stops.one_use_of_two],
    "A3": [stops.supervised_head, stops.supervised_head_fixed, stops.contrastive_head],
    "A4": [stops.rounded, stops.straight_through],
    "A5": [stops.codebook_in_a_stop, stops.codebook_loss, stops.codebook_fixed],
    "A6": [stops.score_function_forgotten, stops.score_function],
    "A7": [stops.stopped_inputs, stops.stopped_inputs_fixed],
    "A9": [stops.stop_never_used, stops.stop_never_made, stops.stop_made],
    "B1": [losses.policy_trains_critic, losses.policy_fixed],
    "B2": [losses.target_learns, losses.target_fixed],
    "B3": [losses.both_views_learn, losses.one_view_stopped],
    "B4": [losses.actor_killed, losses.actor_through_critic],
    "B5": [losses.generator_and_discriminator, losses.generator_only],
    "C1": [operations.floor, operations.floor_fixed],
    "C2": [operations.argmax, operations.argmax_fixed, operations.argmax_softened],
    "C2 as a row": [operations.one_hot, operations.one_hot_fixed],
    "C2 compared": [operations.accuracy, operations.accuracy_softened, operations.accuracy_expected],
    "C3": [operations.rounding, operations.rounding_fixed],
    "C4": [operations.comparison, operations.comparison_fixed],
    "C4 of two": [operations.logic, operations.logic_fixed],
    "C5": [operations.counted, operations.counted_fixed],
    "C6": [operations.gathered, operations.gathered_fixed],
    "C7": [operations.numpy_function, operations.py_function, operations.host_fixed],
    "C8": [operations.unregistered, operations.unregistered_wrapped, operations.unregistered_fixed],
    "D1": [dependence.computed_outside, dependence.computed_inside],
    "D4": [dependence.assigned, dependence.assigned_in_a_graph, dependence.assigned_fixed],
    "D5": [dependence.times_zero, dependence.times_zero_fixed],
    "E1": [noise.pooler, noise.pooler_fixed],
    "E4": [noise.pooler_alone],
    "E5": [noise.averages, noise.averages_read],
    "E6": [noise.forty_partitions, noise.one_partition],
    "F1": [control_flow.loop_variable, control_flow.loop_variable_of_tf2],
    "F2": [control_flow.loop_variable, control_flow.loop_variable_of_tf2, control_flow.loop_variable_fixed],
    "F3": [files.saved_branch, files.saved_branch_fixed],
    "F5": [control_flow.branches, control_flow.branches_of_tf2, control_flow.branches_fixed],
    "F6": [files.saved_custom_gradient, files.saved_custom_gradient_fixed],
    "F8": [files.optimized, files.optimized_fixed],
}
ALIKE = {"A7", "C6", "E4", "F1"}
"""Where the fixtures of a row are judged alike: a stop that takes nothing away, one index or another, either kind of loop."""


def module(fixture):
    return fixture.__module__.rpartition(".")[2]


@pytest.mark.parametrize("row", ROWS)
def test_what_is_said_of_a_row_is_recorded(row):
    missing = [
        (fixture.__name__, name)
        for fixture in ROWS[row]
        for name in fixture().variables
        if "%s: %s" % (fixture.__name__, name) not in recorded.read(module(fixture))
    ]
    assert missing == []


@pytest.mark.parametrize("row", sorted(set(ROWS) - ALIKE))
def test_twins_are_told_apart(row):
    told = {
        tuple(recorded.explained(fixture, name).partition(" ")[2] for name in said(fixture).asked.variables)
        for fixture in ROWS[row]
    }
    assert len(told) > 1


def test_no_fixture_is_left_out_of_the_table():
    listed = {fixture for row in ROWS.values() for fixture in row}
    every = {fixture for _, fixture in recorded.every_fixture()}
    beside = {fixture for fixture in every if fixture.__module__ in (barriers.__name__, flow.__name__)}
    assert every == listed | beside


def test_f6_what_is_assumed_stands_in_the_explanation():
    text = recorded.explained(files.saved_custom_gradient, "custom")
    assert "assumed to let gradients through" in text and "its custom gradient was not saved with the graph" in text
    assert "assumed" not in recorded.explained(files.saved_custom_gradient_fixed, "custom")


@pytest.mark.parametrize("name", ["w", "u"])
def test_f8_the_explanation_begins_with_what_cannot_be_certified(name):
    assert recorded.explained(files.optimized, name).startswith("cannot certify anything: the graph was optimized")
    assert "certify" not in recorded.explained(files.optimized_fixed, name)
