from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphcut.analysis.reasons.jump_pointers import END, Chains, Link


def line(length, fences=()):
    """A chain from node ``length - 1`` to node 0, the loss, with barriers above some nodes."""
    return Chains(lambda node: Link(node - 1 if node else END, node if node in fences else None), lambda node: True)


def test_a_short_chain_is_told_whole():
    (part,) = line(5).parts(4, 9)
    assert (part.near, part.left_out, part.far, part.fence) == ([4, 3, 2, 1, 0], 0, [], None)


def test_of_a_long_chain_both_ends_are_told_and_the_rest_is_counted():
    (part,) = line(1000).parts(999, 9)
    assert part.near == list(range(999, 989, -1)) and part.far == list(range(9, -1, -1)) and part.left_out == 980


@given(st.integers(1, 90), st.sets(st.integers(1, 89), max_size=6))
def test_a_chain_is_cut_at_each_of_its_barriers(length, fences):
    parts = line(length, fences).parts(length - 1, 99)
    assert [part.fence for part in parts if part.fence] == sorted((each for each in fences if each < length), reverse=True)
    assert sum(len(part.near) + part.left_out + len(part.far) for part in parts) == length


def test_beyond_the_limit_the_barrier_named_and_the_last_are_kept_and_the_rest_is_counted():
    parts = line(40, {10, 15, 20, 25, 35}).parts(39, 3, named=20)
    assert [(part.near[:1], part.left_out, part.far, part.fence) for part in parts] == [
        ([39], 0, [], 35),
        ([], 14, [20], 20),
        ([], 9, [10], 10),
        ([9], 0, [], None),
    ]


def test_a_chain_of_a_hundred_thousand_asks_for_each_link_a_few_times_at_most():
    asked = []
    chains = Chains(lambda node: asked.append(node) or Link(node - 1 if node else END), lambda node: True)
    for node in (99_999, 99_998, 50_000):
        chains.parts(node, 3)
    assert len(asked) < 100_020
