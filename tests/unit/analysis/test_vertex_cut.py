"""The smallest set of nodes on every path, compared with networkx's flow algorithms."""

from __future__ import annotations

import random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcut.analysis.vertex_cut import smallest

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] < pair[1]), max_size=16)


def made(pairs):
    of = nx.DiGraph(pairs)
    of.add_nodes_from(range(7))
    return of


@given(PAIRS)
def test_it_separates_and_is_as_small_as_networkx_s(pairs):
    of = made(pairs)
    cut = smallest({node: list(of[node]) for node in of}, {0}, {6}, {0, 6})
    if of.has_edge(0, 6):
        assert cut is None
    else:
        assert len(cut) == len(nx.minimum_node_cut(of, 0, 6))
        rest = of.subgraph(set(of) - cut)
        assert not nx.has_path(rest, 0, 6)


def test_of_several_the_one_nearest_the_ends_is_given():
    after = {0: [1], 1: [2], 2: [3], 3: []}
    assert smallest(after, {0}, {3}, {0, 3}) == {2}


def test_rigid_nodes_are_never_in_it():
    after = {0: [1], 1: [2], 2: [3], 3: []}
    assert smallest(after, {0}, {3}, {0, 2, 3}) == {1} and smallest(after, {0}, {3}, {0, 1, 2, 3}) is None


def drawn(seed):
    """A random graph with cycles, where paths start and end, and the nodes that cannot be cut."""
    draw = random.Random(seed)
    size = draw.randint(2, 40)
    after = {node: draw.sample(range(size), min(size, draw.randint(0, 4))) for node in range(size)}
    starts, ends = ({draw.randrange(size) for _ in range(draw.randint(1, 6))} for _ in range(2))
    return after, starts, ends, {node for node in after if draw.random() < draw.choice([0.0, 0.2, 0.5])}


def by_networkx(after, starts, ends, rigid):
    """The same by ``minimum_cut``, which takes the one nearest the sink of several smallest cuts."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["source", "sink"])
    for node, following in after.items():
        graph.add_edge((node, 0), (node, 1), **({} if node in rigid else {"capacity": 1}))
        graph.add_edges_from(((node, 1), (each, 0)) for each in following)
    graph.add_edges_from([("source", (node, 0)) for node in starts] + [((node, 1), "sink") for node in ends])
    try:
        _, (far, near) = nx.minimum_cut(graph, "source", "sink")
    except nx.NetworkXUnbounded:
        return None
    return {node for node in after if (node, 0) in far and (node, 1) in near}


@pytest.mark.parametrize("seed", range(300))
def test_it_is_the_one_that_networkx_finds(seed):
    asked = drawn(seed)
    assert smallest(*asked) == by_networkx(*asked)


def test_where_no_path_leads_nothing_is_cut():
    assert smallest({0: [], 1: []}, {0}, {1}, set()) == set()


def test_a_start_that_is_an_end_is_cut():
    assert smallest({0: []}, {0}, {0}, set()) == {0}


def test_of_two_that_serve_the_one_nearer_the_end_is_taken():
    assert smallest({0: [1], 1: [2], 2: []}, {0}, {2}, set()) == {2}


def test_a_path_of_nodes_that_cannot_be_cut_is_told():
    assert smallest({0: [1], 1: []}, {0}, {1}, {0, 1}) is None


def test_a_path_taken_too_soon_is_taken_back():
    """The first path found may run over nodes that two others need."""
    after = {0: [2, 3], 1: [2], 2: [4], 3: [5], 4: [], 5: []}
    assert len(smallest(after, {0, 1}, {4, 5}, set())) == 2


def test_thousands_of_paths_side_by_side_are_no_matter():
    width, depth = 1000, 20
    draw = random.Random(0)
    after = {
        step * width + place: [(step + 1) * width + (place + shift) % width for shift in (0, draw.randrange(7) - 3)]
        if step + 1 < depth
        else []
        for step in range(depth)
        for place in range(width)
    }
    ends = set(range((depth - 1) * width, depth * width))
    assert smallest(after, set(range(width)), ends, set()) == ends
