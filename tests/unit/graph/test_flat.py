"""The ops of some kinds are those that a search of all ops finds."""

from __future__ import annotations

from graphcut.graph.flat import ops_of_kinds
from graphcut.graph.flatten.inline_calls import flatten
from tests.robustness.making import graph, identity, variable
from tests.unit.graph.text import raw_graph

WRITTEN = graph(variable("v"), identity("a", "v"), variable("w"), identity("b", "w"), identity("c", "b"))
FLAT = flatten(raw_graph(WRITTEN))


def named(*types):
    """Return the names of the ops of these types."""
    kinds = [kind for kind, each in enumerate(FLAT.kind_table) if each.type in types]
    return [FLAT.names[op] for op in ops_of_kinds(FLAT, kinds)]


def test_the_ops_of_one_kind_are_in_the_graph_s_order():
    assert named("Identity") == ["a", "b", "c"]


def test_the_ops_of_several_kinds_are_in_the_graph_s_order():
    assert named("VariableV2", "Identity") == ["v", "a", "w", "b", "c"]


def test_no_kind_has_no_ops():
    assert named() == named("NoOp") == []
