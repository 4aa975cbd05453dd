"""Each piece of advice is followed once, and TensorFlow decides whether it works; promised gradients do come back."""

from __future__ import annotations

import re

import pytest
import tensorflow as tf

import graphcut
from fixtures.documents import document_002
from fixtures.scenarios import barriers, dependence, noise, operations, stops
from fixtures.scenarios.making import weights
from graphcut import BarrierKind, Role, Verdict
from graphcut.render.text import advice
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import answer, said

FOLLOWED = [
    (BARRIER_RECORDS[BarrierKind.STOP_GRADIENT].advice, stops.supervised_head, stops.supervised_head_fixed, "encoder"),
    (BARRIER_RECORDS[BarrierKind.PREVENT_GRADIENT].advice, barriers.prevented, barriers.prevented_fixed, "w"),
    (BARRIER_RECORDS[BarrierKind.NO_GRADIENT].advice, operations.unregistered, operations.unregistered_wrapped, "pixels"),
    (BARRIER_RECORDS[BarrierKind.INPUT].advice, barriers.index, barriers.index_fixed, "place"),
    (BARRIER_RECORDS[BarrierKind.DTYPE].advice, barriers.integers, barriers.integers_fixed, "w"),
    (BARRIER_RECORDS[BarrierKind.ZERO].advice, barriers.slope, barriers.slope_fixed, "w"),
    (advice.PRODUCT, dependence.times_zero, dependence.times_zero_fixed, "head"),
    (advice.PIECES, barriers.one_piece, barriers.one_piece_fixed, "second"),
    (advice.CAST, barriers.whole_numbers, barriers.whole_numbers_fixed, "w"),
    (advice.CAST, barriers.whole_numbers, barriers.whole_numbers_straight_through, "w"),
    (advice.LOSS_DTYPE, operations.counted, operations.counted_fixed, "w"),
    (advice.LOSS_OUTSIDE, dependence.computed_outside, dependence.computed_inside, "w"),
    (BARRIER_RECORDS[BarrierKind.ZERO_FILLED].advice, barriers.one_result, barriers.one_result_fixed, "unread"),
    (BARRIER_RECORDS[BarrierKind.CUSTOM_GRADIENT].advice, barriers.swallowed, barriers.swallowed_fixed, "w"),
    (BARRIER_RECORDS[BarrierKind.PYTHON].advice, operations.numpy_function, operations.py_function, "outer"),
    (BARRIER_RECORDS[BarrierKind.STATE].advice, dependence.assigned, dependence.assigned_fixed, "u"),
    (advice.STAND_INS["float"], operations.rounding, operations.rounding_fixed, "w"),
    (advice.STAND_INS["bool"], operations.comparison, operations.comparison_fixed, "w"),
    (advice.STAND_INS["int"], operations.argmax, operations.argmax_softened, "w"),
    (advice.MATCH, operations.accuracy, operations.accuracy_expected, "w"),
    (advice.ONE_HOT, operations.one_hot, operations.one_hot_fixed, "w"),
    (advice.LOGIC, operations.logic, operations.logic_fixed, "w"),
    (advice.LIBRARY, stops.lambda_layer, stops.lambda_layer_fixed, "first"),
    (advice.UNUSED, noise.pooler, noise.pooler_fixed, "pooler"),
]
ELSEWHERE = {
    BarrierKind.STOP_ARGUMENT: "test_a_tensor_taken_out_of_stop_gradients_is_no_constant",
    BarrierKind.OUTSIDE_TAPE: "test_a_line_moved_into_the_tape_is_recorded",
    BarrierKind.NOT_WATCHED: "test_a_tensor_that_is_watched_gets_a_gradient",
    BarrierKind.NOT_DIFFERENTIABLE: "test_a_gradient_of_ones_own_stands_in_for_an_op_that_has_none",
}


@pytest.mark.parametrize("text, broken, fixed, name", FOLLOWED)
def test_the_advice_is_given(text, broken, fixed, name):
    assert text in said(broken).audit.explain(said(broken).asked.variables[name])


@pytest.mark.parametrize("text, broken, fixed, name", FOLLOWED)
def test_the_advice_brings_a_gradient(text, broken, fixed, name):
    assert answer(broken, name) != "gradient" and answer(fixed, name) == "gradient"


def test_every_advice_on_a_barrier_is_followed():
    texts = {text for text, _, _, _ in FOLLOWED}
    missing = [kind for kind, record in BARRIER_RECORDS.items() if record.advice not in texts and kind not in ELSEWHERE]
    assert missing == [] and texts.issuperset([*advice.STAND_INS.values(), *advice.OWN.values()])
    assert set(ELSEWHERE.values()) <= set(globals())


@pytest.mark.parametrize("text, broken, fixed, name", [each for each in FOLLOWED if each[0] in advice.OWN.values()])
def test_what_compares_a_choice_is_a_barrier_of_its_own(text, broken, fixed, name):
    found = said(broken).audit
    assert re.search("Remove (both|2) of them.* and the gradient gets through;", found.explain(name))
    assert found.what_if(remove=found[name].cut[0])[name].verdict is Verdict.NONE
    opened = [each.op for each in found.suggest_unblock(name) if each.alternative == 0]
    assert len(opened) == 2 and found.what_if(remove=opened)[name].verdict is Verdict.FLOWS


def test_a_soft_choice_in_front_of_a_comparison_brings_no_gradient():
    assert answer(operations.accuracy_softened, "w") == "none"


