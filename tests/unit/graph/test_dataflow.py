from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphcut.graph.dataflow import run_analysis
from graphcut.graph.traverse import find_reachable

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=14)


@given(PAIRS, st.permutations(range(6)))
def test_a_node_has_what_every_node_that_leads_to_it_has(pairs, order):
    after = {node: [end for start, end in pairs if start == node] for node in range(6)}
    values = run_analysis({node: 1 << node for node in range(6)}, order, after.__getitem__)
    for node in range(6):
        assert values[node] == sum(1 << other for other in range(6) if node in find_reachable([other], after.__getitem__))


def test_another_join_is_used():
    assert run_analysis({0: 5, 1: 9}, [0, 1], {0: [1], 1: []}.__getitem__, join=max) == {0: 5, 1: 9}
