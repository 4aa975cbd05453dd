"""Ops with very many inputs or outputs: a query with a few of them gives the answer for all."""

from __future__ import annotations

import pytest

from graphcut.analysis.rules import from_reply
from graphcut.analysis.rules.oracle import GradientQuery
from graphcut.backend.gradient_oracle import ask as asking
from graphcut.backend.gradient_oracle.narrow_lists import narrow_query
from graphcut.backend.gradient_oracle.single_op_graph import op_def
from graphcut.graph import op_outputs
from graphcut.graph.attrs import entry
from graphcut.graph.dtypes import DIFFERENTIABLE

MANY = 70


def listing_types():
    """Every op type of the installed TensorFlow with an argument whose length an attribute holds."""
    known = [(name, op_def(name)) for name in sorted(op_outputs._table())]
    args = {name: [*found.input_arg, *found.output_arg] for name, found in known if found is not None}
    listing = [name for name, each in args.items() if any(arg.number_attr for arg in each)]
    return [name for name in listing if not any(arg.type_list_attr for arg in args[name])]


def question(op_type):
    """The op with lists of ``MANY`` tensors, floats where the type lets it."""
    found = op_def(op_type)
    types = {attr.name: dtype(attr) for attr in found.attr if attr.type == "type"}
    counts = {attr.name: MANY for attr in found.attr if attr.type == "int" and not attr.default_value.WhichOneof("value")}
    attrs = [entry(name, type=value) for name, value in types.items()]
    attrs += [entry(name, i=value) for name, value in counts.items()]
    sides = [
        tuple(each for arg in args for each in [arg.type or types[arg.type_attr]] * counts.get(arg.number_attr, 1))
        for args in (found.input_arg, found.output_arg)
    ]
    return GradientQuery(op_type, tuple(sorted(attrs)), *sides)


def dtype(attr):
    allowed = list(attr.allowed_values.list.type)
    return 1 if not allowed or 1 in allowed else allowed[0]


def row(asked_for):
    return from_reply.row(asked_for, asking.ask(asked_for), DIFFERENTIABLE)


@pytest.mark.parametrize("op_type", listing_types())
def test_a_few_tensors_stand_for_all(op_type, monkeypatch):
    wide = question(op_type)
    few = row(wide)
    monkeypatch.setattr(asking, "narrow_query", lambda question, known: None)
    assert few == row(wide)


def test_only_a_few_are_asked_about():
    assert set(asking.ask(question("AddN")).inputs) == {0, 1, 2, 3}
    assert len(asking.ask(question("Split")).outputs) == MANY


def test_zeros_and_shapes_stand_for_their_own_sort():
    wide = question("AddN")._replace(zeros=(5, 60), shapes=((1,),) * 10 + ((2,),) * (MANY - 10))
    narrow = narrow_query(wide, op_def("AddN"))
    assert [narrow.inputs[place] for place in (0, 5, 9, 10, 60, 69)] == [0, 4, 3, 5, 9, 8]
    assert narrow.question.zeros == (4, 9) and len(narrow.question.inputs) == 10
