"""The fewest barriers to remove, compared with every set of barriers."""

from __future__ import annotations

import itertools

import pytest

from graphcut.analysis import graph_edits
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.oracle import TensorFlowBehavior
from graphcut.analysis.verdicts import compute_flow as judge
from graphcut.api.suggest.unblock import routes
from graphcut.graph import op_types
from graphcut.results import Verdict
from tests.against_tensorflow.questions.graphs import ask, judged, random_graph

GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)


def fewest(flow, name):
    """The names of the ops to take out; ``None`` where nothing leads there."""
    flat = flow.rules.flat
    found = routes(flow, frozenset([flat.first_output[list(flat.names).index(name)]]))
    return {flat.names[fence.op] for fence in found[0]} if found else None


def opened(flow, ops):
    """The judgement of the graph with these ops taken out."""
    flat = flow.rules.flat
    stops = frozenset(op for op in ops if flat.type(op) in op_types.STOPS)
    flat = graph_edits.remove_stops(graph_edits.open_ops(flow.rules, frozenset(ops) - stops, stops), stops)
    return judge(PatternLookup(flat, ask, TensorFlowBehavior(), lambda op: ()), flow.losses, flow.stopped)


def fewest_by_trying(flow, tensor, most):
    flat = flow.rules.flat
    barriers = [op for op in range(len(flat.names)) if any(flow.rules.row(op).barriers)]
    for size in range(most + 1):
        if any(opened(flow, ops).verdict(tensor) in GETS for ops in itertools.combinations(barriers, size)):
            return size
    return None


@pytest.mark.parametrize("seed", range(40))
def test_the_barriers_are_as_few_as_trying_all_finds(seed):
    flow = judged(random_graph(seed, 10, barriers=3, ends=2))
    flat = flow.rules.flat
    for name in ("v0", "v1"):
        tensor = flat.first_output[list(flat.names).index(name)]
        if flow.verdict(tensor) in GETS:
            continue
        found, wanted = fewest(flow, name), fewest_by_trying(flow, tensor, most=3)
        if found is None:
            assert wanted is None
        else:
            ops = [list(flat.names).index(each) for each in found]
            assert wanted == len(found) or (wanted is None and len(found) > 3)
            assert opened(flow, ops).verdict(tensor) in GETS


def test_the_one_stop_between_is_named():
    flow = judged(
        """
        w = VariableV2
        s = StopGradient w
        loss = Mul s
        """
    )
    assert fewest(flow, "w") == {"s"}


def test_a_choice_that_is_made_a_number_counts_once():
    flow = judged(
        """
        w = VariableV2
        c = Choice w
        n = Number c
        loss = Mul n
        """
    )
    assert fewest(flow, "w") == {"c"}


def test_what_leads_nowhere_has_no_barrier():
    flow = judged(
        """
        w = VariableV2
        v = VariableV2
        loss = Mul v
        """
    )
    assert fewest(flow, "w") is None
