from __future__ import annotations

import pytest

from graphcut.render.picture.build import picture
from tests.against_tensorflow.questions.graphs import random_graph
from tests.unit.picture.audits import EVERY_VERDICT, STOPPED, beside, through
from tests.unit.picture.properties import VIEWS, assert_honest, audited

AUDITS = [STOPPED, EVERY_VERDICT, beside(300, 3), through(9, 4), through(90, 20), through(600, 2)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("audit", AUDITS)
def test_pictures_of_audits_made_by_hand_are_honest(audit, view):
    assert_honest(audit, view)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [4, 12, 40, 150])
def test_pictures_of_random_graphs_are_honest(size, view):
    for seed in range(12):
        assert_honest(audited(random_graph(seed, size, variables=max(4, size // 4), ends=2)), view)


@pytest.mark.parametrize("barriers", [1, 3])
def test_a_large_random_graph_is_honest(barriers):
    assert_honest(audited(random_graph(7, 3000, variables=700, barriers=barriers, ends=40)))


def test_hundreds_of_stops_in_a_row_are_one_box_that_counts_them():
    boxes = [box for _, box in picture(through(600, 2)).nodes(data="box")]
    assert [(box.title, box.lines) for box in boxes if len(box.ops) == 300] == [
        ("300 × StopGradient", ("block*/StopGradient (300)",))
    ]
