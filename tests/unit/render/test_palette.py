"""The palette as colour-blind readers see it, simulated by colorspacious with the model of Machado et al. (2009)."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from graphcut.render import palette
from graphcut.render.picture.model import Line
from graphcut.render.picture.style import (
    BARRIER,
    CHANGES,
    CONDITIONAL,
    DEAD_OP,
    HARMLESS,
    HARMLESS_CUT,
    LINES,
    LIVE_OP,
    LOOP,
    LOSS,
    VERDICTS,
)
from graphcut.render.picture.writers.dot import to_dot
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED

DEFICIENCIES = ["deuteranomaly", "protanomaly", "tritanomaly"]
TOLD_APART = 10.0
READABLE, SEEN = 4.5, 3.0  # WCAG 2.1, 1.4.3 and 1.4.11
PAGES = {"day": palette.DAY, "night": palette.NIGHT}


def rgb(name):
    return [int(name[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def seen(name, deficiency):
    """Return the colour as a person without one kind of cone sees it."""
    space = {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}
    return np.clip(cspace_convert(rgb(name), space, "sRGB1"), 0, 1)


def luminance(name):
    """The relative luminance of WCAG 2.1."""
    parts = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in rgb(name)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_verdicts_colours_are_told_apart(deficiency):
    for one, other in itertools.combinations(VERDICTS.values(), 2):
        difference = deltaE(seen(one["color"], deficiency), seen(other["color"], deficiency), input_space="sRGB1")
        assert difference > TOLD_APART, (one["color"], other["color"])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_where_a_gradient_passes_is_told_from_where_it_ends(deficiency):
    live, cut = (seen(LINES[line]["color"], deficiency) for line in (Line.LIVE, Line.CUT))
    assert deltaE(live, cut, input_space="sRGB1") > TOLD_APART


def test_in_grey_shape_and_line_tell_the_verdicts_apart():
    assert len({(each["shape"], each["style"]) for each in VERDICTS.values()}) == len(VERDICTS)


def test_in_grey_the_lines_differ_in_pattern_width_or_head():
    looks = {(each.get("style"), each["penwidth"], each.get("arrowhead")) for each in LINES.values()}
    assert len(looks) == len(LINES)


@pytest.mark.parametrize("look", [*VERDICTS.values(), *CHANGES.values(), LOSS, BARRIER, HARMLESS, LIVE_OP, DEAD_OP])
def test_text_is_readable_on_its_fill(look):
    ground = look.get("fillcolor", palette.WHITE)
    assert contrast(look.get("fontcolor", palette.BLACK), ground) >= READABLE


@pytest.mark.parametrize(
    "ground", [palette.WHITE, palette.NIGHT["paper"], "#0D1117"], ids=["white", "night", "GitHub's night"]
)
@pytest.mark.parametrize("look", [*VERDICTS.values(), *LINES.values(), LOSS, HARMLESS, LIVE_OP, DEAD_OP, CONDITIONAL])
def test_strokes_are_seen_on_white_and_on_dark(look, ground):
    assert contrast(look["color"], ground) >= SEEN


@pytest.mark.parametrize("look", [BARRIER, *CHANGES.values()])
def test_a_strong_fill_is_seen_and_so_is_its_stroke(look):
    assert contrast(look["color"], look["fillcolor"]) >= SEEN
    assert contrast(look["fillcolor"], palette.WHITE) >= SEEN
    assert contrast(look["fillcolor"], palette.NIGHT["paper"]) >= SEEN


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_a_gained_gradient_is_told_from_a_lost_one(deficiency):
    gained, lost = (seen(CHANGES[word]["fillcolor"], deficiency) for word in ("gained", "lost"))
    assert deltaE(gained, lost, input_space="sRGB1") > TOLD_APART


@pytest.mark.parametrize("look", [LINES[Line.CUT], HARMLESS_CUT, LOOP, CONDITIONAL])
def test_what_is_written_on_a_line_is_readable_on_white(look):
    assert contrast(look["fontcolor"], palette.WHITE) >= READABLE


@pytest.mark.parametrize("audit", [STOPPED, EVERY_VERDICT], ids=["stopped", "every_verdict"])
def test_a_picture_stands_on_white_and_has_no_other_colours(audit):
    text = to_dot(audit)
    strokes = set(re.findall(r'\bcolor="?([#\w]+)', text))
    assert f'bgcolor="{palette.WHITE}"' in text and strokes <= {*palette.STROKES.values(), palette.GREY, palette.BLACK}
    assert all(
        contrast(each, palette.WHITE) >= READABLE
        for each in re.findall(r'fontcolor="?([#\w]+)', text)
        if each != palette.WHITE
    )


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_s_text_is_readable_and_its_controls_are_seen(page):
    for ground in (page["paper"], page["panel"]):
        assert min(contrast(page["ink"], ground), contrast(page["faint"], ground)) >= READABLE
        assert min(contrast(page["line"], ground), contrast(page["chosen"], ground)) >= SEEN


@pytest.mark.parametrize("fill", [*palette.FILLS.values(), palette.LIVE, palette.BEHIND, palette.HARMLESS])
def test_ink_is_readable_on_every_fill(fill):
    assert contrast(palette.INK, fill) >= READABLE


def test_no_colour_is_named_outside_the_palette():
    files = [each for each in Path(palette.__file__).parent.rglob("*.*") if each.suffix in (".py", ".css", ".js", ".html")]
    named = {each.name for each in files if re.search("#[0-9a-fA-F]{6}", each.read_text(encoding="utf-8"))}
    assert named == {"palette.py"}
