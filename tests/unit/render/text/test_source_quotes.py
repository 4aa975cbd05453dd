from __future__ import annotations

import io

import pytest
from rich.console import Console

from graphcut.render.text.plain_table import table
from graphcut.render.text.source_quotes import quote_lines
from graphcut.render.text.terminal_table import rich_table
from graphcut.results import Verdict
from tests.unit.render.text.fakes import FakeAudit, cut, variable


@pytest.fixture
def audit(tmp_path, monkeypatch):
    """Variables that are each stopped on one line of ``model.py``."""
    monkeypatch.chdir(tmp_path)

    def make(*lines):
        (tmp_path / "model.py").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        cuts = [cut(f"stop{index}", where=f"model.py:{index + 1}") for index, _ in enumerate(lines)]
        return FakeAudit(variables=tuple(variable(f"v{each.op}", Verdict.NONE, cut=(each,)) for each in cuts))

    return make


def test_each_place_is_quoted_once(audit):
    assert quote_lines(audit("x = stop(y)", "z = stop(x)")) == ("model.py:1: x = stop(y)", "model.py:2: z = stop(x)")


def test_what_cannot_be_read_is_left_out():
    assert quote_lines(FakeAudit(variables=(variable("v", Verdict.NONE, cut=(cut("stop", where="gone.py:3"),)),))) == ()


def test_ten_are_quoted_and_the_rest_counted(audit):
    assert quote_lines(audit(*["stop(%d)" % index for index in range(13)]))[10:] == ("3 more",)


def test_a_line_is_escaped_and_no_markup(audit):
    facts = audit("\x1b[31m [bold]stop[/bold]")
    assert quote_lines(facts) == (r"model.py:1: \x1b[31m [bold]stop[/bold]",)
    written = io.StringIO()
    console = Console(width=200, file=written)
    console.print(rich_table(facts, quote_lines(facts)))
    assert r"model.py:1: \x1b[31m [bold]stop[/bold]" in written.getvalue()


def test_they_stand_between_the_rows_and_the_counts(audit):
    facts = audit("x = stop(y)")
    lines = table(facts, quote_lines(facts)).splitlines()
    assert lines[-4:-2] == ["", "model.py:1: x = stop(y)"] and lines[-2] == "" and lines[-1].startswith("0 get a gradient")
