"""The summary of an audit by layer or scope."""

from __future__ import annotations

from graphcut.render.text.layer_summary import layer_summary
from graphcut.results import LeftOut, LeftOutReason, Verdict
from tests.unit.render.text.fakes import FakeAudit, cut, variable

STOPPED = cut("enc/StopGradient", where="model.py:31")


def rows(*variables, left_out=()):
    """The lines between the heading and the counts."""
    return layer_summary(FakeAudit(variables=variables, left_out=left_out)).split("\n\n")[1].splitlines()[1:]


def test_a_layer_is_one_row_in_the_order_of_the_graph():
    found = rows(variable("enc/kernel"), variable("dec/kernel"), variable("enc/bias"))
    assert [row.split()[:4] for row in found] == [["enc", "2", "12", "flows"], ["dec", "1", "6", "flows"]]


def test_a_variable_outside_of_scopes_is_a_row():
    assert [row.split()[0] for row in rows(variable("w1"), variable("w2"))] == ["w1", "w2"]


def test_what_cuts_a_layer_is_named_with_its_line():
    (row,) = rows(variable("enc/kernel", Verdict.NONE, cut=(STOPPED,)), variable("enc/bias", Verdict.NONE, cut=(STOPPED,)))
    assert row.endswith("none (stop-gradient at enc/StopGradient, model.py:31)")


def test_a_layer_of_several_outcomes_names_the_variables_of_each():
    (row,) = rows(variable("enc/kernel"), variable("enc/spare", Verdict.NONE, unused=True))
    assert row.endswith("kernel: flows; spare: none (unused)")


def test_a_layer_that_was_not_asked_for_has_its_reason():
    (row,) = rows(left_out=(LeftOut("backbone/w", False, LeftOutReason.FROZEN),))
    assert row.split(maxsplit=3) == ["backbone", "1", "?", "1 not asked for (frozen)"]


def test_an_unknown_size_makes_the_count_unknown():
    (row,) = rows(variable("enc/kernel", shape=(None, 3)))
    assert row.split()[2] == "?"


def test_the_counts_stand_below():
    last = layer_summary(FakeAudit(variables=(variable("a/w"), variable("b/w", Verdict.NONE, unused=True)))).splitlines()[-1]
    assert last == "2 variables (12 params): 1 gets a gradient, 1 does not: 1 unused"
