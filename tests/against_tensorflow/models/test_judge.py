"""The judge of real models finds what is wrong."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from graphcut import Verdict

from .judge import disagreements, imprecise

TENSOR, ZEROS, NONE = (True, True), (True, False), (False, False)


@pytest.mark.parametrize(
    "verdict, answer",
    [
        (Verdict.NONE, TENSOR),
        (Verdict.NONE, ZEROS),
        (Verdict.ZERO, TENSOR),
        (Verdict.ZERO, NONE),
        (Verdict.FLOWS, NONE),
        (Verdict.CONDITIONAL, NONE),
        (Verdict.RAISES, TENSOR),
        (Verdict.RAISES, NONE),
    ],
)
def test_a_broken_promise_is_found(verdict, answer):
    assert len(list(disagreements([of(verdict)], [answer]))) == 1


@pytest.mark.parametrize(
    "verdict, answer",
    [
        (Verdict.NONE, NONE),
        (Verdict.ZERO, ZEROS),
        (Verdict.FLOWS, TENSOR),
        (Verdict.FLOWS, ZEROS),
        (Verdict.CONDITIONAL, TENSOR),
    ],
)
def test_a_kept_promise_is_none(verdict, answer):
    assert not list(disagreements([of(verdict)], [answer]))


def test_zeros_that_were_to_flow_are_imprecise():
    assert imprecise(of(Verdict.FLOWS), ZEROS)
    assert not imprecise(of(Verdict.ZERO), ZEROS)


def of(verdict):
    return SimpleNamespace(name="w", verdict=verdict)
