from __future__ import annotations

import functools

import networkx as nx
import pytest

from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Role
from graphcut.results import BarrierKind, Verdict
from tests.against_tensorflow.questions.graphs import random_graph
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside, through
from tests.unit.render.picture.properties import VIEWS, assert_honest, assert_no_way_leaves_a_box_and_comes_back, audited
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

AUDITS = [STOPPED, EVERY_VERDICT, beside(300, 3), through(9, 4), through(90, 20), through(600, 2)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("audit", AUDITS)
def test_pictures_of_audits_made_by_hand_are_honest(audit, view):
    assert_honest(audit, view)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [4, 12, 40, 150])
def test_pictures_of_random_graphs_are_honest(size, view):
    for seed in range(12):
        assert_honest(random_audit(seed, size), view)


@functools.lru_cache(maxsize=None)
def random_audit(seed, size):
    """The audit that every view draws."""
    return audited(random_graph(seed, size, variables=max(4, size // 4), ends=2))


@pytest.mark.parametrize("barriers", [1, 3])
def test_a_large_random_graph_is_honest(barriers):
    assert_honest(audited(random_graph(7, 3000, variables=700, barriers=barriers, ends=40)))


def test_hundreds_of_stops_in_a_row_are_one_box_that_counts_them():
    boxes = [box for _, box in picture(through(600, 2)).nodes(data="box")]
    assert [(box.title, box.lines) for box in boxes if box.role is Role.BARRIER] == [
        ("300 × StopGradient", ("block*/StopGradient (300)", "and 1200 ops between them"))
    ]


def test_layers_in_a_row_are_drawn_in_a_row():
    """Their activations are named in the outer scope (reports, G11)."""
    lines, live, last = ["x = Placeholder"], {"loss"}, "x"
    for at in range(8):
        scope = f"dense_{at}/"
        relu = f"Relu_{at}"
        lines += [f"{scope}kernel = VarHandleOp -> resource", f"{scope}Read = ReadVariableOp {scope}kernel"]
        lines += [f"{scope}MatMul = MatMul {last} {scope}Read", f"{scope}BiasAdd = BiasAdd {scope}MatMul x"]
        lines += [f"{relu} = Relu {scope}BiasAdd"]
        live.update([relu, *(scope + each for each in ("kernel", "Read", "MatMul", "BiasAdd"))])
        last = relu
    graph = dag("\n".join([*lines, f"loss = Mean {last}"]))
    variables = tuple(variable(f"dense_{at}/kernel") for at in range(8))
    for view in VIEWS:
        audit = FakeAudit(graph=graph, variables=variables, carrying=frozenset(live))
        assert_no_way_leaves_a_box_and_comes_back(audit, picture(audit, view))


def test_a_barrier_that_reaches_one_variable_is_followed_to_those_round_a_loop_too():
    graph = dag("""
        head = VariableV2
        table = VariableV2
        merge = Merge table
        next = NextIteration merge
        exit = Exit merge
        logits = MatMul exit head
        argmax = ArgMax logits -> int64
        loss = Cast argmax
    """)
    graph.graph["loop_edges"] = (("next", "merge"),)
    inner = dag("table = VariableV2\nfirst = Const\nmerge = Merge first\nbody = Mul merge table\nnext = NextIteration body")
    graph.remove_edge("table", "merge")
    graph = nx.compose(graph, inner)
    graph.graph["loop_edges"] = (("next", "merge"),)
    blocked = (cut("argmax", BarrierKind.NOT_DIFFERENTIABLE, "ArgMax"),)
    variables = (variable("head", Verdict.NONE, cut=blocked), variable("table", Verdict.NONE, cut=blocked))
    assert_honest(FakeAudit(graph=graph, variables=variables))
