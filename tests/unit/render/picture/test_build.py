from __future__ import annotations

import dataclasses

import networkx as nx
import pytest

from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Line, Role
from graphcut.render.picture.scopes import scope_of
from graphcut.render.picture.view import PictureOptions
from graphcut.results import Verdict
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside, through
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

AUDITS = (STOPPED, EVERY_VERDICT, beside(6, 3), beside(40, 10), beside(300, 3), through(9, 4), through(90, 20))


def boxes(audit):
    return [box for _, box in picture(audit).nodes(data="box")]


def titled(audit):
    return {"/".join(box.scope + (box.title,)): box for box in boxes(audit)}


def test_what_only_reads_a_variable_is_in_its_box():
    assert titled(STOPPED)["w2"].ops == ("w2", "w2/read")


def test_roles():
    roles = {name: box.role for name, box in titled(STOPPED).items()}
    assert roles["loss"] is Role.LOSS and roles["hidden"] is Role.BARRIER and roles["w1"] is Role.VARIABLE


def test_a_stop_in_no_cut_is_harmless():
    assert titled(EVERY_VERDICT)["vq/StopGradient"].role is Role.HARMLESS


def test_a_stop_in_a_cut_that_names_a_handful_is_not_harmless():
    audit = dataclasses.replace(STOPPED, variables=STOPPED.variables[1:] + (variable("w1", Verdict.NONE),))
    assert titled(audit)["hidden"].role is Role.BARRIER


def test_an_op_that_is_live_but_for_one_input_is_an_op():
    assert titled(EVERY_VERDICT)["Gather"].role is Role.OP


def test_plumbing_is_folded():
    assert not any("Retval" in box.title for box in boxes(EVERY_VERDICT))


def test_links_are_labelled():
    labels = {label for _, _, link in picture(EVERY_VERDICT).edges(data="link") for label in link.labels}
    assert labels == {"input 1 (indices)", "zero", "no-gradient", "stop-gradient, bypassed", "if pred: then"}


def test_a_scope_of_several_boxes_is_said_once():
    titles = [box.title for box in boxes(beside(3, 3)) if box.scope == ("block_2",)]
    assert titles == ["kernel", "MatMul", "Relu", "StopGradient", "add"]


@pytest.mark.parametrize("audit", AUDITS)
def test_at_most_150_boxes(audit):
    assert len(picture(audit)) <= 150


@pytest.mark.parametrize("audit", AUDITS)
def test_every_variable_is_in_one_box_of_its_verdict(audit):
    verdict_of = {op: box.verdict for box in boxes(audit) for op in box.ops if box.verdict}
    assert all(verdict_of[each.name] is each.verdict for each in audit.variables)


@pytest.mark.parametrize("audit", AUDITS)
def test_no_cut_is_hidden(audit):
    drawn = picture(audit)
    at_cuts = {op for node, _, line in drawn.edges(keys=True) if line is Line.CUT for op in drawn.nodes[node]["box"].ops}
    assert {cut.op for each in audit.variables for cut in each.cut} <= at_cuts


@pytest.mark.parametrize("audit", AUDITS)
def test_no_open_way_leads_from_the_loss_to_a_variable_without_a_gradient(audit):
    drawn = picture(audit)
    found = nx.DiGraph((one, other) for one, other, line in drawn.edges(keys=True) if line in (Line.LIVE, Line.LOST))
    (loss,) = [node for node, box in drawn.nodes(data="box") if box.role is Role.LOSS]
    open_to = nx.descendants(found, loss) if loss in found else set()
    got = {drawn.nodes[node]["box"].verdict for node in open_to} - {None}
    assert got <= {Verdict.FLOWS, Verdict.CONDITIONAL}


@pytest.mark.parametrize("audit", AUDITS)
def test_a_live_way_leads_to_every_variable_that_gets_a_gradient(audit):
    drawn = picture(audit)
    live = nx.DiGraph((one, other) for one, other, line in drawn.edges(keys=True) if line is Line.LIVE)
    (loss,) = [node for node, box in drawn.nodes(data="box") if box.role is Role.LOSS]
    gets = {node for node, box in drawn.nodes(data="box") if box.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL)}
    assert gets <= set(nx.descendants(live, loss) if loss in live else ())


def test_a_branch_stays_visible_when_much_is_folded():
    big = beside(100, 10)
    graph = nx.compose(big.graph, EVERY_VERDICT.graph)
    graph.add_edge("block_99/add", "Gather", tensors=((0, 2),), control=False)
    both = FakeAudit(
        graph=graph,
        variables=big.variables + EVERY_VERDICT.variables,
        stops=big.stops,
        carrying=big.carrying | EVERY_VERDICT.carrying,
    )
    assert any("if pred: then" in link.labels for _, _, link in picture(both).edges(data="link"))


def test_a_thousand_unused_variables_are_one_box():
    unused = tuple(variable(f"v{at}", Verdict.NONE, unused=True) for at in range(1000))
    assert len(picture(FakeAudit(graph=dag("loss = Const"), variables=unused))) == 2


