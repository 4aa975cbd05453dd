"""The README is short, and the tables of the documentation have every word that an audit may use."""

from __future__ import annotations

import os
import re
from inspect import isfunction

import pytest

from graphcut import Verdict
from graphcut.api.audit import Audit
from graphcut.results.barrier_kinds import BARRIER_RECORDS

from .blocks import PAGES, ROOT, section, table, text_of

# The methods of an audit that show what it found; every other one asks a question of its own.
VIEWS = {"draw", "explain", "place", "place_of", "reason", "select", "shapes", "to_dict", "to_dot", "to_json"}
READ = ["README.md", "CONTRIBUTING.md", *PAGES]


def test_the_readme_is_short():
    assert len(text_of("README.md").splitlines()) <= 150


@pytest.mark.parametrize("heading, page", [("Verdicts", "README.md"), ("Verdicts", "docs/words.md")])
def test_every_verdict_has_a_row(heading, page):
    assert table(heading, page) == [verdict.value for verdict in Verdict]


def test_every_question_has_a_row():
    methods = [name for name, each in vars(Audit).items() if isfunction(each) and not name.startswith("_")]
    questions = [name for name in methods if name not in VIEWS]
    assert re.findall(r"^\| `audit\.(\w+)\(", text_of("docs/python.md"), re.MULTILINE) == questions


def test_every_barrier_has_a_row():
    rows = {kind.value: row.meaning + "; deliberate" * row.deliberate for kind, row in BARRIER_RECORDS.items()}
    found = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section("Barriers", "docs/words.md"), re.MULTILINE)
    assert found == list(rows.items())


@pytest.mark.parametrize("page", READ)
def test_every_link_to_a_file_leads_to_one(page):
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in link]
    folder = os.path.join(ROOT, os.path.dirname(page))
    assert [link for link in links if not os.path.exists(os.path.join(folder, link))] == []
