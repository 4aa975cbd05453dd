"""Results as they are printed, and as a notebook shows them."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from graphcut import audit
from graphcut.results import Suggestion
from graphcut.results.result_display import Lines, Results, Suggestions
from tests.repository.measure import ROOT


class Printer:
    """IPython's printer, as far as it is used."""

    def __init__(self):
        self.said = ""

    def text(self, text):
        self.said += text


def displayed(result):
    printer = Printer()
    result._repr_pretty_(printer, False)
    return printer.said


@pytest.fixture(scope="module")
def stopped():
    return audit(ROOT / "fixtures" / "documents" / "003.meta")


def test_a_program_sees_a_tuple():
    found = Results(["a", "b"], "none")
    assert found == ("a", "b") and isinstance(found, tuple) and repr(found) == "('a', 'b')"
    assert json.dumps(found) == '["a", "b"]'
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert copied == found and copied.nothing == "none"


def test_results_of_several_lines_have_a_blank_line_between_them():
    assert str(Results(["a", "b"])) == "a\nb" and str(Results(["a\nb", "c"])) == "a\nb\n\nc"


def test_alternatives_are_told_apart():
    each = [Suggestion("a:0", "a", None, prose="stop a"), Suggestion("b:0", "b", None, prose="stop b", alternative=1)]
    assert str(Suggestions(each)) == "alternative 1 of 2:\nstop a\n\nalternative 2 of 2:\nstop b"
    assert str(Suggestions(each[:1])) == "stop a"


def test_changes_that_are_needed_together_are_said_to_be():
    stop_a = Suggestion("a:0", "a", None, prose="stop a")
    assert str(Suggestions([stop_a, stop_a])) == "both of these changes are needed:\nstop a\nstop a"
    edit = Suggestion("a:0", "a", None, diff="- a\n+ b", confirmed=True)
    served = Suggestion("b:0", "b", None, prose="the edit above serves this barrier, too", confirmed=True)
    assert str(Suggestions([edit, served])).startswith("- a")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda each: each.stops, "stop-gradient hidden"),
        (lambda each: each.assumptions, "nothing is assumed"),
        (lambda each: each.disagreements, "TensorFlow answers as audited"),
        (lambda each: each.left_out, "no variable that the loss reads was left out"),
        (lambda each: each.compare(each), "no verdict differs"),
        (lambda each: each.compare(each.what_if(remove="hidden")), "w1 was none and is flows"),
        (lambda each: each.suggest_unblock("w1"), "stop-gradient at hidden: "),
        (lambda each: each.suggest_unblock("w2"), "w2 gets a gradient; nothing blocks it"),
        (lambda each: each.suggest_stops(block="w1"), "w1 gets no gradient; there is nothing to stop"),
        (lambda each: each.suggest_stops(block="w2"), "alternative 1 of 2:\nput tf.stop_gradient around"),
        (lambda each: each.select("w*"), "w1 [2, 3]"),
        (lambda each: each.select("v*"), "no variable matches"),
        (lambda each: each.explain("w1"), "w1 [2, 3] gets no gradient"),
        (lambda each: each.summary(), "loss: loss:0"),
    ],
)
def test_every_result_of_an_audit_is_shown_as_text(stopped, ask, words):
    found = ask(stopped)
    assert str(found).startswith(words) and displayed(found) == str(found)
    assert isinstance(found, (tuple, str))


def test_a_text_is_a_string():
    assert Lines("a\nb") == "a\nb" and json.dumps(Lines("a")) == '"a"' and displayed(Lines("a\nb")) == "a\nb"
