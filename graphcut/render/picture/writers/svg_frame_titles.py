"""The titles of scopes in a laid-out picture: above the lines, and where no line crosses them.

Graphviz puts a title where it likes and draws lines over it. Here each title goes along the upper edge of its frame to the
first place that is free. A frame that has none is laid out again with its title as a node of its own, which no line crosses
(``layout_with_titles``); the title of a frame that has neither interrupts the line.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Dict, List, Match, Optional, Sequence, Tuple

from graphcut.render.palette import WHITE
from graphcut.render.picture.writers.font_metrics import text_width

Point = Tuple[float, float]

TITLE = "title_"
_FRAME = re.compile(r'(?:<!-- [^>]* -->\n)?<g id="[^"]*" class="cluster">\n<title>(cluster_[ne][^<]*)</title>.*?</g>\n', re.S)
_TITLE = re.compile(r'(?:<!-- [^>]* -->\n)?<g id="[^"]*" class="node">\n<title>title_([^<]*)</title>.*?</g>\n', re.S)
_NODE = re.compile(r'<g id="[^"]*" class="node">\n<title>(n\d+)</title>(.*?)</g>\n', re.S)
_LINE = re.compile(r'<g id="[^"]*" class="edge">.*?</g>\n', re.S)
_SHAPE = re.compile(r' (?:d|points)="([^"]*)"')
_PAIR = re.compile(r"(-?[\d.]+)[, ](-?[\d.]+)")
_TEXT = re.compile(r'<text ([^>]*?)x="([^"]*)" y="([^"]*)"([^>]*font-size="([\d.]+)"[^>]*)>([^<]*)</text>')
_FILL = re.compile(r'fill="[^"]*" stroke')
_INDENT, _STEP, _SAMPLES = 9.0, 4.0, 16
_HALO = f' paint-order="stroke" stroke="{WHITE}" stroke-width="4"'


def move_frame_titles(svg: str) -> str:
    """Graphviz's SVG with the frames last and their titles moved; a title that is a node is in its frame again."""
    lines = _points_of_lines(svg)
    nodes = {frame: text.group(0) for frame, text in _titles_as_nodes(svg).items()}
    frames = [_moved(frame.group(0), nodes.get(frame.group(1), ""), lines) for frame in _FRAME.finditer(svg)]
    bare, end, rest = _TITLE.sub("", _FRAME.sub("", svg)).rpartition("</g>\n</svg>")
    return "".join((bare, *frames, end, rest))


def crossed_frames(svg: str, members: Sequence[Tuple[str, str]]) -> Dict[str, str]:
    """Return the frames of Graphviz's SVG that have no free place for their title, each with the highest box in it.

    ``members`` are pairs of a frame and a box in it.
    """
    lines = _points_of_lines(svg)
    crossed = {frame.group(1) for frame in _FRAME.finditer(svg) if _is_crossed(frame.group(0), lines)}
    tops = {node.group(1): _top(node.group(2)) for node in _NODE.finditer(svg)}
    found: Dict[str, str] = {}
    for frame, box in members:
        if frame in crossed and box in tops and (frame not in found or tops[box] < tops[found[frame]]):
            found[frame] = box
    return found


def _titles_as_nodes(svg: str) -> Dict[str, Match[str]]:
    found = {node.group(1): _TEXT.search(node.group(0)) for node in _TITLE.finditer(svg)}
    return {frame: text for frame, text in found.items() if text}


def _points_of_lines(svg: str) -> List[Point]:
    return [point for line in _LINE.findall(svg) for shape in _SHAPE.findall(line) for point in _sampled(shape)]


def _top(node: str) -> float:
    """How high a box reaches: less is higher."""
    heights = [float(y) for y in re.findall(r' c?y="([^"]*)"', node)]
    heights += [float(y) for shape in _SHAPE.findall(node) for _, y in _PAIR.findall(shape)]
    return min(heights, default=0.0)


def _sampled(shape: str) -> List[Point]:
    """Points along a path of cubic curves; the corners of another shape."""
    corners = [(float(x), float(y)) for x, y in _PAIR.findall(shape)]
    if not shape.startswith("M"):
        return corners
    curves = zip(corners[::3], corners[1::3], corners[2::3], corners[3::3])
    return [_on_curve(curve, at / _SAMPLES) for curve in curves for at in range(_SAMPLES + 1)]


def _on_curve(curve: Sequence[Point], at: float) -> Point:
    """Return the point of a cubic Bézier curve."""
    weights = (1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, curve)) for axis in (0, 1))
    return x, y


def _moved(frame: str, text: str, lines: Sequence[Point]) -> str:
    open_frame = _FILL.sub('fill="none" stroke', frame)
    if text:
        return open_frame[: open_frame.rindex("</g>")] + text + "\n</g>\n"
    return _TEXT.sub(lambda text: _placed(text, _edges(frame), lines), open_frame)


def _edges(frame: str) -> Tuple[float, float]:
    across = [float(x) for x, _ in _PAIR.findall(" ".join(_SHAPE.findall(frame)))]
    return min(across), max(across)


def _is_crossed(frame: str, lines: Sequence[Point]) -> bool:
    text: Optional[Match[str]] = _TEXT.search(frame)
    return text is not None and _place(text, _edges(frame), lines)[1] > 0


def _placed(text: Match[str], edges: Tuple[float, float], lines: Sequence[Point]) -> str:
    """Return the title at the first of the places with the fewest points of lines in it."""
    before, _, below, after, size, words = text.groups()
    start, crossings = _place(text, edges, lines)
    halo = _HALO if crossings else ""
    return (
        f'<text {before}x="{start + text_width(unescape(words), float(size)) / 2:.2f}" y="{below}"{after}{halo}>{words}</text>'
    )


def _place(text: Match[str], edges: Tuple[float, float], lines: Sequence[Point]) -> Tuple[float, int]:
    """Where a title starts, and how many points of lines are in it."""
    (left, right), (_, _, below, _, size, words) = edges, text.groups()
    width, bottom = text_width(unescape(words), float(size)), float(below)
    near = [x for x, y in lines if bottom - float(size) < y < bottom + 4 and left < x < right]
    room = max(right - left - 2 * _INDENT - width, 0.0)
    starts = [left + _INDENT + step * _STEP for step in range(int(room / _STEP) + 1)]
    crossed = [sum(start - 3 < x < start + width + 3 for x in near) for start in starts]
    return starts[crossed.index(min(crossed))], min(crossed)
