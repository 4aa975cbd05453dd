"""C: ops that pass no gradient on."""

from __future__ import annotations

import pytest

from fixtures.scenarios import operations
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.scenarios.judge import said

FIRST_NAMED = [
    (operations.floor, "Floor"),
    (operations.argmax, "ArgMax"),
    (operations.rounding, "Round"),
    (operations.comparison, "Greater"),
]
FIXED = [operations.floor_fixed, operations.argmax_fixed, operations.comparison_fixed]


@pytest.mark.parametrize("fixture, op_type", FIRST_NAMED)
def test_c1_to_c4_the_weights_get_none(fixture, op_type):
    assert said(fixture).verdict("w") is Verdict.NONE


@pytest.mark.parametrize("fixture, op_type", FIRST_NAMED)
def test_c1_to_c4_the_op_that_cuts_is_named_first(fixture, op_type):
    assert said(fixture).first("w").type == op_type


@pytest.mark.parametrize("fixture", [operations.floor, operations.rounding, operations.comparison])
def test_c1_c3_c4_it_is_not_differentiable(fixture):
    assert said(fixture).first("w").kind is BarrierKind.NOT_DIFFERENTIABLE


@pytest.mark.parametrize("fixture, op_type", FIRST_NAMED)
def test_c1_to_c4_nobody_meant_it(fixture, op_type):
    assert not said(fixture).first("w").deliberate


@pytest.mark.parametrize("fixture", FIXED)
def test_c1_to_c4_the_fixed_twin_learns(fixture):
    assert said(fixture).verdict("w") is Verdict.FLOWS


@pytest.mark.parametrize("name", ["w", "bias"])
def test_c5_an_integer_loss_trains_nothing(name):
    assert said(operations.counted).verdict(name) is Verdict.NONE


def test_c5_the_dtype_of_the_loss_is_said_once():
    lines = [line for line in str(said(operations.counted).audit).splitlines() if "int64" in line]
    assert len(lines) == 1


def test_c6_the_gathered_weights_learn():
    assert said(operations.gathered).verdict("w") is Verdict.FLOWS


def test_c6_the_index_is_no_alarm():
    assert said(operations.gathered)["w"].cut == ()


def test_c7_what_feeds_a_numpy_function_gets_none():
    outer = said(operations.numpy_function)["outer"]
    assert (outer.verdict, outer.cut[0].kind) == (Verdict.NONE, BarrierKind.PYTHON)


def test_c7_what_feeds_a_py_function_learns():
    assert said(operations.py_function).verdict("outer") is Verdict.FLOWS


@pytest.mark.parametrize("fixture", [operations.numpy_function, operations.py_function])
def test_c7_what_only_the_python_body_uses_gets_none(fixture):
    inner = said(fixture)["inner"]
    assert (inner.verdict, inner.cut[0].kind, inner.unused) == (Verdict.NONE, BarrierKind.PYTHON, False)


def test_c7_in_the_graph_both_learn():
    fixed = said(operations.host_fixed)
    assert {fixed.verdict("outer"), fixed.verdict("inner")} == {Verdict.FLOWS}


def test_c8_an_op_without_a_gradient_raises():
    assert said(operations.unregistered).verdict("pixels") is Verdict.RAISES


def test_c8_its_type_is_named():
    cut = said(operations.unregistered).first("pixels")
    assert (cut.type, cut.kind) == ("AdjustHue", BarrierKind.NO_GRADIENT)


def test_c8_the_type_is_in_what_is_printed():
    assert "AdjustHue" in str(said(operations.unregistered).audit)


def test_c8_the_fixed_twin_learns():
    assert said(operations.unregistered_fixed).verdict("pixels") is Verdict.FLOWS


@pytest.mark.parametrize("fixture", [operations.floor, operations.unregistered, operations.numpy_function])
def test_c_nothing_was_assumed(fixture):
    assert said(fixture).audit.assumptions == ()
