from __future__ import annotations

import pytest

from graphcut.render.text import advice
from graphcut.results import Barrier, BarrierKind


def barrier(kind, type="Op", library=False):
    return Barrier("op", type, 0, kind, kind.deliberate, library, None)


@pytest.mark.parametrize("kind", BarrierKind)
@pytest.mark.parametrize("made", ["float32", "bool", "int64", ""])
def test_every_barrier_has_advice_that_fits_on_a_line_of_a_picture(kind, made):
    assert 0 < len(advice.brief(barrier(kind), made)) <= 40


@pytest.mark.parametrize("type", advice.OWN)
def test_an_op_with_advice_of_its_own_has_it_in_a_picture_too(type):
    own = advice.brief(barrier(BarrierKind.NOT_DIFFERENTIABLE, type), "bool")
    assert own.startswith("instead: ") and own != advice.brief(barrier(BarrierKind.NOT_DIFFERENTIABLE), "bool")


def test_a_stop_of_a_library_is_not_called_deliberate():
    assert advice.brief(barrier(BarrierKind.STOP_GRADIENT, library=True), "float32") == "made by a library"


def test_how_often_a_loop_runs_has_no_soft_stand_in():
    condition, less = barrier(BarrierKind.INPUT, "LoopCond"), barrier(BarrierKind.NOT_DIFFERENTIABLE, "Less")
    assert advice.counts_runs([condition, less], {"op": "bool"}) and not advice.counts_runs([less], {"op": "bool"})
    rounding = barrier(BarrierKind.NOT_DIFFERENTIABLE, "Round")
    assert not advice.counts_runs([condition, rounding], {"op": "float32"})  # this one has advice of its own
    assert "softmax" not in advice.brief(condition, "bool")


def test_the_predicate_of_a_loop_s_switch_belongs_to_its_condition():
    condition = barrier(BarrierKind.INPUT, "LoopCond")
    assert advice.counts_runs([condition, barrier(BarrierKind.DTYPE, "Switch")], {"op": "float32"})
    assert not advice.counts_runs([condition, barrier(BarrierKind.DTYPE, "Gather")], {"op": "float32"})
