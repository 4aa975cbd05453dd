from __future__ import annotations

import pytest

from graphcut.errors import GraphcutError
from graphcut.graph.names import Names
from tests.unit.graph.text import graph

FLAT = graph("""
    x = Const()
    total = Neg(x)
    wait = NoOp(^x)
    def square(a) -> m:
      m = Mul(a, a)
    first = PartitionedCall[f=square](x)
    second = PartitionedCall[f=square](total)
""")
NAMES = Names(FLAT)


def names_of(ops):
    return [FLAT.names[op] for op in ops]


def test_an_op_of_a_body_stands_for_its_copies():
    assert names_of(NAMES.ops("m")) == ["first!m", "second!m"]
    assert NAMES.op("m") is None and names_of([NAMES.op("first!m")]) == ["first!m"]


def test_an_op_without_a_number_is_all_its_outputs():
    assert NAMES.tensors("total") == NAMES.tensors("total:0") != ()
    assert NAMES.tensors("nothing") == NAMES.tensors("total:7") == ()


@pytest.mark.parametrize(
    "name, said",
    [
        ("totl", "no op 'totl' in this graph; did you mean 'total'?"),
        ("total:7", "loss 'total:7': op 'total' has 1 output, and number 7 is not among them"),
        ("wait", "loss 'wait': that op has no outputs"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_is_near(name, said):
    with pytest.raises(GraphcutError) as error:
        NAMES.require(name, "loss")
    assert str(error.value) == said
