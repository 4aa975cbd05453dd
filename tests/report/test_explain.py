from __future__ import annotations

import pytest

from graphcut.report.explain import explain
from graphcut.report.words import BARRIERS, VERDICTS
from graphcut.terms import Barrier, Condition, Verdict
from tests.report.fakes import FakeAudit, cut, variable


def said(**fields):
    return explain(FakeAudit(), variable("w", **fields))


@pytest.mark.parametrize("barrier", Barrier)
def test_every_barrier_has_words(barrier):
    assert BARRIERS[barrier].because in said(verdict=Verdict.NONE, cut=(cut("z", barrier, "Op"),))


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_words(verdict):
    assert VERDICTS[verdict] in said(verdict=verdict)


def test_the_cut_has_its_line():
    text = said(verdict=Verdict.NONE, cut=(cut("z", where="model.py:3"),))
    assert "It is cut by stop-gradient at z, model.py:3: tf.stop_gradient was put there to stop it." in text


def test_an_unused_variable_is_said_to_be_unused():
    assert "nothing leads from it to the loss loss:0" in said(verdict=Verdict.NONE, unused=True)


def test_a_condition_names_branch_and_predicate():
    text = said(verdict=Verdict.CONDITIONAL, conditions=(Condition("case", "index:0", 2),))
    assert "Every route lies in branch 2 of case (predicate index:0)." in text


def test_a_long_route_is_folded():
    assert "loss → a → b → (94 ops) → c → d → w." in said(path=("loss", "a", "b", *"x" * 94, "c", "d", "w"))


def test_twelve_lines_are_enough():
    cuts = tuple(cut(f"z{i}") for i in range(9))
    conditions = tuple(Condition(f"c{i}", "p:0", "else") for i in range(9))
    text = said(verdict=Verdict.NONE, cut=cuts, conditions=conditions, unused=True, path=("a",) * 9, trainable=False)
    assert len(text.splitlines()) <= 12
