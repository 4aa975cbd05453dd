"""The inputs that an op writes follow from its dtypes alone."""

from __future__ import annotations

import pytest

from graphcut.graph.dtypes import REF, RESOURCE
from graphcut.graph.writing_ops import Write, writes, written_inputs
from tests.unit.graph.text import graph

FLOAT, INT, STRING, VARIANT = 1, 3, 7, 21


@pytest.mark.parametrize(
    ("op_type", "inputs", "outputs", "expected"),
    [
        ("AssignAdd", (REF + FLOAT, FLOAT), (REF + FLOAT,), (0,)),
        ("NewSparseOptimizer", (RESOURCE, RESOURCE, FLOAT, INT), (), (0, 1)),
        ("QueueEnqueueV2", (RESOURCE, FLOAT), (), (0,)),
        ("QueueEnqueue", (REF + STRING, FLOAT), (), (0,)),
        ("ReadVariableOp", (RESOURCE,), (FLOAT,), ()),
        ("Identity", (REF + FLOAT,), (FLOAT,), ()),
        ("RefSwitch", (REF + FLOAT, 10), (REF + FLOAT, REF + FLOAT), ()),
        ("_Retval", (RESOURCE,), (), ()),
        ("DestroyResourceOp", (RESOURCE,), (), ()),
        ("NoOp", (), (), ()),
        ("Print", (VARIANT,), (), ()),
    ],
)
def test_the_inputs_that_an_op_writes(op_type, inputs, outputs, expected):
    assert written_inputs(op_type, inputs, outputs) == expected


def test_a_write_names_the_variable_behind_identities_and_leaves_its_first_value_out():
    flat = graph(
        """
        w = VarHandleOp()
        first = Const()
        w/Assign = AssignVariableOp(w, first)
        delta = Const()
        again = Identity[T=20](w)
        update = AssignSubVariableOp(again, delta)
        """
    )
    index = {name: op for op, name in enumerate(flat.names)}
    assert writes(flat) == (Write(index["update"], flat.first_output[index["w"]], (1,)),)


def test_a_branch_on_a_variable_having_a_value_gives_it_its_first():
    flat = graph(
        """
        w = VarHandleOp()
        has = VarIsInitializedOp(w)
        value = Const()
        init = If[Tcond=10, Tin=20,1, then_branch=nothing, else_branch=first](has, w, value)
        def nothing(handle:20, value) -> value:
            n = NoOp()
        def first(handle:20, value) -> value:
            set = AssignVariableOp(handle, value)
        """
    )
    assert "init!else!set" in flat.names and writes(flat) == ()
