from __future__ import annotations

import dataclasses
from pathlib import Path

import networkx as nx

import graphcut
from graphcut.render.picture import ops as numbered
from graphcut.render.picture.build import _LINES, picture
from graphcut.render.picture.model import Line
from graphcut.render.picture.select_ops import routes as sketched
from graphcut.results import BarrierKind, Role, Stop, Verdict
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, through
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable


def routes(audit):
    """The routes with names in place of numbers."""
    ops = numbered.ops(audit)
    sketch, found = sketched(audit, ops), nx.MultiDiGraph()
    found.add_nodes_from(ops.name(node) for node in sketch.nodes)
    for (one, other, line), told in sketch.edges.items():
        found.add_edge(ops.name(one), ops.name(other), key=_LINES[line], **told._asdict())
    return found


def lines(audit):
    return {(one, other): line for one, other, line in routes(audit).edges(keys=True)}


def test_what_has_no_part_in_the_cut_is_left_out():
    assert not {"x", "shape", "init"} & set(routes(STOPPED))


def test_an_unused_variable_stands_alone():
    assert routes(STOPPED).degree("unused") == 0


def test_a_variable_that_is_in_no_graph_is_there():
    assert "gone" in routes(FakeAudit(variables=(variable("gone", Verdict.NONE, tensor=None, unused=True),)))


def test_each_edge_says_what_it_is():
    assert lines(STOPPED) == {
        ("loss", "MatMul_1"): Line.LIVE,
        ("MatMul_1", "w2/read"): Line.LIVE,
        ("w2/read", "w2"): Line.LIVE,
        ("MatMul_1", "hidden"): Line.LOST,
        ("hidden", "MatMul"): Line.CUT,
        ("MatMul", "w1/read"): Line.BEHIND,
        ("w1/read", "w1"): Line.BEHIND,
    }


def test_a_cut_tells_its_barrier():
    ((mark,),) = [told for _, _, told in routes(STOPPED).edges(data="marks") if told]
    assert (mark.kind, mark.where) == (BarrierKind.STOP_GRADIENT, "/src/model.py:12")


def test_an_input_is_cut_at_its_own_edge():
    assert lines(EVERY_VERDICT)["Gather", "ArgMax"] is Line.CUT
    assert lines(EVERY_VERDICT)["Gather", "cond#0"] is Line.LIVE


def test_a_bypassed_stop_is_drawn():
    assert lines(EVERY_VERDICT)["vq/StopGradient", "vq/Round"] is Line.CUT


def test_the_branch_is_on_the_edge_that_enters_it():
    found = {(one, other) for one, other, told in routes(EVERY_VERDICT).edges(data="conditions") if told}
    assert found == {("cond#0", "cond!then!Identity")}


def test_a_v1_branch_is_on_the_edge_to_what_reads_the_predicate():
    switched = dataclasses.replace(
        EVERY_VERDICT,
        graph=dag("w = VariableV2\nswitch = Switch w pred\nmul = Mul switch\nloss = Merge mul"),
        variables=tuple(
            dataclasses.replace(each, path=("loss", "mul", "switch", "w"), name="w", tensor="w:0")
            for each in EVERY_VERDICT.variables
            if each.conditions
        ),
        stops=(),
        carrying=frozenset(["loss", "mul", "switch", "w"]),
    )
    assert [one for one, _, told in routes(switched).edges(data="conditions") if told] == ["mul"]


def test_a_loop_is_drawn_round():
    graph = dag("w = VariableV2\nmerge = Merge w\nbody = Mul merge\nnext = NextIteration body\nloss = Exit merge")
    graph.graph["loop_edges"] = (("next", "merge"),)
    looped = FakeAudit(graph=graph, variables=(variable("w"),), carrying=frozenset(graph))
    assert lines(looped)["merge", "next"] is Line.LIVE


