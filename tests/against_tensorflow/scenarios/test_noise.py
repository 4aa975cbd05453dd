"""E: variables that rightly get no gradient."""

from __future__ import annotations

import pytest

from fixtures.asking import audit
from fixtures.scenarios import noise
from graphcut import Verdict
from tests.against_tensorflow.scenarios.judge import said


def test_e1_an_unused_pooler_gets_none():
    assert said(noise.pooler).verdict("pooler") is Verdict.NONE


def test_e1_it_is_unused_and_has_no_cut():
    pooler = said(noise.pooler)["pooler"]
    assert pooler.unused and pooler.cut == ()


def test_e1_the_encoder_is_used():
    assert not said(noise.pooler)["encoder"].unused


@pytest.mark.parametrize("name", ["mean", "variance"])
def test_e5_averages_are_not_trainable(name):
    assert said(noise.averages)[name].trainable is False


def test_e5_averages_are_no_finding_by_default():
    found = audit(said(noise.averages).asked, variables=None)
    assert {each.verdict for each in found} == {Verdict.FLOWS}
    assert not [each for each in found if "moving" in each.name]


def test_e6_forty_partitions_are_one_row():
    assert [each.name for each in said(noise.forty_partitions).audit] == ["embedding"]


def test_e6_they_are_one_row_by_default():
    assert [each.name for each in audit(noise.forty_partitions(), variables=None)] == ["embedding"]


def test_e6_the_row_has_the_shape_of_the_whole():
    assert said(noise.forty_partitions)["embedding"].shape == (80, 3)


def test_e6_the_whole_can_be_asked_for_by_name():
    assert audit(noise.forty_partitions(), variables="embedding")["embedding"].verdict is Verdict.FLOWS


def test_e6_a_part_finds_the_row_of_the_whole():
    asked = noise.forty_partitions()
    assert audit(asked)[list(asked.variables["embedding"])[7]].name == "embedding"


def test_e6_a_part_alone_can_be_asked_for():
    asked = noise.forty_partitions()
    (row,) = audit(asked, variables=[list(asked.variables["embedding"])[7]])
    assert row.name == "embedding/part_7" and row.shape == (2, 3)
