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


def frozen(layer):
    return LeftOut(f"{layer}/w", False, LeftOutReason.FROZEN, shape=(2, 3))


def test_a_layer_that_was_not_asked_for_has_its_size():
    (row,) = rows(left_out=(frozen("backbone"),))
    assert row.split()[:3] == ["backbone", "1", "6"]


def test_many_frozen_layers_share_a_row():
    found = rows(left_out=[*(frozen(f"block_{at}") for at in range(20)), LeftOut("head/w", True, LeftOutReason.FORGOTTEN)])
    assert [row.split()[0] for row in found] == [*(f"block_{at}" for at in range(7)), "head", "13"]
    assert found[-1].split() == ["13", "more", "layers", "13", "78", "13", "not", "asked", "for", "(frozen)"]


def test_a_long_reason_is_given_once():
    one = cut("enc/Round", where="a_long_path/to_the/model.py:31")
    first, second = rows(*(variable(f"{layer}/w", Verdict.NONE, cut=(one, STOPPED)) for layer in ("enc", "dec")))
    assert "to_the/model.py:31; stop-gradient at" in first and second.endswith("none (as enc)")


def test_barriers_that_have_no_room_are_counted():
    cuts = tuple(cut(f"stop_{at}/StopGradient", where=f"model.py:{at}") for at in range(4))
    (row,) = rows(variable("enc/w", Verdict.NONE, cut=cuts))
    assert row.endswith("model.py:1; 2 more)")


def test_the_counts_stand_below():
    last = layer_summary(FakeAudit(variables=(variable("a/w"), variable("b/w", Verdict.NONE, unused=True)))).splitlines()[-1]
    assert last == "2 variables (12 params): 1 gets a gradient, 1 does not: 1 unused"
