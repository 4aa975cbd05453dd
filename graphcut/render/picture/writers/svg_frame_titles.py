"""The titles of scopes in a laid-out picture: above the lines, and where no line crosses them.

Graphviz puts a title where it likes and draws lines over it. Here each title goes along the upper edge of its frame to the
first place that is free; where none is, a line is interrupted by it.
"""

from __future__ import annotations

import re
from html import unescape
from typing import List, Match, Sequence, Tuple

from graphcut.render.palette import WHITE
from graphcut.render.picture.writers.font_metrics import text_width

Point = Tuple[float, float]

_FRAME = re.compile(r'(?:<!-- [^>]* -->\n)?<g id="[^"]*" class="cluster">\n<title>cluster_[ne].*?</g>\n', re.S)
_LINE = re.compile(r'<g id="[^"]*" class="edge">.*?</g>\n', re.S)
_SHAPE = re.compile(r' (?:d|points)="([^"]*)"')
_PAIR = re.compile(r"(-?[\d.]+)[, ](-?[\d.]+)")
_TEXT = re.compile(r'<text ([^>]*?)x="([^"]*)" y="([^"]*)"([^>]*font-size="([\d.]+)"[^>]*)>([^<]*)</text>')
_FILL = re.compile(r'fill="[^"]*" stroke')
_INDENT, _STEP, _SAMPLES = 9.0, 4.0, 16
_HALO = f' paint-order="stroke" stroke="{WHITE}" stroke-width="4"'


def titled(svg: str) -> str:
    """Graphviz's SVG with the frames last and their titles moved."""
    lines = [point for line in _LINE.findall(svg) for shape in _SHAPE.findall(line) for point in _sampled(shape)]
    frames = [_moved(frame, lines) for frame in _FRAME.findall(svg)]
    bare, end, rest = _FRAME.sub("", svg).rpartition("</g>\n</svg>")
    return "".join((bare, *frames, end, rest))


def _sampled(shape: str) -> List[Point]:
    """Points along a path of cubic curves; the corners of another shape."""
    corners = [(float(x), float(y)) for x, y in _PAIR.findall(shape)]
    if not shape.startswith("M"):
        return corners
    curves = zip(corners[::3], corners[1::3], corners[2::3], corners[3::3])
    return [_on_curve(curve, at / _SAMPLES) for curve in curves for at in range(_SAMPLES + 1)]


def _on_curve(curve: Sequence[Point], at: float) -> Point:
    """The point of a cubic Bézier curve."""
    weights = (1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, curve)) for axis in (0, 1))
    return x, y


def _moved(frame: str, lines: Sequence[Point]) -> str:
    across = [float(x) for x, _ in _PAIR.findall(" ".join(_SHAPE.findall(frame)))]
    open_frame = _FILL.sub('fill="none" stroke', frame)
    return _TEXT.sub(lambda text: _placed(text, min(across), max(across), lines), open_frame)


def _placed(text: Match[str], left: float, right: float, lines: Sequence[Point]) -> str:
    """The title at the first of the places with the fewest points of lines in it."""
    before, _, below, after, size, words = text.groups()
    width, bottom = text_width(unescape(words), float(size)), float(below)
    near = [x for x, y in lines if bottom - float(size) < y < bottom + 4 and left < x < right]
    room = max(right - left - 2 * _INDENT - width, 0.0)
    starts = [left + _INDENT + step * _STEP for step in range(int(room / _STEP) + 1)]
    crossed = [sum(start - 3 < x < start + width + 3 for x in near) for start in starts]
    start = starts[crossed.index(min(crossed))]
    halo = _HALO if min(crossed) else ""
    return f'<text {before}x="{start + width / 2:.2f}" y="{below}"{after}{halo}>{words}</text>'
