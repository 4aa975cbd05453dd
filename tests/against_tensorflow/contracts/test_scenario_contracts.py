"""Each scenario as a contract: the loss with the bug breaks it, with a reason, and the corrected version keeps it."""

from __future__ import annotations

from functools import partial

import pytest

from fixtures.documents import document_000, document_001, document_002, document_003, document_004
from fixtures.scenarios import barriers, control_flow, dependence, files, losses, noise, operations, stops
from graphcut.api.known_variables import known_variables
from graphcut.contracts.contract_rules import Subjects, check_rules
from graphcut.contracts.definition import Allowance, Contract
from tests.against_tensorflow.scenarios.judge import said
from tests.against_tensorflow.share import own_share

REACH, BLOCK, ONLY = "must_reach", "must_not_reach", "only"
# The row of shared/scenarios.md, the loss with the bug and its twin, the rule, the variables by their short names, and what
# the message of a broken contract says.
CASES = [
    ("000.1", document_000.dense, document_000.dense_fixed, REACH, ("kernel", "bias"), "tf.stop_gradient(outputs)"),
    (
        "000.2",
        document_000.convolution,
        document_000.convolution_fixed,
        REACH,
        ("kernel", "bias"),
        "tf.stop_gradient(outputs)",
    ),
    ("000.3", document_000.flag_on, document_000.flag_off, REACH, ("kernel", "bias"), "tf.stop_gradient(outputs)"),
    ("001.1", document_001.frozen, document_001.stopped, BLOCK, ("first",), "It is not trainable"),
    ("001.2", document_001.product, document_001.product_fixed, REACH, ("x", "w"), "stop-gradient"),
    ("001.3", document_001.product, document_001.conditional, REACH, ("x",), "stop-gradient"),
    ("002.1", document_002.factor, document_002.factor_fixed, REACH, ("y",), "stop-gradient"),
    ("002.3", document_002.policy_before_the_tape, document_002.policy_fixed, REACH, ("actor",), "unused"),
    ("003", document_003.stopped, document_003.fixed, REACH, ("w1",), "stop-gradient at hidden"),
    ("004", document_004.before_the_tape, document_004.fixed, REACH, ("x",), "tape"),
    ("A1", stops.lambda_layer, stops.lambda_layer_fixed, REACH, ("first", "second"), "stop-gradient"),
    ("A2", stops.one_use_of_two, stops.both_uses_stopped, BLOCK, ("w",), "the gradient bypasses it"),
    ("A3", stops.supervised_head, stops.contrastive_head, REACH, ("encoder",), "stop-gradient at frozen"),
    ("A4", stops.rounded, stops.straight_through, REACH, ("encoder",), "Round"),
    ("A5", stops.codebook_in_a_stop, stops.codebook_fixed, REACH, ("codebook",), "stop-gradient at straight_through"),
    ("A6", stops.score_function_forgotten, stops.score_function, REACH, ("w",), "not-differentiable"),
    ("B1", losses.policy_trains_critic, losses.policy_fixed, BLOCK, ("critic",), "advantage"),
    ("B1 only", losses.policy_trains_critic, losses.policy_fixed, ONLY, ("actor",), "advantage"),
    ("B2", losses.target_learns, losses.target_fixed, BLOCK, ("target",), "Route to the loss: target"),
    ("B4", losses.actor_killed, losses.actor_through_critic, REACH, ("policy",), "stop-gradient"),
    (
        "B5",
        losses.generator_and_discriminator,
        losses.generator_only,
        ONLY,
        ("generator",),
        "Route to the loss: discriminator → D",
    ),
    ("C1", operations.floor, operations.floor_fixed, REACH, ("w",), "Floor"),
    ("C2", operations.argmax, operations.argmax_fixed, REACH, ("w",), "ArgMax"),
    ("C3", operations.rounding, operations.rounding_fixed, REACH, ("w",), "Round"),
    ("C4", operations.comparison, operations.comparison_fixed, REACH, ("w",), "Greater"),
    ("C5", operations.counted, operations.counted_fixed, REACH, ("w", "bias"), "int"),
    ("C7", operations.numpy_function, operations.py_function, REACH, ("outer",), "numpy_function"),
    ("C7 body", operations.py_function, operations.host_fixed, REACH, ("inner",), "Python"),
    ("C8", operations.unregistered, operations.unregistered_fixed, REACH, ("pixels",), "AdjustHue"),
    ("D1", dependence.computed_outside, dependence.computed_inside, REACH, ("w",), "depends on"),
    ("D4", dependence.assigned, dependence.assigned_fixed, REACH, ("u",), "state"),
    ("D5", dependence.times_zero, dependence.times_zero_fixed, REACH, ("head",), "zero"),
    (
        "F2",
        control_flow.loop_variable_of_tf2,
        control_flow.loop_variable_fixed,
        REACH,
        ("bound",),
        "decides how often a loop runs",
    ),
    ("F3", files.saved_branch, files.saved_branch_fixed, REACH, ("stopped",), "stop-gradient"),
    ("F5", control_flow.branches_of_tf2, control_flow.branches_fixed, REACH, ("swallowed",), "custom-gradient"),
    ("F6", files.saved_custom_gradient, files.saved_custom_gradient_fixed, REACH, ("stopped",), "stop-gradient"),
    ("F8", files.optimized, files.optimized_fixed, BLOCK, ("w",), "cannot certify anything"),
    ("index", barriers.index, barriers.index_fixed, REACH, ("place",), "Cast"),
    ("prevented", barriers.prevented, barriers.prevented_fixed, REACH, ("w",), "PreventGradient"),
    ("slope", barriers.slope, barriers.slope_fixed, REACH, ("w",), "zero"),
    ("integers", barriers.integers, barriers.integers_fixed, REACH, ("w",), "dtype"),
    ("one result", barriers.one_result, barriers.one_result_fixed, REACH, ("unread",), "zero"),
    ("swallowed", barriers.swallowed, barriers.swallowed_fixed, REACH, ("w",), "custom-gradient"),
    ("regularized", barriers.regularized, barriers.regularized_fixed, BLOCK, ("base",), "the stop alone does not freeze it"),
]
# Contracts about paths, stops and unused variables: what is demanded, and what the message says.
OTHERS = [
    ("A9", stops.stop_never_made, stops.stop_made, {"stops": ("remembered",)}, "the graph has none"),
    ("A9 unused", stops.stop_never_used, stops.stop_made, {"stops": ("*",)}, "forgotten is dead"),
    ("A7", stops.stopped_inputs, stops.one_use_of_two, {"stops": ("*",)}, "target is redundant"),
    ("B3", losses.one_view_stopped, losses.both_views_learn, {"must_reach": ("encoder",), "through": ("z2",)}, "passes z2"),
    ("E1", noise.pooler, noise.pooler_fixed, {"no_unused": True}, "pooler"),
    (
        *("E4", noise.pooler_fixed, noise.pooler),
        {"no_unused": True, "allow": (Allowance("pooler", "only its checkpoint is used"),)},
        "the exception for 'pooler' matches no finding",
    ),
]


def findings(fixture, demands):
    """What breaks a contract about the loss of a fixture."""
    contract = Contract(name="it", source="it", line=1, **demands)
    audits = (said(fixture).audit,)
    return check_rules(Subjects(contract, audits, lambda: None, partial(known_variables, audits, None)))[0]


def named(fixture, names):
    """The names in the audit that these short names stand for."""
    return tuple(said(fixture)[name].name for name in names)


@pytest.mark.parametrize("row, bug, twin, rule, names, message", own_share(CASES))
def test_the_bug_breaks_what_the_twin_keeps(row, bug, twin, rule, names, message):
    broken = findings(bug, {rule: named(bug, names)})
    assert broken and {each.rule for each in broken} == {rule}
    assert [each.message for each in broken if message not in each.message] == []
    assert findings(twin, {rule: named(twin, names)}) == ()


@pytest.mark.parametrize("row, bug, twin, demands, message", OTHERS)
def test_other_demands_are_broken_and_kept(row, bug, twin, demands, message):
    (broken,) = findings(bug, demands)
    assert message in broken.message
    assert findings(twin, demands) == ()
