from __future__ import annotations

import networkx as nx
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