def test_a_branch_used_on_both_sides_gives_a_gradient_in_every_run():
    assert advice.BRANCH in said(barriers.one_branch).audit.explain("w")
    assert said(barriers.one_branch).verdict("w") is Verdict.CONDITIONAL
    assert said(barriers.one_branch_fixed).verdict("w") is Verdict.FLOWS


def test_a_stop_in_one_branch_is_said_to_end_the_gradient_in_other_runs():
    text = recorded.explained(barriers.stopped_in_a_branch, "w")
    assert "In other runs the gradient reaches stop-gradient at cond/in_the_branch" in text
    assert "Another route is blocked by stop-gradient at cond/beside" in text and "the gradient bypasses it." in text
    assert answer(barriers.stopped_in_a_branch, "w") == "gradient"


def test_what_the_regularizer_moves_stays_once_it_is_left_out():
    assert advice.REGULARIZER in said(barriers.regularized).audit.explain("base")
    assert answer(barriers.regularized, "base") == "gradient" and answer(barriers.regularized_fixed, "base") == "none"


def test_what_both_terms_move_is_not_said_to_come_through_one():
    assert "only through" not in said(barriers.regularized_alike).audit.explain("base")


def test_a_term_whose_stop_is_taken_away_hands_a_gradient_on():
    generator = said(document_002.generator)
    assert advice.REROUTE in generator.audit.explain(generator.asked.variables["generator"])
    fixed = said(document_002.generator_fixed)
    assert "only through" not in fixed.audit.explain(fixed.asked.variables["generator"])


def test_a_tensor_taken_out_of_stop_gradients_is_no_constant():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [3], "x")
        y = tf.square(x, name="y")
        loss = tf.reduce_sum(y)
        assert tf.compat.v1.gradients(loss, x, stop_gradients=[y]) == [None] != tf.compat.v1.gradients(loss, x)
    found = graphcut.audit(graph, loss=loss, variables=["x:0"], stop_gradients=["y:0"])
    assert BARRIER_RECORDS[BarrierKind.STOP_ARGUMENT].advice in found.explain("x:0")


def test_a_gradient_of_ones_own_stands_in_for_an_op_that_has_none():
    @tf.custom_gradient
    def rounded(x):
        return tf.round(x), lambda dy: dy

    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [3])
        assert tf.compat.v1.gradients(tf.round(x), x) == [None]
        assert tf.compat.v1.gradients(rounded(x), x) != [None]


@pytest.mark.parametrize("kept", [tf.stop_gradient, tf.identity])
def test_what_stops_a_variable_in_a_loop_is_named_and_once_it_is_gone_a_gradient_comes(kept):
    @tf.function
    def loss(w):
        def step(number, state):
            return number + 1, kept(tf.tanh(state * w))

        return tf.reduce_sum(tf.while_loop(lambda number, _: number < 3, step, (0, tf.ones([2])))[1])

    found = graphcut.audit(loss, tf.TensorSpec([2]), variables="w")
    assert found.verify(numbers=True) == ()
    stopped = kept is tf.stop_gradient
    assert found["w"].verdict is (Verdict.ZERO if stopped else Verdict.FLOWS)
    assert (advice.LOOP in found.explain("w")) is stopped


def test_a_line_moved_into_the_tape_is_recorded():
    w = weights("w")
    before = w * w
    with tf.GradientTape() as tape:
        outside = before * 2.0
    assert tape.gradient(outside, w) is None
    with tf.GradientTape() as tape:
        inside = w * w * 2.0
    assert tape.gradient(inside, w) is not None


@pytest.mark.parametrize("watch", [False, True])
def test_a_tensor_that_is_watched_gets_a_gradient(watch):
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        if watch:
            tape.watch(x)
        y = x * x
    assert (tape.gradient(y, x) is not None) is watch


@pytest.mark.parametrize(
    "role, fixture",
    [
        (Role.DEAD, stops.stop_never_used),
        (Role.REDUNDANT, stops.stopped_inputs),
        (Role.CUTS, stops.supervised_head),
        (Role.BYPASSED, stops.straight_through),
        (Role.SHADOWED, barriers.shadowed),
    ],
)
def test_every_role_has_a_fixture(role, fixture):
    assert said(fixture).stop().role is role


CLAIMS = [pytest.param(each, id=module + "." + each.__name__) for module, each in recorded.every_fixture()]


@pytest.mark.parametrize("fixture", CLAIMS)
def test_what_is_said_to_come_back_comes_back(fixture):
    found = said(fixture)
    for row in found.audit:
        reason = found.audit.reason(row)
        opaque = any(cut.kind in (BarrierKind.ZERO_FILLED, BarrierKind.STATE) for cut in reason.cut)
        if row.verdict in (Verdict.NONE, Verdict.ZERO) and reason.cut and not opaque and reason.size == len(reason.cut):
            together = [reason.cut] if reason.crossed > 1 else [[cut] for cut in reason.cut]
            if reason.crossed in (1, reason.size) and found.audit.loss_dtypes == ("float32",):
                verdicts = [found.audit.what_if(remove=cuts)[row.name].verdict for cuts in together]
                assert {promised(reason, verdict) for verdict in verdicts} == {True}


def promised(reason, verdict):
    """Whether a verdict is what the explanation says would come."""
    if reason.raising is not None:
        return verdict is Verdict.RAISES
    if reason.behind:
        return verdict is Verdict.ZERO
    return verdict in (Verdict.FLOWS, Verdict.CONDITIONAL)