def test_a_route_of_integers_is_drawn_where_there_is_no_other():
    graph = dag("w = VariableV2\ncast = Cast w -> int32\nback = Cast cast\nloss = Mean back")
    broken = variable("w", Verdict.NONE, cut=(cut("back", BarrierKind.DTYPE, "Cast"),))
    found = lines(FakeAudit(graph=graph, variables=(broken,)))
    assert found == {("loss", "back"): Line.LOST, ("back", "cast"): Line.CUT, ("cast", "w"): Line.BEHIND}


def test_between_two_barriers_there_is_no_gradient():
    found = lines(through(9, 4))
    assert found["block_8/MatMul", "block_7/StopGradient"] is Line.LOST
    assert found["block_4/MatMul", "block_3/StopGradient"] is Line.BEHIND


def test_zeros_that_a_loop_makes_up_are_drawn_from_its_result_to_the_variable():
    graph = dag("""
        w = VarHandleOp -> resource
        u = VarHandleOp -> resource
        loop!variable#0 = _LoopVar w
        loop!variable#1 = _LoopVar u
        loop!result#0 = _Retval loop!variable#0
        loop!result#1 = _Retval loop!variable#1
        loop = While
        loss = Mean loop!result#0
    """)
    filled = variable("u", Verdict.ZERO, cut=(cut("loop", BarrierKind.ZERO_FILLED, "While", input=1),))
    live = frozenset(["loss", "loop!result#0", "loop!variable#0", "w"])
    audit = FakeAudit(graph=graph, variables=(variable("w"), filled), carrying=live)
    assert lines(audit)["loop!result#0", "u"] is Line.CUT


def test_a_value_that_is_only_assigned_ends_at_the_variable():
    graph = dag("""
        u = VarHandleOp -> resource
        u/Read = ReadVariableOp u
        w = VarHandleOp -> resource
        assign = AssignVariableOp w u/Read
        w/Read = ReadVariableOp w ^assign
        loss = Mean w/Read
    """)
    assigned = variable("u", Verdict.NONE, cut=(cut("assign", BarrierKind.STATE, "AssignVariableOp", input=1),))
    audit = FakeAudit(graph=graph, variables=(variable("w"), assigned), carrying=frozenset(["loss", "w/Read", "w"]))
    found = lines(audit)
    assert (found["w", "assign"], found["assign", "u/Read"]) == (Line.LOST, Line.CUT)


def test_no_gradient_comes_to_a_stop_that_does_not_feed_the_loss():
    graph = dag(
        """
        w = Placeholder
        hidden = Tanh w
        dead = StopGradient hidden
        loss = Sum hidden
        """,
    )
    audit = FakeAudit(
        graph=graph,
        variables=(variable("w"),),
        stops=(Stop("dead", Role.DEAD, False, ()),),
        carrying=frozenset(["loss", "hidden", "w"]),
    )
    assert lines(audit) == {("loss", "hidden"): Line.LIVE, ("hidden", "w"): Line.LIVE, ("dead", "hidden"): Line.CUT}


def moments(square):
    """A layer norm of a file, which has no stacks; ``square`` tells what reads its stop."""
    graph = dag(f"""
        w = VariableV2
        Mean = Mean w
        StopGradient = StopGradient Mean
        SquaredDifference = {square}
        loss = Mean SquaredDifference
    """)
    live = frozenset(["loss", "SquaredDifference", "w"])
    return FakeAudit(
        graph=graph, variables=(variable("w"),), stops=(Stop("StopGradient", Role.BYPASSED, False, ()),), carrying=live
    )


def test_the_stop_of_moments_in_a_file_is_not_the_users():
    assert "StopGradient" not in routes(moments("SquaredDifference w StopGradient"))


def test_a_stop_that_only_looks_like_that_of_moments_is_drawn():
    assert "StopGradient" in routes(moments("Mul w StopGradient"))


def test_each_barrier_of_a_loop_s_condition_says_that_it_counts_runs():
    """Nothing soft stands in for it, so no barrier on the way may advise that."""
    path = Path(__file__).parents[4] / "fixtures/graphs/loop_v1.meta"
    links = picture(graphcut.audit(str(path))).edges(data="link")
    advices = [advice for _, _, link in links for advice in link.advice]
    assert len(advices) == 3 and set(advices) == {"it counts the runs of a loop"}
