"""Results print as sentences; names of foreign graphs are escaped in them."""

from __future__ import annotations

import dataclasses

import pytest

import graphcut
from graphcut import results
from graphcut.results import Change, Disagreement, Reach, Role, Stop, Verdict
from tests.unit.render.text.fakes import cut, variable

DATACLASSES = [each for each in vars(results).values() if isinstance(each, type) and dataclasses.is_dataclass(each)]


@pytest.mark.parametrize("result", DATACLASSES, ids=lambda each: each.__name__)
def test_every_result_has_a_sentence(result):
    assert "__str__" in vars(result)


@pytest.mark.parametrize(
    "result, sentence",
    [
        (Change("w", None, Verdict.FLOWS), "w is in the second audit only: flows"),
        (Change("w", Verdict.FLOWS, Verdict.NONE), "w was flows and is none"),
        (Reach((), {}), "no gradient gets there"),
        (Reach(tuple("abcdef"), {}), "a gradient reaches a, b, c, d and 2 more"),
        (Stop("s", Role.DEAD, False, ()), "stop-gradient s is dead: does not feed the loss"),
        (Stop("s", Role.DEAD, False, (), where="m.py:3"), "stop-gradient s, m.py:3, is dead: does not feed the loss"),
        (
            Stop("s", Role.CUTS, False, ("w",)),
            "stop-gradient s cuts off w; without it, another barrier stops the gradient",
        ),
        (
            Disagreement("w", Verdict.NONE, "not checked", "no copy"),
            "w was judged none; TensorFlow could not be asked: no copy",
        ),
        (variable("w"), "w [3, 2] gets a gradient (flows)"),
        (variable("w", trainable=False), "w [3, 2] gets a gradient (flows); not trainable"),
        (
            variable("w", Verdict.NONE, unused=True),
            "w [3, 2] gets no gradient: TensorFlow answers None (none); it is unused: nothing leads from it to the loss",
        ),
        (
            variable("w", Verdict.NONE, cut=(cut("a"), cut("b", where="m.py:1")), cut_size=9),
            "w [3, 2] gets no gradient: TensorFlow answers None (none); cut by stop-gradient at a and by stop-gradient at b, "
            "m.py:1 and by 7 more",
        ),
        (variable("\x1b[31mw"), "\\x1b[31mw [3, 2] gets a gradient (flows)"),
    ],
)
def test_the_sentence(result, sentence):
    assert str(result) == sentence


def test_repr_has_the_fields():
    assert repr(Change("w", None, Verdict.FLOWS)).startswith("Change(name='w', before=None")


def test_what_an_audit_gives_is_readable(monkeypatch):
    from tests.repository.measure import ROOT

    monkeypatch.chdir(ROOT)
    audit = graphcut.audit("fixtures/documents/003.meta")
    assert str(audit["w1"]) == "w1 [2, 3] gets no gradient: TensorFlow answers None (none); cut by stop-gradient at hidden"
    assert str(audit.reaches("w2")) == "a gradient reaches w2: loss → output → w2/read → w2"


def test_an_edit_says_that_it_is_one_wherever_it_is_printed(monkeypatch):
    from tests.repository.measure import ROOT

    monkeypatch.chdir(ROOT)
    opened = graphcut.audit("fixtures/documents/003.meta").what_if(remove="hidden")
    both = opened.what_if(stop="output")
    assert "hypothetical: without hidden" in str(opened) and "hypothetical" in repr(opened)
    assert opened.explain("w1").startswith("This is hypothetical, without hidden:\n")
    assert opened.to_dict()["hypothesis"] == "without hidden"
    assert both.hypothesis == "without hidden; with output:0 stopped"
