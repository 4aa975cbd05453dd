from __future__ import annotations

from graphcut.graph.float_walks import consumers, reachable_ops, upstream
from tests.unit.graph.text import graph

FLAT = graph("""
    x = Const()
    i = ArgMax(x)
    y = Neg(x)
    z = Mul(y, x)
    aside = Neg(x)
""")


def ops(*names):
    return [FLAT.names.index(name) for name in names]


def names(found):
    return sorted(FLAT.names[op] for op in found)


def test_what_is_computed_from_an_op_is_found_downward():
    assert names(reachable_ops(FLAT, ops("y"))) == ["y", "z"]
    assert names(consumers(FLAT)[ops("x")[0]]) == ["aside", "i", "y", "z"]


def test_what_computes_a_tensor_is_found_upward_as_far_as_a_stop():
    z = FLAT.first_output[ops("z")[0]]
    assert names(upstream(FLAT, [z])) == ["x", "y", "z"]
    assert names(upstream(FLAT, [z], stop=frozenset(ops("y")))) == ["x", "z"]
