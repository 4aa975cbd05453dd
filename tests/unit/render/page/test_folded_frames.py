"""A folded frame is one box that keeps every line that leaves the frame."""

from __future__ import annotations

import pytest

from graphcut.render.page.folded_frames import fold_frames, foldings, frame_groups, frames
from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Line
from graphcut.results import Verdict
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable


def nested():
    """Two models, a layer in one of them, and a stop between the two."""
    graph = dag("""
        enc/dense/kernel = VariableV2
        enc/dense/MatMul = MatMul enc/dense/kernel
        enc/Tanh = Tanh enc/dense/MatMul
        stop = StopGradient enc/Tanh
        dec/kernel = VariableV2
        dec/MatMul = MatMul stop dec/kernel
        loss = Mean dec/MatMul
    """)
    variables = (variable("enc/dense/kernel", Verdict.NONE, cut=(cut("stop"),)), variable("dec/kernel"))
    return FakeAudit(graph=graph, variables=variables, carrying=frozenset({"loss", "dec/MatMul", "dec/kernel"}))


@pytest.fixture(scope="module")
def drawn():
    return picture(nested())


def links(drawn):
    """The title of both ends and the line, of each link."""
    titles = {node: box.title for node, box in drawn.nodes(data="box")}
    return {(titles[start], titles[end], link.line) for start, end, link in drawn.edges(data="link")}


def test_frames_of_three_boxes_are_folded_alone_and_the_outermost_ones_together(drawn):
    scopes = [box.scope for _, box in drawn.nodes(data="box")]
    large = {scope for scope in frames(drawn) if sum(each[: len(scope)] == scope for each in scopes) > 2}
    outer = tuple(scope for scope in frames(drawn) if len(scope) == 1)
    assert ("enc",) in large and ("dec",) in outer
    assert set(foldings(drawn).values()) == {*((scope,) for scope in large), outer}


def test_a_folded_frame_is_one_box_in_the_place_of_its_boxes(drawn):
    folded = fold_frames(drawn, [("enc",)])
    inside = [box for _, box in drawn.nodes(data="box") if box.scope[:1] == ("enc",)]
    (frame,) = [box for node, box in folded.nodes(data="box") if node not in drawn]
    assert (frame.title, frame.lines) == ("enc", (f"{len(inside)} boxes, 1 cut, 1 none",))
    assert len(folded) == len(drawn) - len(inside) + 1


def test_the_cut_into_a_folded_frame_ends_at_it(drawn):
    assert ("stop", "enc", Line.CUT) in links(fold_frames(drawn, [("enc",)]))


def test_with_every_frame_folded_no_line_leads_into_nothing(drawn):
    folded = fold_frames(drawn, [scope for scope in frames(drawn) if len(scope) == 1])
    assert {box.title for _, box in folded.nodes(data="box")} >= {"loss", "stop", "enc", "dec"}
    assert not any(start == end for start, end in folded.edges())


def test_folding_nothing_changes_nothing(drawn):
    folded = fold_frames(drawn, [])
    assert dict(folded.nodes(data="box")) == dict(drawn.nodes(data="box")) and links(folded) == links(drawn)


def test_a_frame_knows_its_worst_verdict(drawn):
    known = frames(drawn)
    found = {each["data-scope"]: each for each in frame_groups(drawn, known).values()}
    assert found[str(known[("enc",)])]["data-worst"] == "none" and "data-worst" not in found[str(known[("dec",)])]
    assert found[str(known[("dec",)])]["data-told"] == "2 boxes, 1 flows"
