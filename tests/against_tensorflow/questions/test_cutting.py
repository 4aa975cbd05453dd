"""The smallest cut compared with every set of tensors."""

from __future__ import annotations

import itertools
import random

import networkx as nx
import pytest

from graphcut.analysis import graph_edits
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.oracle import TensorFlowBehavior
from graphcut.analysis.verdicts import compute_flow as judge
from graphcut.analysis.vertex_cut import Paths, Uncuttable, smallest_cut, smallest_cuts
from graphcut.api.suggest.stops import paths_to
from graphcut.results import Verdict
from tests.against_tensorflow.questions.graphs import ask, judged, random_graph

GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)


def tensor(flow, name):
    flat = flow.rules.flat
    return flat.first_output[list(flat.names).index(name)]


def cut(flow, block, keep):
    """The names of the smallest cut; ``None`` where there is none."""
    ends = [frozenset(tensor(flow, each) for each in names) for names in (block, keep)]
    try:
        return {flow.rules.flat.names[flow.rules.flat.producer[each]] for each in smallest_cut(paths_to(flow, *ends))}
    except Uncuttable:
        return None


def with_stops(flow, tensors):
    """The judgement of the graph with these tensors stopped."""
    flat, copies = graph_edits.insert_stops(flow.rules.flat, tensors, lambda each: None)
    rules = PatternLookup(flat, ask, TensorFlowBehavior(), lambda op: ())
    return judge(rules, [copies.get(each, each) for each in flow.losses], flow.stopped)


def carrying(flow):
    """The tensors by what carries from one to the next."""
    flat = flow.rules.flat
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(flat.dtypes)))
    for op in range(len(flat.names)):
        for index in flow.rules.row(op).carries[0]:
            graph.add_edge(flat.first_output[op], flat.inputs[op][index])
    return graph


def smallest_by_trying(flow, block, keep, most):
    """The size of the smallest set of stops that does it, by trying all; ``None`` where none of up to ``most`` does."""
    graph, flat = carrying(flow), flow.rules.flat
    kept = {tensor(flow, each) for each in keep}
    ends = [tensor(flow, each) for each in block]
    reached = {each for each in graph if flow.carried.reaches(each)}
    able = [each for each in sorted(reached) if kept.isdisjoint({each} | nx.descendants(graph, each))
            and flat.dtypes[each] % 100 == 1]  # fmt: skip
    for size in range(most + 1):
        for chosen in itertools.combinations(able, size):
            if not any(with_stops(flow, chosen).verdict(end) in GETS for end in ends):
                return size
    return None


@pytest.mark.parametrize("seed", range(150))
def test_the_cut_is_as_small_as_trying_all_finds(seed):
    flow, pick = judged(random_graph(seed, 12, variables=6, barriers=seed % 3, ends=5)), random.Random(seed)
    names = ["v%d" % index for index in range(6)]
    block = pick.sample(names, pick.randint(1, 3))
    keep = [name for name in names if name not in block][: pick.randint(1, 3)]
    found = cut(flow, block, keep)
    wanted = smallest_by_trying(flow, block, keep, most=3)
    if wanted is None:
        assert found is None or len(found) > 3
        return
    assert found is not None and len(found) == wanted
    after = with_stops(flow, [tensor(flow, each) for each in found])
    assert not any(after.verdict(tensor(flow, each)) in GETS for each in block)
    for name in keep:
        assert after.verdict(tensor(flow, name)) is flow.verdict(tensor(flow, name))


