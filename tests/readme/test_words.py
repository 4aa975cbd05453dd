"""The README's tables hold every word that an audit may say."""
from __future__ import annotations

from graphcut import Barrier, Verdict

from .blocks import table


def test_every_verdict_has_a_row():
    assert table("The verdicts") == [verdict.value for verdict in Verdict]


def test_every_barrier_has_a_row():
    assert sorted(table("The barriers")) == sorted(barrier.value for barrier in Barrier)
