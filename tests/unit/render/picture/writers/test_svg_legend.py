"""The legend of an SVG is small and explains exactly what is drawn."""

from __future__ import annotations

import re
from html import unescape

import pytest

from graphcut.render.picture import layout
from graphcut.render.picture.build import picture
from graphcut.render.picture.svg_layout import lay_out
from graphcut.render.picture.view import PictureOptions
from graphcut.render.picture.writers.legend_samples import samples
from graphcut.render.picture.writers.svg import accessible
from graphcut.render.picture.writers.svg_legend import pieces
from graphcut.results import Change, Verdict
from tests.against_tensorflow.questions.graphs import random_graph
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside, through
from tests.unit.render.picture.properties import assert_legend_is_small_and_complete, assert_no_line_crosses_a_title, audited

ENGINE = next((each for each in ("dot", "wasm") if layout.available(each)), "")  # the faster one first
needs_engine = pytest.mark.skipif(not ENGINE, reason="no layout engine")
AUDITS = [STOPPED, EVERY_VERDICT, beside(30, 3), through(9, 4), *(audited(random_graph(at, 12)) for at in range(3))]


@needs_engine
@pytest.mark.parametrize("audit", AUDITS)
def test_it_takes_at_most_a_fifth_and_says_what_is_drawn(audit):
    drawn = picture(audit)
    svg = accessible(lay_out(drawn, ENGINE, 30.0), drawn, "a heading")
    assert_legend_is_small_and_complete(svg, drawn)
    assert_no_line_crosses_a_title(svg)


def test_it_holds_what_occurs_worst_first_then_lines():
    assert [each.words for each in samples(picture(STOPPED))] == [
        "none: no gradient (2)",
        "flows: gets a gradient (1)",
        "blocks the gradient",
        "input",
        "gradient, from loss to variable",
        "gradient that reaches no variable",
        "cut: no gradient passes",
        "data behind the cut",
        "data, no gradient asked for",
    ]


def test_each_entry_is_an_element_of_its_own_for_a_page():
    found = pieces(samples(picture(EVERY_VERDICT)))
    words = [unescape(re.findall(r">([^<>]+)</text>", each)[0]) for each in found]
    assert words == [each.words for each in samples(picture(EVERY_VERDICT))] and all(
        each.count("<svg ") == 1 for each in found
    )


def test_what_a_diff_marks_has_an_entry_with_a_double_outline():
    changes = (Change("w1", Verdict.FLOWS, Verdict.NONE, "hidden"), Change("w2", Verdict.NONE, Verdict.FLOWS))
    found = samples(picture(STOPPED, PictureOptions(changes=changes)))
    words = [each.words for each in found if each.looks.get("peripheries")]
    assert [each.words for each in found[:1]] == ["none: no gradient (1)"]  # of the variable that is not marked
    assert words == ["gained its gradient (1)", "lost its gradient (1)"]
    doubled = [each for each, sample in zip(pieces(found), found) if sample.words in words]
    assert all(each.count("<ellipse") + each.count("<polygon") == 2 for each in doubled)
