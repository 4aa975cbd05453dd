"""The options of a picture select the part that is drawn."""

from __future__ import annotations

import pytest

from graphcut.errors import GraphcutError
from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Line, Role
from graphcut.render.picture.view import picture_options
from graphcut.render.picture.writers.dot import to_dot
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside, through


def boxes(audit, **asked):
    return [box for _, box in picture(audit, picture_options(**asked)).nodes(data="box")]


def ops(audit, **asked):
    return {op for box in boxes(audit, **asked) for op in box.ops}


def test_variables_fold_every_op_between_them_and_the_loss():
    folded = [(len(box.ops), box.live) for box in boxes(beside(6, 3), detail="variables") if box.role is Role.OP]
    assert folded == [(14, True), (2, False), (2, False)]


def test_scopes_hold_what_is_of_one_side():
    titles = [(box.scope[0], box.title) for box in boxes(beside(6, 3), detail="scopes") if box.role is Role.OP]
    assert titles[:4] == [
        ("block_0", "MatMul, Relu, AddV2"),
        ("block_1", "MatMul, Relu, AddV2"),
        ("block_2", "MatMul, Relu"),
        ("block_2", "add"),
    ]


def test_ops_stand_alone_as_long_as_they_fit():
    singles = [box for box in boxes(beside(30, 30), detail="ops") if box.role is Role.OP]
    assert len(singles) > 60 and {len(box.ops) for box in singles} == {1}


def test_what_is_expanded_is_not_folded():
    assert not any(box.title == "MatMul" for box in boxes(through(90, 20)))
    opened = [box for box in boxes(through(90, 20), expand="block_7/*") if len(box.ops) == 1 and "block_7/" in box.ops[0]]
    assert sorted(box.ops[0] for box in opened) == ["block_7/MatMul", "block_7/Relu"]


def test_more_than_can_be_drawn_is_not_expanded():
    with pytest.raises(GraphcutError, match="at most 110 can be drawn"):
        boxes(through(90, 20), expand="*")


def test_around_an_op_is_what_is_near():
    assert ops(EVERY_VERDICT, around="vq/add", hops=1) >= {"vq/add", "enc/MatMul", "vq/StopGradient"}
    assert not ops(EVERY_VERDICT, around="vq/add", hops=1) & {"loss", "table", "odd"}


def test_no_hop_is_the_op_alone():
    assert ops(EVERY_VERDICT, around="vq/add:0", hops=0) == {"vq/add"}


def test_the_path_of_one_variable_alone():
    assert ops(STOPPED, of="w2") == {"w2", "w2/read", "MatMul_1", "loss"}


def test_the_cut_of_one_variable_alone():
    drawn = picture(STOPPED, picture_options(of="w1"))
    assert [line for *_, line in drawn.edges(keys=True)].count(Line.CUT) == 1
    assert not any(line is Line.LIVE for *_, line in drawn.edges(keys=True)) and "w2" not in ops(STOPPED, of="w1")


@pytest.mark.parametrize("asked", [{"expand": "Matmul"}, {"around": "hiden"}, {"of": "unsed"}])
def test_a_name_that_is_not_there_has_near_ones(asked):
    with pytest.raises(GraphcutError, match="did you mean"):
        boxes(STOPPED, **asked)


@pytest.mark.parametrize("asked", [{"detail": "all"}, {"hops": -1}])
def test_a_wish_that_cannot_be_is_refused(asked):
    with pytest.raises(GraphcutError):
        boxes(STOPPED, **asked)


def test_the_text_takes_the_same():
    assert to_dot(STOPPED, picture_options(of="w1")) != to_dot(STOPPED)