@pytest.mark.parametrize("seed", range(40))
def test_all_smallest_cuts_are_those_that_trying_all_finds(seed):
    flow, pick = judged(random_graph(seed, 10, variables=4, barriers=seed % 2, ends=3)), random.Random(seed)
    block, keep = "v%d" % pick.randint(0, 1), "v%d" % pick.randint(2, 3)
    end, kept = tensor(flow, block), tensor(flow, keep)
    paths = paths_to(flow, frozenset([end]), frozenset([kept]))
    try:
        found, is_all = smallest_cuts(paths, lambda each: {each}, 1000, 1000)
    except Uncuttable:
        return
    able = [each for each in paths.order if each not in paths.fixed and each not in paths.rigid]
    after = {chosen: with_stops(flow, chosen) for chosen in itertools.combinations(able, len(found[0]))}
    wanted = {frozenset(chosen) for chosen, judgement in after.items() if judgement.verdict(end) not in GETS}
    assert is_all and len(set(found)) == len(found) and set(found) == wanted


def layers(draw, width, depth):
    """A graph of layers as steps from the loss (-10) to its last layer, each node with a few after it."""
    steps = {}
    for layer in range(depth):
        for node in range(width):
            after = [draw.randrange(width) for _ in range(draw.randint(1, 2))] if layer < depth - 1 else []
            steps[layer * width + node] = [(layer + 1) * width + each for each in after]
    return steps


@pytest.mark.parametrize("seed", range(40))
def test_reducing_changes_no_size(seed):
    draw = random.Random(seed)
    steps = layers(draw, 5, 5)
    order = sorted(steps)
    rigid = {each for each in order if draw.random() < 0.4}
    paths = Paths(order, lambda each: steps[each], set(range(5)), set(), rigid, set(order[-5:]))
    graph = nx.DiGraph()
    for node, after in steps.items():
        graph.add_edge((node, 0), (node, 1), **({} if node in rigid else {"capacity": 1}))
        for each in after:
            graph.add_edge((node, 1), (each, 0))
    for node in range(5):
        graph.add_edge("loss", (node, 0))
        graph.add_edge((order[-1 - node], 1), "end")
    try:
        assert len(smallest_cut(paths)) == nx.minimum_cut_value(graph, "loss", "end")
    except Uncuttable:
        with pytest.raises(nx.NetworkXUnbounded):
            nx.minimum_cut_value(graph, "loss", "end")


def test_of_two_smallest_cuts_the_one_nearest_the_loss_is_taken():
    flow = judged(
        """
        v = VariableV2
        w = VariableV2
        a = Mul w
        b = Mul a
        loss = Mul b v
        """
    )
    assert cut(flow, ["w"], ["v"]) == {"b"}


def test_a_way_that_a_kept_variable_shares_cannot_be_cut():
    flow = judged(
        """
        v = VariableV2
        h = Mul v
        loss = Mul h
        """
    )
    assert cut(flow, ["h"], ["v"]) is None


def test_two_ways_that_part_and_meet_are_cut_where_they_are_one():
    flow = judged(
        """
        v = VariableV2
        w = VariableV2
        h = Mul w
        left = Mul h
        right = Mul h
        loss = Add left right v
        """
    )
    assert cut(flow, ["w"], ["v"]) == {"h"}


def test_what_gets_nothing_needs_no_stop():
    flow = judged(
        """
        v = VariableV2
        w = VariableV2
        s = StopGradient w
        loss = Mul s v
        """
    )
    assert cut(flow, ["w"], ["v"]) == set()


def test_ten_thousand_pairs_take_no_time():
    lines = ["k%d = VariableV2\nb%d = VariableV2\ns%d = Mul k%d b%d" % ((each,) * 5) for each in range(10000)]
    text = "\n".join([*lines, "loss = Add " + " ".join("s%d" % each for each in range(10000))])
    flow = judged(text)
    block, keep = ["b%d" % each for each in range(10000)], ["k%d" % each for each in range(10000)]
    numbers = {name: flow.rules.flat.first_output[op] for op, name in enumerate(flow.rules.flat.names)}
    paths = paths_to(flow, frozenset(numbers[each] for each in block), frozenset(numbers[each] for each in keep))
    assert smallest_cut(paths) == frozenset(numbers[each] for each in block)
