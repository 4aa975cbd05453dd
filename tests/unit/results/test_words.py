from __future__ import annotations

import pytest

from graphcut.results import BarrierKind, Condition, Role, Verdict
from graphcut.results.words import ROLES, VERDICTS, because, branch, escape_name, place, shape_text
from tests.unit.render.text.fakes import cut


def test_every_verdict_and_role_has_words():
    assert VERDICTS.keys() == set(Verdict) and ROLES.keys() == set(Role)


def test_a_barrier_says_its_type_where_its_kind_does_not():
    assert place(cut("z/StopGradient")) == "stop-gradient at z/StopGradient"
    assert place(cut("gather", BarrierKind.INPUT, "GatherV2", input=1)) == "input 1 (indices) at gather (GatherV2)"


@pytest.mark.parametrize("kind", BarrierKind)
def test_every_barrier_says_why_nothing_passes(kind):
    assert because(cut("op", kind, "Op"), "").strip()


def test_a_cast_names_the_dtype_that_it_makes():
    barrier = cut("Cast", BarrierKind.NOT_DIFFERENTIABLE, "Cast")
    assert because(barrier, "int32") == "no gradient passes a cast to int32"


def test_branches_are_named_or_counted():
    assert branch(Condition("cond", "p:0", "then")) == "the then branch of cond (predicate p:0)"
    assert branch(Condition("case", "i:0", 2)) == "branch 2 of case (predicate i:0)"


def test_names_and_shapes_are_shown_safely():
    assert escape_name("a\x1b[31m") == r"a\x1b[31m" and shape_text((3, None)) == "[3, ?]"