def test_the_scope_of_a_variable_is_that_of_its_layer():
    graph = dag("""
        x = Placeholder
        handle = Placeholder -> resource
        model/dense/MatMul = MatMul x handle
        model/dense/Relu = Relu model/dense/MatMul
        loss = Mean model/dense/Relu
    """)
    kernel = variable("dense/kernel", tensor="handle:0")
    audit = FakeAudit(graph=graph, variables=(kernel,), carrying=frozenset(graph))
    assert titled(audit)["model/dense/kernel"].role is Role.VARIABLE


def test_a_body_is_not_boxed_twice():
    assert scope_of("a/cond!then!cond/mul") == ("a", "cond", "then")
    assert scope_of("a/cond!then!other/mul") == ("a", "cond", "then", "other")


def test_handing_on_closes_no_cycle():
    graph = dag("""
        w = VariableV2
        inner = Mul w w
        handed = _Arg inner
        square = Square handed
        loss = AddN handed square
    """)
    audit = FakeAudit(graph=graph, variables=(variable("w"),), carrying=frozenset(graph))
    drawn = picture(audit)
    assert nx.is_directed_acyclic_graph(nx.DiGraph(drawn.edges())) and "handed" not in {box.title for box in boxes(audit)}


def test_what_comes_round_a_loop_does_not_pull_the_picture_apart():
    graph = dag("w = VariableV2\nmerge = Merge w\nbody = Mul merge\nnext = NextIteration body\nloss = Exit merge")
    graph.graph["loop_edges"] = (("next", "merge"),)
    audit = FakeAudit(graph=graph, variables=(variable("w"),), carrying=frozenset(graph))
    assert [link.loop for _, _, link in picture(audit).edges(data="link")].count(True) == 1


def test_many_variables_are_told_by_the_first_two_the_last_and_their_number():
    (lines,) = [(box.title, *box.lines) for box in boxes(beside(40, 10)) if box.verdict is Verdict.FLOWS]
    assert lines == ("block_0..8/kernel (9)", "block_10..18/kernel (9)", "… block_30..38/kernel (9)", "36 in all", "flows")


def test_a_loss_that_ends_the_gradient_itself_tells_its_type():
    graph = dag("w = VariableV2\nx = Identity w\nout = StopGradient x")
    stopped = variable("w", Verdict.NONE, cut=(cut("out"),))
    audit = FakeAudit(graph=graph, variables=(stopped,), loss=("out:0",))
    (loss,) = [box for box in boxes(audit) if box.role is Role.LOSS]
    assert loss.lines == ("out:0", "StopGradient")


def counted_up(inner):
    """Two layers whose ops have a higher number in their scope than their variables; ``inner`` is the first scope."""
    graph = dag(f"""
        x = Placeholder
        net/dense/kernel = VarHandleOp -> resource
        net_1/{inner}/Read = ReadVariableOp net/dense/kernel
        net_1/{inner}/MatMul = MatMul x net_1/{inner}/Read
        net_1/{inner}/Relu = Relu net_1/{inner}/MatMul
        net/dense_1/kernel = VarHandleOp -> resource
        net_1/dense_2/Read = ReadVariableOp net/dense_1/kernel
        net_1/dense_2/MatMul = MatMul net_1/{inner}/Relu net_1/dense_2/Read
        net_1/dense_2/Tanh = Tanh net_1/dense_2/MatMul
        loss = Mean net_1/dense_2/Tanh
    """)
    kernels = variable("net/dense/kernel"), variable("net/dense_1/kernel", conditions=())
    return picture(FakeAudit(graph=graph, variables=kernels, carrying=frozenset(graph)), PictureOptions(detail="ops"))


def test_ops_that_keras_counted_up_are_in_the_frame_of_their_variable():
    scopes = {box.ops[0]: box.scope for _, box in counted_up("dense_1").nodes(data="box")}
    assert scopes["net_1/dense_1/MatMul"] == scopes["net/dense/kernel"]
    assert scopes["net_1/dense_2/MatMul"] == scopes["net/dense_1/kernel"] != scopes["net/dense/kernel"]


def test_ops_of_another_name_stay_where_they_are():
    scopes = {box.ops[0]: box.scope for _, box in counted_up("other").nodes(data="box")}
    assert scopes["net_1/other/MatMul"] != scopes["net/dense/kernel"]


def test_a_cut_says_what_the_stop_belongs_to():
    audit = dataclasses.replace(STOPPED, idioms={"hidden": "target network"})
    labels = {label for *_, link in picture(audit).edges(data="link") for label in link.labels}
    assert "stop-gradient: target network" in labels


def test_barriers_in_one_box_are_drawn_where_it_leads_to_the_variables():
    drawn = picture(through(600, 2))
    ways = {
        (drawn.nodes[one]["box"].role, drawn.nodes[other]["box"].role, line) for one, other, line in drawn.edges(keys=True)
    }
    assert (Role.BARRIER, Role.VARIABLE, Line.CUT) in ways and not [one for one, other in drawn.edges() if one == other]
