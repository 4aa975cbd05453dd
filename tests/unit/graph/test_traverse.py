from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcut.errors import GraphcutError
from graphcut.graph.traverse import (
    find_predecessors,
    find_reachable,
    find_readers,
    settle_costs,
    topological_order,
    walk_depth_first,
)
from tests.unit.graph.text import graph
from tests.unit.render.text.fakes import dag, flat_of

PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


def made(pairs):
    of = nx.DiGraph(pairs)
    of.add_nodes_from(range(8))
    return of


@given(PAIRS)
def test_the_searches_find_what_networkx_finds(pairs):
    of = made(pairs)
    reachable = {0, *nx.descendants(of, 0)}
    assert find_reachable([0], of.__getitem__) == set(walk_depth_first([0], of.__getitem__)) == reachable


@given(PAIRS)
def test_a_predecessor_is_one_step_nearer(pairs):
    of = made(pairs)
    lengths, before = nx.single_source_shortest_path_length(of, 0), find_predecessors([0], of.__getitem__)
    assert before.keys() == lengths.keys()
    assert all(lengths[each] == lengths[before[each]] + 1 for each in before if each != 0)


@given(PAIRS, st.lists(st.integers(0, 2), min_size=20, max_size=20))
def test_costs_are_dijkstra_s(pairs, steps):
    of = made(pairs)
    for (start, end), step in zip(of.edges, steps):
        of.edges[start, end]["step"] = step
    costs = {0: 0}
    settle_costs(costs, [0], lambda node: [(each, told["step"]) for each, told in of[node].items()])
    assert costs == nx.single_source_dijkstra_path_length(of, 0, weight="step")


def test_a_tensor_that_is_read_twice_has_its_reader_twice():
    flat = graph("""
        a = Const()
        b = Mul(a, a)
    """)
    assert find_readers(flat) == {flat.first_output[flat.names.index("a")]: [flat.names.index("b")] * 2}


def test_producers_come_before_consumers_whatever_the_order_in_the_file():
    flat = graph("""
        c = Mul(b, a)
        b = Neg(a)
        a = Const()
    """)
    assert [flat.names[op] for op in topological_order(flat)] == ["a", "b", "c"]


def test_a_circle_that_is_no_loop_is_refused_and_named():
    with pytest.raises(GraphcutError, match="2 ops feed each other in a cycle: 'b' <- 'c'|'c' <- 'b'"):
        topological_order(flat_of(dag("""
            b = Neg c
            c = Neg b
        """)))  # fmt: skip
