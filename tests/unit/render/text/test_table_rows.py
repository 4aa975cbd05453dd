"""Which variables share a row of the table."""

from __future__ import annotations

from dataclasses import replace

from graphcut.render.text.summary import summary_line
from graphcut.render.text.table_rows import every_row, rows
from graphcut.results import Barrier, BarrierKind, VariableAudit, Verdict


def cut_by(name, op, where="model.py:7"):
    barrier = Barrier(op, "Round", 0, BarrierKind.NOT_DIFFERENTIABLE, False, where=where)
    return VariableAudit(name, name + ":0", Verdict.NONE, True, "float32", (3,), (barrier,), cut_size=1)


def numbered(count):
    return [cut_by("w%d" % index, "Round" + ("_%d" % index if index else "")) for index in range(count)]


def test_barriers_that_differ_in_a_number_alone_share_a_row():
    (row,) = rows(numbered(9))
    assert (row.variable, row.reason, row.where) == (
        "w0..8 (9)",
        "not-differentiable at Round … Round_8 (9 Round ops)",
        "model.py:7",
    )


def test_two_like_barriers_are_told_apart():
    assert [row.reason for row in rows(numbered(2))] == [
        "not-differentiable at Round (Round)",
        "not-differentiable at Round_1 (Round)",
    ]


def test_barriers_of_several_lines_are_told_apart():
    lines = [cut_by("w%d" % index, "Round_%d" % index, "model.py:%d" % index) for index in range(1, 5)]
    assert len(rows(lines)) == 4


def test_what_is_updated_and_what_is_not_are_told_apart():
    audited = [replace(each, is_updated=index < 4) for index, each in enumerate(numbered(8))]
    assert len(rows(audited)) == 2


def test_values_that_left_tensorflow_at_one_line_are_one_barrier_however_many_constants_came_back():
    lines = ["a.py:1", "a.py:1", "a.py:2"]
    back = [Barrier("c%d" % at, "Const", 0, BarrierKind.PYTHON, False, where=line) for at, line in enumerate(lines)]
    blocked = VariableAudit("w", "w:0", Verdict.NONE, True, "float32", (3,), tuple(back), cut_size=3)
    (row,) = rows([blocked])
    assert row.reason == "python at c0 (Const), a.py:1; python at c2 (Const), a.py:2"
    assert summary_line([blocked]).endswith("1 cut by 2 Python calls")


def test_what_comes_through_one_term_alone_is_shown_with_the_line_of_that_term():
    flowing = replace(cut_by("w", "Round"), verdict=Verdict.FLOWS, cut=(), cut_size=0, only_through=("L2Loss",))
    (row,) = rows([flowing], {"L2Loss": "model.py:9"}.get)
    assert (row.reason, row.where) == ("comes only through the loss term L2Loss", "model.py:9")


def test_every_variable_can_have_a_row_of_its_own():
    assert [row.variable for row in every_row(numbered(9))] == ["w%d" % index for index in range(9)]


def test_a_scope_does_not_cover_a_variable_that_the_gradient_call_left_out():
    audited = [replace(each, name="m/head/" + each.name) for each in numbered(2)]
    flowing = [replace(each, verdict=Verdict.FLOWS, cut=(), cut_size=0) for each in audited]
    assert [row.variable for row in rows(flowing)] == ["m/* (2)"]
    assert [row.variable for row in rows(flowing, others=["m/base/kernel"])] == ["m/head/* (2)"]
