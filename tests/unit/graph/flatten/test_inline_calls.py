"""Calls expanded in place: names, copies, arguments, results, loops; and the DAG, which is acyclic."""

from __future__ import annotations

import networkx as nx
import pytest

from graphcut.errors import GraphcutError
from graphcut.graph.names import Names
from graphcut.graph.to_networkx import to_networkx
from tests.unit.graph.text import graph

TWICE = """
    def double(a) -> y:z:0:
        y = Mul(a, a)
    x = Placeholder()
    one = PartitionedCall[f=double](x)
    two = PartitionedCall[f=double](one)
"""
LOOP = """
    def more(i) -> c:z:0/10:
        c = Less(i, i)
    def step(i) -> n:z:0:
        n = Mul(i, i)
    x = Placeholder()
    loop = While[cond=more, body=step](x)
    y = Neg(loop)
"""


def dag(text):
    flat = graph(text)
    return to_networkx(flat, [(None,) * len(flat.outputs(op)) for op in range(len(flat.names))], {})


def test_each_call_has_its_own_copy():
    assert {"one!y", "two!y"} <= set(graph(TWICE).names)


@pytest.mark.parametrize("other", ["one!y#%d" % index for index in range(6, 11)])
def test_names_stay_unique_where_a_file_uses_the_separators(other):
    """TensorFlow forbids them in names, but a file may hold them."""
    flat = graph(TWICE + "    one!y = Neg(x)\n    %s = Neg(x)\n" % other)
    assert len(set(flat.names)) == len(flat.names) and {"one!y", other} < set(flat.names)


def test_a_name_of_a_body_means_all_its_copies():
    flat = graph(TWICE)
    assert [flat.names[op] for op in Names(flat).ops("y")] == ["one!y", "two!y"]


def test_a_call_reads_what_the_call_before_it_returns():
    assert dag(TWICE).nodes["two!a"]["inputs"] == ("one!result#0:0",)


def test_the_result_of_a_call_is_found_by_its_tensor_name():
    flat = graph(TWICE)
    assert flat.tensor_name(Names(flat).tensors("one:0")[0]) == "one!result#0:0"


def test_a_body_knows_its_function():
    assert dag(TWICE).nodes["one!y"]["function"] == "double"


def test_a_loop_is_a_dag_with_the_loop_carried_edge_beside_it():
    found = dag(LOOP)
    assert nx.is_directed_acyclic_graph(found)
    assert found.graph["loop_edges"] == (("loop!body!n", "loop!variable#0"),)


def test_a_v1_loop_is_a_dag():
    found = dag("""
        x = Placeholder()
        enter = Enter(x)
        merge = Merge[N=2](enter, next)
        small = Less(merge, merge)
        go = LoopCond(small)
        switch = Switch(merge, go)
        step = Neg(switch:1)
        next = NextIteration(step)
        exit = Exit(switch)
    """)
    assert nx.is_directed_acyclic_graph(found)
    assert found.graph["loop_edges"] == (("next", "merge"),)


def test_unrelated_results_do_not_leak():
    found = dag("""
        def pair(a, b) -> p:y:0, q:y:0:
            p = Neg(a)
            q = Neg(b)
        x = Placeholder()
        w = Placeholder()
        call = PartitionedCall[f=pair, Tout=1,1](x, w)
        left = Neg(call)
        right = Neg(call:1)
    """)
    assert nx.has_path(found, "x", "left") and not nx.has_path(found, "x", "right")


@pytest.mark.parametrize(
    "line, said",
    [
        ("y = Neg(z)", "no such op"),
        ("y = Neg(x:3)", "no such output"),
        ("x = Neg(x)", "two ops named 'x'"),
        ("y = PartitionedCall[f=gone](x)", "not in the graph's library"),
    ],
)
def test_a_broken_graph_is_told(line, said):
    with pytest.raises(GraphcutError, match=said):
        graph("x = Placeholder()\n" + line)


def test_recursion_is_told():
    with pytest.raises(GraphcutError, match="calls itself"):
        graph("""
            def f(a) -> y:output:0:
                y = PartitionedCall[f=f](a)
            x = Placeholder()
            y = PartitionedCall[f=f](x)
        """)


def test_what_would_open_to_a_billion_ops_is_told():
    level = """
def f%d(a) -> q:output:0:
    p = PartitionedCall[f=f%d](a)
    q = PartitionedCall[f=f%d](p:output:0)"""
    levels = "".join(level % (number, number + 1, number + 1) for number in range(30))
    last = "\ndef f30(a) -> a:\n    n = Neg(a)\nx = Placeholder()\ny = PartitionedCall[f=f0](x)"
    with pytest.raises(GraphcutError, match="would make [0-9]{10,} ops"):
        graph(levels + last)
