"""The README's tables hold every word that an audit may say."""

from __future__ import annotations

import os
import re
from inspect import isfunction

from graphcut import Verdict
from graphcut.api.audit import Audit
from graphcut.results.barrier_kinds import BARRIER_RECORDS

from .blocks import ROOT, table

# The methods of an audit that show what it found; every other one asks a question of its own.
VIEWS = {"draw", "explain", "place", "reason", "select", "shapes", "to_dict", "to_dot", "to_json"}


def test_every_verdict_has_a_row():
    assert table("The verdicts") == [verdict.value for verdict in Verdict]


def test_every_question_has_a_row():
    methods = [name for name, each in vars(Audit).items() if isfunction(each) and not name.startswith("_")]
    questions = [name for name in methods if name not in VIEWS]
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        assert re.findall(r"^\| `audit\.(\w+)\(", stream.read(), re.MULTILINE) == questions


def test_every_barrier_has_a_row():
    rows = {kind.value: row.meaning + "; deliberate" * row.deliberate for kind, row in BARRIER_RECORDS.items()}
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        section = stream.read().split("\n## The barriers\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE) == list(rows.items())
