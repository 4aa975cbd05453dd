from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from graphcut.render.picture.writers.svg_frame_titles import crossed_frames, move_frame_titles

FRAME = """<g id="clust1" class="cluster">
<title>cluster_n0_0</title>
<path fill="white" stroke="#858585" d="M12,-90C12,-90 188,-90 188,-90 188,-90 188,-10 188,-10"/>
<text text-anchor="middle" x="60" y="-78" font-family="Helvetica" font-size="11.00" fill="#595959">scope</text>
</g>
"""
LINE = """<g id="edge1" class="edge">
<title>n0-&gt;n1</title>
<path fill="none" stroke="black" d="M%s,-120C%s,-100 %s,-80 %s,-60"/>
</g>
"""


def picture(*lines):
    """A frame from 12 to 188 and lines that come down through its upper edge."""
    drawn = FRAME + "".join(LINE % ((at,) * 4) for at in lines)
    return f'<svg>\n<g id="graph0" class="graph">\n{drawn}</g>\n</svg>\n'


def title(svg):
    return re.search("<text.*</text>", move_frame_titles(svg)).group(0)


def middle(svg):
    return float(re.search(' x="([0-9.]+)"', title(svg)).group(1))


def test_a_title_stands_at_the_left():
    assert 21 < middle(picture()) < 45


@pytest.mark.parametrize("at", [25, 35, 45])
def test_a_title_goes_aside_for_a_line(at):
    assert middle(picture(at)) > at + 14


def test_a_title_that_cannot_go_aside_interrupts_the_line():
    assert "paint-order" in title(picture(*range(15, 190, 10))) and "paint-order" not in title(picture(40))


def test_frames_are_drawn_last_and_hide_nothing():
    root = ElementTree.fromstring(move_frame_titles(picture(40)))
    assert [each.get("class") for each in root.find("g")] == ["edge", "cluster"]
    assert root.find("g")[1].find("path").get("fill") == "none"


def test_the_title_keeps_its_words():
    assert ElementTree.fromstring(move_frame_titles(picture(40))).find(".//text").text == "scope"


BOX = """<g id="node1" class="node">
<title>%s</title>
<polygon fill="none" stroke="black" points="20,%s 40,%s 40,%s 20,%s"/>
</g>
"""
BESIDE = """<g id="node9" class="node">
<title>title_cluster_n0_0</title>
<text text-anchor="middle" x="150" y="-60" font-family="Helvetica" font-size="11.00" fill="#595959">scope</text>
</g>
"""
FULL = range(15, 190, 10)


def test_a_frame_without_a_free_place_is_known_with_its_highest_box():
    svg = picture(*FULL).replace(FRAME, FRAME + BOX % ("n0", -30, -30, -20, -20) + BOX % ("n3", -60, -60, -50, -50))
    members = [("cluster_n0_0", "n0"), ("cluster_n0_0", "n3")]
    assert crossed_frames(svg, members) == {"cluster_n0_0": "n3"}
    assert crossed_frames(picture(40), members) == {}


def test_a_title_that_was_laid_out_as_a_node_is_in_its_frame_again():
    bare = re.sub("<text.*</text>\n", "", FRAME)
    svg = move_frame_titles(picture(*FULL).replace(FRAME, bare + BESIDE))
    root = ElementTree.fromstring(svg)
    frame = next(each for each in root.iter("g") if each.get("class") == "cluster")
    assert [(text.text, text.get("x")) for text in frame.iter("text")] == [("scope", "150")]
    assert "title_cluster" not in svg and "paint-order" not in svg
