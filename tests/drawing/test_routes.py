from __future__ import annotations

import dataclasses

from graphcut.drawing.boxes import Line
from graphcut.drawing.routes import routes
from graphcut.terms import Barrier, Verdict
from tests.drawing.audits import EVERY_VERDICT, STOPPED
from tests.report.fakes import FakeAudit, cut, dag, variable


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
    ((barricade,),) = [told for _, _, told in routes(STOPPED).edges(data="barricades") if told]
    assert (barricade.barrier, barricade.where) == (Barrier.STOP_GRADIENT, "/src/model.py:12")


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
    broken = variable("w", Verdict.NONE, cut=(cut("back", Barrier.DTYPE, "Cast"),))
    found = lines(FakeAudit(graph=graph, variables=(broken,)))
    assert found == {("loss", "back"): Line.LOST, ("back", "cast"): Line.CUT, ("cast", "w"): Line.BEHIND}
