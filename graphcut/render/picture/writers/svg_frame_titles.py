"""Move the titles of scopes in a laid-out picture to where no line crosses them.

Graphviz ignores lines when it places a title. Here each title moves along the upper edge of its frame to the first free place.
If there is none, the picture is laid out again with the title as a separate node, which no line crosses (``svg_layout``). If
that fails too, the title interrupts the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Sequence, Tuple

from graphcut.render.palette import WHITE
from graphcut.render.picture.writers.font_metrics import text_width
from graphcut.render.picture.writers.svg_line_words import move_line_words
from graphcut.render.picture.writers.xml_elements import (
    find_groups,
    points_of_groups,
    read_points,
    read_svg,
    shapes_of,
    write_svg,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Point = Tuple[float, float]

TITLE = "title_"
_INDENT, _STEP = 9.0, 4.0
_HALO = {"paint-order": "stroke", "stroke": WHITE, "stroke-width": "4"}


def move_frame_titles(svg: str) -> str:
    """Return Graphviz's SVG with the frames last and their titles moved; a title that is a node goes back to its frame."""
    document = read_svg(svg)
    root = document.root
    move_line_words(root)
    lines = _points_of_lines(root)
    titles = {title[len(TITLE) :]: node for node, title in find_groups(root, "node") if title.startswith(TITLE)}
    frames = _frames(root)
    for frame, name in frames:
        _move_title(frame, list(titles[name].iter("text")) if name in titles else [], lines)
    for graph in root.findall("g"):
        last = [frame for frame, _ in frames if frame in list(graph)]
        graph[:] = [each for each in graph if each not in last and each not in titles.values()] + last
    return write_svg(document)


def crossed_frames(svg: str, members: Sequence[Tuple[str, str]]) -> Dict[str, str]:
    """Return the frames of Graphviz's SVG without a free place for their title, each with the topmost box in it.

    ``members`` are pairs of a frame and a box in it.
    """
    root = read_svg(svg).root
    lines = _points_of_lines(root)
    crossed = {name for frame, name in _frames(root) if _is_crossed(frame, lines)}
    tops = {name: _top(node) for node, name in find_groups(root, "node")}
    highest: Dict[str, str] = {}
    for frame, box in members:
        if frame in crossed and box in tops and (frame not in highest or tops[box] < tops[highest[frame]]):
            highest[frame] = box
    return highest


def _frames(root: Element) -> List[Tuple[Element, str]]:
    """Return the frames of scopes and of opened boxes, each with its name, without that of the legend."""
    return [(group, name) for group, name in find_groups(root, "cluster") if name.startswith(("cluster_n", "cluster_e"))]


def _points_of_lines(root: Element) -> List[Point]:
    return points_of_groups(line for line, _ in find_groups(root, "edge"))


def _top(node: Element) -> float:
    """Return the y coordinate of the upper edge of a box."""
    heights = [float(each.attrib[key]) for each in node.iter() for key in ("y", "cy") if key in each.attrib]
    heights += [y for shape in shapes_of(node) for _, y in read_points(shape)]
    return min(heights, default=0.0)


def _move_title(frame: Element, elsewhere: Sequence[Element], lines: Sequence[Point]) -> None:
    """Move the title of a frame into place, even if it was laid out ``elsewhere``; make the frame transparent."""
    edges = _edges(frame)
    for each in frame.iter():
        if "stroke" in each.attrib:
            each.set("fill", "none")
    for text in () if elsewhere else frame.iter("text"):
        start, crossings = _place(text, edges, lines)
        text.set("x", f"{start + _width(text) / 2:.2f}")
        text.attrib.update(_HALO if crossings else {})
    frame.extend(elsewhere)


def _edges(frame: Element) -> Tuple[float, float]:
    across = [x for shape in shapes_of(frame) for x, _ in read_points(shape)]
    return min(across), max(across)


def _is_crossed(frame: Element, lines: Sequence[Point]) -> bool:
    return any(_place(text, _edges(frame), lines)[1] > 0 for text in frame.iter("text"))


def _place(text: Element, edges: Tuple[float, float], lines: Sequence[Point]) -> Tuple[float, int]:
    """Return where a title starts, and how many points of lines it covers."""
    (left, right), bottom, size, width = edges, float(text.attrib["y"]), _font_size(text), _width(text)
    near = [x for x, y in lines if bottom - size < y < bottom + 4 and left < x < right]
    free = max(right - left - 2 * _INDENT - width, 0.0)
    starts = [left + _INDENT + step * _STEP for step in range(int(free / _STEP) + 1)]
    crossed = [sum(start - 3 < x < start + width + 3 for x in near) for start in starts]
    return starts[crossed.index(min(crossed))], min(crossed)


def _width(text: Element) -> float:
    return text_width(text.text or "", _font_size(text))


def _font_size(text: Element) -> float:
    return float(text.attrib["font-size"])
