"""A path through one place that avoids another, compared with all paths."""

from __future__ import annotations

import random

import networkx as nx
import pytest

from graphcut.analysis.waypoints import reach
from graphcut.graph.metadata import Variable
from graphcut.graph.targets import Target
from tests.against_tensorflow.questions.graphs import judged, random_graph


def reached(flow, name, through=None, avoiding=()):
    """One variable's reach; places are op names."""
    tensors = {op_name: flow.rules.flat.first_output[op] for op, op_name in enumerate(flow.rules.flat.names)}
    target = Target(Variable(name, (name + ":0",), True, "float32", None), (tensors[name],))
    inside = None if through is None else {tensors[each] for each in through}
    return reach(flow, [target], inside, {tensors[each] for each in avoiding})


TWO_WAYS = """
    w = VariableV2
    left = Mul w
    right = Mul w
    stopped = StopGradient right
    loss = Add left stopped
"""


def test_a_path_goes_through_the_open_branch():
    assert reached(judged(TWO_WAYS), "w", through=["left"]).paths == {"w": ("loss", "left", "w")}


def test_no_path_goes_through_the_stopped_branch():
    assert not reached(judged(TWO_WAYS), "w", through=["right"])


def test_what_must_be_avoided_may_be_all_there_is():
    assert not reached(judged(TWO_WAYS), "w", avoiding=["left"])


def test_without_a_wish_it_is_reached_as_the_verdict_says():
    assert reached(judged(TWO_WAYS), "w")


def test_the_ends_of_a_path_belong_to_it():
    flow = judged(TWO_WAYS)
    assert reached(flow, "w", through=["loss"]) and reached(flow, "w", through=["w"])


def test_the_loss_may_be_the_place_to_avoid():
    assert not reached(judged(TWO_WAYS), "w", avoiding=["loss"])


def test_one_of_several_places_is_enough():
    assert reached(judged(TWO_WAYS), "w", through=["left", "right"])


def test_a_constant_of_the_question_ends_a_path():
    assert not reached(judged(TWO_WAYS, stopped=["left"]), "w")


def carrying_paths(flow, variable):
    """All paths of ops over edges that carry, listed one by one."""
    flat = flow.rules.flat
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(flat.names)))
    for op in range(len(flat.names)):
        for index in flow.rules.row(op).carries[0]:
            graph.add_edge(op, flat.producer[flat.inputs[op][index]])
    loss, end = flat.names.index("loss"), flat.names.index(variable)
    for path in nx.all_simple_paths(graph, loss, end):
        yield {flat.names[op] for op in path}


@pytest.mark.parametrize("seed", range(60))
def test_a_reach_is_what_listing_every_path_finds(seed):
    flow = judged(random_graph(seed, 12))
    pick, names = random.Random(seed), list(flow.rules.flat.names)
    for _ in range(10):
        through = pick.choice([None, pick.sample(names, 2)])
        avoiding = pick.choice([[], pick.sample(names, 2)])
        wanted = any(
            (through is None or path.intersection(through)) and not path.intersection(avoiding)
            for path in carrying_paths(flow, "v0")
        )
        found = reached(flow, "v0", through, avoiding)
        assert bool(found) is wanted
        if found:
            path = set(found.paths["v0"])
            assert (through is None or path.intersection(through)) and not path.intersection(avoiding)
