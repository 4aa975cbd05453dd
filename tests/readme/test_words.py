"""The README's tables hold every word that an audit may say."""

from __future__ import annotations

import os
import re
from inspect import isfunction

from graphcut import BarrierKind, Verdict
from graphcut.api import asking

from .blocks import ROOT, table


def test_every_verdict_has_a_row():
    assert table("The verdicts") == [verdict.value for verdict in Verdict]


def test_every_question_has_a_row():
    asked = [name for name, each in vars(asking).items() if isfunction(each) and each.__module__ == asking.__name__]
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        assert re.findall(r"^\| `audit\.(\w+)\(", stream.read(), re.MULTILINE) == asked


def test_every_barrier_has_a_row():
    assert sorted(table("The barriers")) == sorted(barrier.value for barrier in BarrierKind)
