from __future__ import annotations

from functools import lru_cache

import pytest

from graphcut.render.picture import box_contents
from graphcut.render.picture.box_contents import picture_with_contents
from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Line, Role
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside, through

AUDITS = [STOPPED, EVERY_VERDICT, beside(40, 10), through(600, 2)]


@lru_cache(maxsize=None)
def opened(at):
    """The picture of an audit and what is in its boxes, drawn once."""
    return picture_with_contents(AUDITS[at])


@pytest.mark.parametrize("at", range(len(AUDITS)))
def test_the_picture_is_the_same_as_without_what_is_in_its_boxes(at):
    drawn, plain = opened(at)[0], picture(AUDITS[at])
    assert dict(drawn.nodes(data="box")) == dict(plain.nodes(data="box"))
    assert list(drawn.edges(data="link")) == list(plain.edges(data="link"))


@pytest.mark.parametrize("at", range(len(AUDITS)))
def test_what_is_in_a_box_is_all_of_it_in_two_to_twenty_four_boxes(at):
    drawn, parts = opened(at)
    for node, part in parts.items():
        ops = [op for _, box in part.nodes(data="box") for op in box.ops]
        assert sorted(ops) == sorted(drawn.nodes[node]["box"].ops) and 2 <= len(part) <= 24


def test_a_box_of_two_ops_opens_and_one_of_one_does_not():
    drawn, parts = opened(2)
    assert {len(drawn.nodes[node]["box"].ops) > 1 for node in parts} == {True}
    pair = next(part for node, part in parts.items() if drawn.nodes[node]["box"].title == "MatMul, Relu")
    assert [box.title for _, box in pair.nodes(data="box")] == ["MatMul", "Relu"]
    assert [line for *_, line in pair.edges(keys=True)] == [Line.BEHIND]


def test_barriers_that_share_a_box_are_barriers_when_it_is_opened():
    drawn, parts = opened(3)
    node = next(node for node, box in drawn.nodes(data="box") if box.role is Role.BARRIER)
    barriers = [box for _, box in parts[node].nodes(data="box") if box.role is Role.BARRIER]
    assert sum(len(box.ops) for box in barriers) == 300


def test_variables_that_share_a_box_keep_their_verdict():
    drawn, parts = opened(2)
    verdicts = {node: {box.verdict for _, box in part.nodes(data="box")} for node, part in parts.items()}
    assert all(found == {drawn.nodes[node]["box"].verdict} for node, found in verdicts.items())


def test_a_box_of_very_many_ops_stays_closed(monkeypatch):
    monkeypatch.setattr(box_contents, "_OPS", 50)
    drawn, parts = picture_with_contents(beside(40, 10))
    assert parts and max(len(drawn.nodes[node]["box"].ops) for node in parts) <= 50
