from __future__ import annotations

import json
import re

import networkx as nx
import pytest

from graphcut.render.picture import draw
from graphcut.render.picture.build import picture
from graphcut.render.picture.writers.dot import title
from graphcut.render.picture.writers.graphml import graphml, plain
from graphcut.render.picture.writers.mermaid import mermaid
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside
from tests.unit.render.picture.writers.test_dot import HOSTILE, named

_MERMAID_LINE = re.compile(
    r"""---|title:\ "([^"<\\]|\\U[0-9A-F]{8})*"|flowchart\ TD|end
    |n\d+(\[\[|\[/|\[|\{\{|\(\[)"[^"]+"(\]\]|/\]|\]|\}\}|\]\))
    |subgraph\ s\d+_n\d+\["[^"]+"\]
    |n\d+\ (==>|-->|--x|-\.-)(\|"[^"]+"\|)?\ n\d+
    |style\ n\d+\ [\w#:,. -]+
    |linkStyle\ \d+(,\d+)*\ stroke:\#\w{6},stroke-width:[\d.]+px(,stroke-dasharray:\d\ \d)?""",
    re.VERBOSE,
)


def test_every_value_is_plain():
    found = plain(picture(EVERY_VERDICT), title(EVERY_VERDICT))
    assert nx.node_link_graph(json.loads(json.dumps(nx.node_link_data(found)))).nodes == found.nodes


def test_a_node_tells_its_variables_and_their_verdict():
    told = dict(plain(picture(STOPPED), "").nodes(data=True))
    assert {tuple(each["variables"]): each["verdict"] for each in told.values() if each["variables"]} == {
        ("w1",): "none",
        ("w2",): "flows",
        ("unused",): "none",
    }


def test_an_edge_tells_its_line():
    lines = {told["line"] for *_, told in plain(picture(STOPPED), "").edges(data=True)}
    assert lines == {"live", "lost", "cut", "behind", "data"}


@pytest.mark.parametrize("name", HOSTILE)
def test_graphml_is_read_back_whatever_the_names(name):
    drawn = picture(named(name))
    found = nx.parse_graphml(graphml(drawn, title(named(name))), force_multigraph=True)
    assert set(found.nodes) == set(drawn.nodes) and len(found.edges) == len(drawn.edges)


def test_graphml_counts_the_ops_that_it_does_not_name():
    found = nx.parse_graphml(graphml(picture(beside(300, 3)), ""), force_multigraph=True)
    told = max((each for _, each in found.nodes(data=True)), key=lambda each: each["count"])
    assert told["count"] > len(told["ops"].splitlines()) == 20


@pytest.mark.parametrize("name", HOSTILE)
def test_mermaid_takes_no_name_for_syntax(name):
    lines = mermaid(picture(named(name)), title(named(name))).splitlines()
    assert [line for line in lines if not _MERMAID_LINE.fullmatch(line.strip())] == []
    assert not re.search("<(?!br/>)", "".join(lines))


@pytest.mark.parametrize("name", ["$$x$$", "fa:fa-car", "a\\nb"])
def test_mermaid_finds_no_formula_no_icon_and_no_end_of_line_in_a_name(name):
    lines = mermaid(picture(named(name)), "").splitlines()
    marks = "".join(re.sub("#([0-9]+);", lambda mark: chr(int(mark.group(1))), line) for line in lines)
    assert not re.search(r"\$\$|fa:fa-|\\n", marks) and "\u2060" in marks


def test_each_line_of_mermaid_has_one_colour():
    text = mermaid(picture(EVERY_VERDICT), "")
    numbered = [int(each) for held in re.findall(r"linkStyle ([\d,]+)", text) for each in held.split(",")]
    assert sorted(numbered) == list(range(len(picture(EVERY_VERDICT).edges)))


def test_mermaid_says_what_cuts():
    text = mermaid(picture(STOPPED), "")
    assert re.search(r'n\d --x\|"× stop-gradient"\| n\d', text)


@pytest.mark.parametrize("suffix, start", [("mmd", "---\ntitle"), ("graphml", "<graphml")])
def test_text_formats_are_written(tmp_path, suffix, start):
    draw(STOPPED, tmp_path / f"cut.{suffix}")
    assert (tmp_path / f"cut.{suffix}").read_text(encoding="utf-8").startswith(start)
