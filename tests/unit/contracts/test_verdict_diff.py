"""The difference between two sets of verdicts."""

from __future__ import annotations

import pytest

from graphcut.contracts.snapshot import lock_text
from graphcut.contracts.verdict_diff import AuditedVerdicts, VariableVerdict, compare_verdicts, match_variables
from graphcut.errors import GraphcutError

FLOWS, STOPPED = VariableVerdict("flows", shape="[3]"), VariableVerdict("none", "stop", "stop-gradient", "[3]")


def side(**variables):
    return {"model.py:loss": AuditedVerdicts({"loss": variables})}


def test_a_gradient_is_gained_or_lost_through_an_op():
    (gained,) = compare_verdicts(side(w=STOPPED), side(w=FLOWS))
    (lost,) = compare_verdicts(side(w=FLOWS), side(w=STOPPED))
    assert (gained.direction, gained.op) == ("gained", "stop") and (lost.direction, lost.op) == ("lost", "stop")
    assert str(gained) == "gained  w: none → flows, was cut by stop"


def test_equal_verdicts_are_no_change():
    assert compare_verdicts(side(w=STOPPED, v=FLOWS), side(w=STOPPED, v=FLOWS)) == ()


def test_a_variable_of_one_side_is_new_or_gone():
    assert [(each.variable, each.direction) for each in compare_verdicts(side(a=FLOWS), side(b=STOPPED))] == [
        ("a", "gone"),
        ("b", "new"),
    ]


def test_keras_numbers_are_overlooked_where_the_shapes_agree():
    old = {"dense/kernel": FLOWS, "dense_1/kernel": STOPPED}
    new = {"dense_2/kernel": FLOWS, "dense_3/kernel": STOPPED}
    assert match_variables(old, new) == [("dense/kernel", "dense_2/kernel"), ("dense_1/kernel", "dense_3/kernel")]
    assert compare_verdicts({"s": AuditedVerdicts({"loss": old})}, {"s": AuditedVerdicts({"loss": new})}) == ()


def test_numbers_that_overlap_are_no_names_where_the_structure_is_the_same():
    old = {"dense/kernel": FLOWS, "dense_1/kernel": STOPPED}
    new = {"dense_1/kernel": FLOWS, "dense_2/kernel": STOPPED}
    assert match_variables(old, new) == [("dense/kernel", "dense_1/kernel"), ("dense_1/kernel", "dense_2/kernel")]


def test_numbers_of_two_digits_come_last():
    old = dict.fromkeys(("d_10/w", "d_9/w"), FLOWS)
    assert match_variables(old, dict.fromkeys(("d_11/w", "d_12/w"), FLOWS)) == [("d_10/w", "d_12/w"), ("d_9/w", "d_11/w")]


def test_another_shape_is_another_variable():
    new = {"dense_2/kernel": VariableVerdict("flows", shape="[4]")}
    assert match_variables({"dense/kernel": FLOWS}, new) == [("dense/kernel", None), (None, "dense_2/kernel")]


def test_a_lock_file_can_be_read_back():
    verdicts = side(w=STOPPED, v=FLOWS)["model.py:loss"]
    assert AuditedVerdicts.from_dict(verdicts.to_dict()) == verdicts
    assert lock_text({"b": verdicts, "a": verdicts}).index('"a"') < lock_text({"b": verdicts, "a": verdicts}).index('"b"')


def test_a_damaged_lock_file_is_an_error():
    with pytest.raises(GraphcutError, match="damaged"):
        AuditedVerdicts.from_dict({"loss": {"w": {"verdikt": "none"}}})
