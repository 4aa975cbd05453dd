"""Names, types and attributes show that a graph was optimized or frozen."""

from __future__ import annotations

import pytest

from graphcut.graph.rewrites import FROZEN, OPTIMIZED, signs
from tests.unit.graph.text import graph


def told(text):
    """Return what was done to a graph, and the op that shows it."""
    flat = graph(text)
    return {sign.done: flat.names[sign.op] for sign in signs(flat)}


@pytest.mark.parametrize(
    "line",
    [
        "h = _FusedMatMul(x)",
        "h = _MklNativeFusedConv2D(x)",
        "h = Mul[_grappler_relax=1](x)",
        "ConstantFolding/h = Const()",
        "a/ConstantFoldingCtrl/h = Const()",
        "h-0-0-TransposeNHWCToNCHW-LayoutOptimizer = Mul(x)",
        "ArithmeticOptimizer/h = Mul(x)",
        "h-0-CastToFp16-0-AutoMixedPrecision = Cast(x)",
        "Func/f/input/_1 = Identity(x)",
    ],
)
def test_what_optimizers_leave_tells(line):
    assert told("x = Placeholder()\n" + line) == {OPTIMIZED: line.partition(" ")[0]}


@pytest.mark.parametrize(
    "lines, name",
    [
        ("w = Const()\nw/read = Identity(w)", "w/read"),
        ("layer/MatMul/ReadVariableOp = Const()", "layer/MatMul/ReadVariableOp"),
        ("w = Const()\nMatMul/ReadVariableOp_1 = Identity(w)", "MatMul/ReadVariableOp_1"),
        ("MatMul/ReadVariableOp/resource = Const()", "MatMul/ReadVariableOp/resource"),
    ],
)
def test_constants_where_variables_were_tell(lines, name):
    assert told(lines) == {FROZEN: name}


def test_a_graph_that_was_built_tells_nothing():
    text = """
        w = VariableV2()
        w/read = Identity(w)
        v = VarHandleOp()
        MatMul/ReadVariableOp = ReadVariableOp(v)
        Const = Const()
        keep/read = Identity(Const)
        train/AdamOptimizer/beta = Const()
        guarded = Mul[_grappler_do_not_remove=1](w)
        Func/x = Identity(w)
    """
    assert told(text) == {}
