"""A route leads from the variable to the loss, step by step, over the barrier that is named first."""

from __future__ import annotations

import networkx as nx
import pytest

from graphcut import BarrierKind, Verdict
from graphcut.analysis.reasons.routes import _PLUMBING
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import said

FIXTURES = [pytest.param(each, id=module + "." + each.__name__) for module, each in recorded.every_fixture()]


def told(fixture):
    """The rows of a fixture that have a route, with it. A value that Python code read and gave back has none in the graph."""
    found = said(fixture).audit
    known = [(row, found.reason(row)) for row in found if not row.unused]
    return [each for each in known if each[1].crossed or not all(cut.kind is BarrierKind.PYTHON for cut in each[0].cut)]


def data(audit):
    """The graph with its loops closed and without its control edges."""
    graph = nx.DiGraph((u, v) for u, v, control in audit.graph.edges(data="control") if not control)
    graph.add_nodes_from(audit.graph)
    graph.add_edges_from(audit.graph.graph["loop_edges"])
    return graph


def behind_the_loss(audit, graph):
    """Return the ops that lead to the loss, themselves included."""
    waiting = [name.rpartition(":")[0] for name in audit.loss]
    for op in waiting:
        if audit.graph.nodes[op]["type"] in _PLUMBING:
            waiting.extend(each for each in graph.predecessors(op) if each not in waiting)
    return waiting


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_route_ends_at_the_loss(fixture):
    audit = said(fixture).audit
    ends = behind_the_loss(audit, data(audit))
    assert [row.name for row, reason in told(fixture) if reason.route[-1].op not in ends] == []


@pytest.mark.parametrize("fixture", FIXTURES)
def test_each_step_leads_to_the_next(fixture):
    graph = data(said(fixture).audit)
    for row, reason in told(fixture):
        assigned = any(cut.kind in (BarrierKind.STATE, BarrierKind.ZERO_FILLED) for cut in row.cut)
        ops = [step.op for step in reason.route]
        assert assigned or all(nx.has_path(graph, one, next_) for one, next_ in zip(ops, ops[1:]))


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_route_crosses_the_barrier_that_is_named_first(fixture):
    for row, reason in told(fixture):
        crossed = [(step.op, step.kind) for step in reason.route if step.kind is not None]
        if row.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL):
            assert crossed == []
        elif reason.crossed:
            assert (row.cut[0].op, row.cut[0].kind) in crossed and len(crossed) == reason.crossed
