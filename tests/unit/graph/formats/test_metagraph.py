"""What a file shows of the gradients of its functions: nothing if they are Python functions."""

from __future__ import annotations

import pytest

import graphcut
from tests.unit.graph.text import message

CALL = """
    def cut(a) -> y:output:0:
        y = StopGradient(a)
    w = Placeholder()
    loss = cut(w)
"""
CALLED_WITHIN = """
    def cut(a) -> y:output:0:
        y = StopGradient(a)
    def outer(a) -> y:out0:0:
        y = cut(a)
    w = Placeholder()
    loss = PartitionedCall[f=outer](w)
"""
CALLED_BY_TYPE = """
    def cut(a) -> y:output:0:
        y = StopGradient(a)
    w = Placeholder()
    loss = PartitionedCall[f=cut](w)
"""
SYMBOLIC = "    back = SymbolicGradient[f=cut, Tin=1,1, Tout=1](w, loss)\n"


def audit(text, tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(message(text).SerializeToString())
    return graphcut.audit(str(path), loss="loss", variables=["w"], oracle="2.21")


@pytest.mark.parametrize("text", [CALL, CALLED_WITHIN], ids=["graph", "function"])
def test_an_op_of_a_functions_own_type_may_have_a_gradient_in_python(text, tmp_path):
    found = audit(text, tmp_path)
    assert (found["w"].verdict.value, [each.type for each in found.assumptions]) == ("flows", ["cut"])


def test_symbolic_gradient_shows_that_there_is_none_in_python(tmp_path):
    found = audit(CALL + SYMBOLIC, tmp_path)
    assert (found["w"].verdict.value, found.assumptions) == ("zero", ())


def test_a_partitioned_call_has_the_gradient_of_its_body(tmp_path):
    found = audit(CALLED_BY_TYPE, tmp_path)
    assert (found["w"].verdict.value, found.assumptions) == ("none", ())
