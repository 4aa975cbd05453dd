"""The palette for eyes that see fewer colours: simulated by colorspacious, with the model of Machado and others (2009)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from graphcut.drawing.boxes import Line
from graphcut.drawing.style import BARRIER, DEAD_OP, HARMLESS, LINES, LIVE_OP, LOSS, VERDICTS

DEFICIENCIES = ["deuteranomaly", "protanomaly", "tritanomaly"]
TOLD_APART = 10.0
READABLE, SEEN = 4.5, 2.2


def rgb(name):
    text = {"black": "#000000", "white": "#FFFFFF"}.get(name, name)
    return [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def seen(name, deficiency):
    """The colour as it is seen by who lacks one kind of cone altogether."""
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


@pytest.mark.parametrize("look", [*VERDICTS.values(), LOSS, BARRIER, HARMLESS, LIVE_OP, DEAD_OP])
def test_text_is_readable_on_its_fill(look):
    assert contrast(look.get("fontcolor", "black"), look.get("fillcolor", "white")) >= READABLE


@pytest.mark.parametrize("look", [*VERDICTS.values(), *LINES.values()])
def test_lines_are_seen_on_white(look):
    assert contrast(look["color"], "white") >= SEEN


@pytest.mark.parametrize("line", [line for line in Line if "fontcolor" in LINES[line]])
def test_what_is_written_on_a_line_is_readable_on_white(line):
    assert contrast(LINES[line]["fontcolor"], "white") >= READABLE
