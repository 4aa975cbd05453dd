"""The inputs and the variables that no gradient was asked for, beside what a gradient passes."""

from __future__ import annotations

import dataclasses

import pytest

from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Line, Role
from graphcut.render.picture.view import AT_MOST, PictureOptions
from graphcut.results import LeftOut, LeftOutReason
from tests.unit.render.picture.audits import STOPPED
from tests.unit.render.text.fakes import FakeAudit, dag, variable

BEHIND_A_BACKBONE = FakeAudit(
    graph=dag("""
        pixels = Placeholder
        labels = Placeholder
        backbone/kernel = VarHandleOp -> resource
        backbone/Read = ReadVariableOp backbone/kernel
        backbone/MatMul = MatMul pixels backbone/Read
        backbone/Relu = Relu backbone/MatMul
        forgotten = VarHandleOp -> resource
        forgotten/Read = ReadVariableOp forgotten
        w = VarHandleOp -> resource
        w/Read = ReadVariableOp w
        scores = MatMul backbone/Relu w/Read
        sum = AddV2 scores forgotten/Read
        other = Placeholder
        size = Shape other -> int32
        Reshape = Reshape sum size
        loss = Sub Reshape labels
    """),
    variables=(variable("w", path=("loss", "Reshape", "sum", "scores", "w/Read", "w")),),
    carrying=frozenset(["loss", "Reshape", "sum", "scores", "w/Read", "w"]),
    left_out=(
        LeftOut("backbone/kernel", trainable=False, reason=LeftOutReason.FROZEN),
        LeftOut("forgotten", trainable=True, reason=LeftOutReason.FORGOTTEN),
    ),
)


@pytest.fixture(scope="module")
def drawn():
    return picture(BEHIND_A_BACKBONE)


def readers(drawn, title):
    (node,) = [each for each, box in drawn.nodes(data="box") if box.title == title]
    assert all(line is Line.DATA for _, _, line in drawn.in_edges(node, keys=True))
    return {op for reader in drawn.predecessors(node) for op in drawn.nodes[reader]["box"].ops}


def test_an_input_is_below_what_reads_it(drawn):
    assert readers(drawn, "labels") == {"loss"}


def test_an_input_behind_ops_that_are_not_drawn_is_below_what_reads_these(drawn):
    assert readers(drawn, "pixels") == {"scores"}


def test_an_input_whose_shape_alone_is_read_is_not_drawn(drawn):
    assert "other" not in {box.title for _, box in drawn.nodes(data="box")}


def test_frozen_and_forgotten_variables_are_drawn_and_told_apart(drawn):
    found = {box.title: box.lines for _, box in drawn.nodes(data="box") if box.role is Role.LEFT_OUT}
    assert found == {
        "backbone/kernel": ("frozen, not asked for",),
        "forgotten": ("trainable, but not asked for",),
    }
    assert readers(drawn, "backbone/kernel") == {"scores"} and readers(drawn, "forgotten") == {"sum"}


@pytest.mark.parametrize("options", [{"of": ("w2",)}, {"around": ("MatMul",)}])
def test_what_is_asked_for_is_drawn_alone(options):
    roles = [box.role for _, box in picture(STOPPED, PictureOptions(**options)).nodes(data="box")]
    assert Role.INPUT not in roles


def test_many_inputs_share_a_box():
    lines = ["w = VariableV2", *(f"x{at} = Placeholder" for at in range(9)), "Mul0 = Mul w x0"]
    lines += [f"Mul{at} = Mul Mul{at - 1} x{at}" for at in range(1, 9)]
    live = {"loss", "w", *(f"Mul{at}" for at in range(9))}
    graph = dag("\n".join([*lines, "loss = Mean Mul8"]))
    audit = FakeAudit(graph=graph, variables=(variable("w"),), carrying=frozenset(live))
    (box,) = [each for _, each in picture(audit, PictureOptions(detail="ops")).nodes(data="box") if each.role is Role.INPUT]
    assert (box.title, box.lines) == ("x0, x1, x2 and 6 more", ("9 inputs",))


def test_no_picture_has_more_boxes_for_its_inputs():
    lines = ["w = VariableV2", "x = Placeholder", "Mul0 = Mul w x"]
    lines += [f"Mul{at} = Mul Mul{at - 1} Mul{at - 1}" for at in range(1, AT_MOST - 2)]
    last = f"Mul{AT_MOST - 3}"
    live = frozenset({"loss", "w", *(f"Mul{at}" for at in range(AT_MOST - 2))})
    audit = FakeAudit(graph=dag("\n".join([*lines, f"loss = Mean {last}"])), variables=(variable("w"),), carrying=live)
    assert len(picture(audit, PictureOptions(detail="ops"))) == AT_MOST


def test_an_input_tells_its_dtype_and_shape():
    audit = dataclasses.replace(STOPPED, shape=(8, None))
    (box,) = [each for _, each in picture(audit).nodes(data="box") if each.role is Role.INPUT]
    assert box.lines == ("input, float32[8, ?]",)


def test_the_argument_of_a_branch_is_what_the_branch_reads():
    graph = dag("""
        x = Placeholder
        w = VariableV2
        cond!then!arg = _Arg x
        cond!then!mul = Mul w cond!then!arg
        loss = Mul cond!then!mul x
    """)
    live = frozenset({"loss", "cond!then!mul", "w"})
    drawn = picture(FakeAudit(graph=graph, variables=(variable("w"),), carrying=live), PictureOptions(detail="ops"))
    assert [box.title for _, box in drawn.nodes(data="box") if box.role is Role.INPUT] == ["x"]
    assert readers(drawn, "x") == {"loss", "cond!then!mul"}
