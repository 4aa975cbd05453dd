from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from graphcut.render.picture.writers.svg_line_words import move_line_words

BOX = '<g id="node1" class="node"><title>n0</title><polygon points="%d,%d %d,%d"/></g>'
LINE = '<g class="edge"><title>n0-&gt;n1</title><path d="M%d,%dC%d,%d %d,%d %d,%d"/>%s</g>'
WORDS = '<text text-anchor="middle" x="%d" y="50" font-size="10.00">loop</text>'


def drawn(*groups):
    ground = '<polygon points="0,0 200,0 200,200 0,200"/>'
    return ElementTree.fromstring(f'<svg><g class="graph">{ground}{"".join(groups)}</g></svg>')


def down(x, words=""):
    """A straight line from the top to the bottom."""
    return LINE % (x, 0, x, 60, x, 120, x, 200, words)


def place_of_words(*groups):
    root = drawn(*groups)
    move_line_words(root)
    (text,) = root.iter("text")
    return float(text.attrib["x"]), float(text.attrib["y"])


def test_words_that_nothing_crosses_stay():
    assert place_of_words(down(100, WORDS % 80)) == (80, 50)


@pytest.mark.parametrize("crossing", [70, 75, 80, 85, 90])
def test_words_go_to_where_no_line_crosses_them(crossing):
    x, _ = place_of_words(down(100, WORDS % 80), down(crossing))
    assert abs(x - crossing) > 10 and abs(x - 100) > 10


def test_words_cover_no_box():
    x, y = place_of_words(down(100, WORDS % 80), down(80), BOX % (105, 0, 190, 150))
    assert x < 100 or y > 150


def test_words_stay_inside_the_picture():
    x, _ = place_of_words(down(8, WORDS % 30), down(30))
    assert x > 8
