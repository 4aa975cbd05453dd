"""A recorded answer of TensorFlow overrides the verdict, and a difference is reported."""

from __future__ import annotations

import pytest

from graphcut.analysis.recorded_answers import RecordedAnswers, reconcile
from graphcut.results import Barrier, BarrierKind, VariableAudit, Verdict

CUT = Barrier("stop", "StopGradient", 0, BarrierKind.STOP_GRADIENT, True, False, None)


def found(verdict, cut=()):
    return VariableAudit("w", "w:0", verdict, True, "float32", (), cut)


def held(variable, given, **known):
    (answer,) = reconcile([variable], RecordedAnswers((given,), updates=(None,), **known))
    return answer


@pytest.mark.parametrize("verdict, given", [(Verdict.FLOWS, True), (Verdict.ZERO, True), (Verdict.NONE, False)])
def test_what_agrees_stays(verdict, given):
    answer = held(found(verdict), given)
    assert answer.variable.verdict is verdict and answer.disagreement is None


def test_a_tensor_against_none_may_be_anything_but_nothing():
    answer = held(found(Verdict.NONE, (CUT,)), True)
    assert answer.variable.verdict is Verdict.FLOWS and answer.variable.cut == ()
    assert (answer.disagreement.verdict, answer.disagreement.answer) == (Verdict.NONE, "gradient")


def test_none_against_a_gradient_is_none():
    answer = held(found(Verdict.FLOWS), False)
    assert answer.variable.verdict is Verdict.NONE and answer.disagreement.answer == "none"


def test_an_error_that_was_not_expected_is_told():
    answer = held(found(Verdict.FLOWS), None, error="LookupError: no gradient")
    assert answer.variable.verdict is Verdict.RAISES and answer.disagreement.reason == "LookupError: no gradient"


def test_an_error_that_one_variable_is_the_cause_of_is_no_surprise_for_the_others():
    cause, other = reconcile(
        [found(Verdict.RAISES, (CUT,)), found(Verdict.FLOWS)], RecordedAnswers((None, None), error="no", updates=(None, None))
    )
    assert (cause.disagreement, other.disagreement) == (None, None)
    assert (other.variable.verdict, other.variable.cut) == (Verdict.RAISES, (CUT,))


def test_zeros_that_were_asked_for_are_zeros():
    assert held(found(Verdict.NONE), True, zeros=True).variable.verdict is Verdict.ZERO
