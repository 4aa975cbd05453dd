from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from graphcut.render.picture.build import picture
from graphcut.render.picture.writers.font_metrics import text_width
from graphcut.render.picture.writers.svg import accessible
from tests.unit.render.picture.audits import STOPPED

SVG = "{http://www.w3.org/2000/svg}"
SHORT = "2 of 6 variables get no gradient: ArgMax, model.py:18"


def heading(words, width):
    """The heading of a picture of that width, and the width of the whole."""
    empty = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 600" width="{width}pt" height="600pt"></svg>'
    root = ElementTree.fromstring(accessible(empty, picture(STOPPED), words))
    (text,) = [each for each in root.findall(SVG + "text") if each.text == words]
    return text, float(root.get("viewBox").split()[2])


@pytest.mark.parametrize("width", [300, 700, 1400])
def test_a_thumbnail_of_300_pixels_shows_the_heading(width):
    text, whole = heading(SHORT, width)
    assert float(text.get("font-size")) * 300 / whole > 6


@pytest.mark.parametrize("words", [SHORT, SHORT * 2, "x" * 200])
def test_the_heading_fits(words):
    text, whole = heading(words, 900)
    assert text_width(words, float(text.get("font-size"))) <= whole
