"""The legend of an SVG: a strip of samples below the picture, as wide as that, which takes at most a fifth of the whole."""

from __future__ import annotations

import math
from html import escape
from typing import List, Mapping, Sequence, Tuple

from graphcut.render.palette import GREY, INK
from graphcut.render.picture.writers.font_metrics import FONT, text_width
from graphcut.render.picture.writers.legend import Sample

_SIZE, _ROW, _GAP, _MARGIN, _ABOVE = 9.0, 15.0, 16.0, 10.0, 5.0
_SWATCH, _HALF, _BESIDE = 28.0, 5.5, 5.0
_SHARE = 0.2
_DASHES = {"dashed": "5,2", "dotted": "1,3"}
Point = Tuple[float, float]

# Corners as shares of half the width and half the height of the sample.
_CORNERS: Mapping[str, Sequence[Point]] = {
    "box": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "parallelogram": ((-0.6, -1), (1, -1), (0.6, 1), (-1, 1)),
    "hexagon": ((-0.7, -1), (0.7, -1), (1, 0), (0.7, 1), (-0.7, 1), (-1, 0)),
    "octagon": ((-0.6, -1), (0.6, -1), (1, -0.4), (1, 0.4), (0.6, 1), (-0.6, 1), (-1, 0.4), (-1, -0.4)),
}


def width_for(samples: Sequence[Sample], width: float, height: float) -> float:
    """Return the least width from ``width`` on at which the strip below a picture of that height takes at most a fifth."""
    while samples and strip_height(samples, width) > _SHARE * (height + strip_height(samples, width)):
        if len(_rows(samples, width)) == 1:
            break
        width += 20
    return width


def strip_height(samples: Sequence[Sample], width: float) -> float:
    """How tall the strip is at that width; nothing where there is nothing to say."""
    return len(_rows(samples, width)) * _ROW + 2 * _ABOVE if samples else 0.0


def strip(samples: Sequence[Sample], left: float, top: float, width: float) -> str:
    """Return the strip from its upper left corner on, as one group."""
    placed: List[str] = []
    for at, row in enumerate(_rows(samples, width)):
        x, y = left + _MARGIN, top + _ABOVE + (at + 0.5) * _ROW
        for each in row:
            placed.append(_drawn(each, x, y))
            x += _width(each) + _GAP
    line = f'<path fill="none" stroke="{GREY}" stroke-width="0.5" d="M{left:.2f},{top:.2f} L{left + width:.2f},{top:.2f}"/>\n'
    return f'<g class="legend">\n{line}{"".join(placed)}</g>\n' if placed else ""


def pieces(samples: Sequence[Sample]) -> Tuple[str, ...]:
    """Each sample as an SVG element of its own, for a page."""
    return tuple(
        f'<svg width="{_width(each):.0f}" height="{_ROW:g}" viewBox="0 0 {_width(each):.2f} {_ROW:g}">'
        f"{_drawn(each, 0, _ROW / 2)}</svg>"
        for each in samples
    )


def _rows(samples: Sequence[Sample], width: float) -> List[List[Sample]]:
    rows: List[List[Sample]] = []
    right = math.inf
    for each in samples:
        if right + _GAP + _width(each) > width - _MARGIN:
            rows.append([])
            right = _MARGIN - _GAP
        rows[-1].append(each)
        right += _GAP + _width(each)
    return rows


def _width(sample: Sample) -> float:
    return _SWATCH + _BESIDE + text_width(sample.words, _SIZE)


def _drawn(sample: Sample, x: float, y: float) -> str:
    mark = _line(sample.looks, x, y) if sample.is_line else _shape(sample.looks, x + _SWATCH / 2, y)
    wide = text_width(sample.words, _SIZE)
    text = (
        f'<text text-anchor="middle" x="{x + _SWATCH + _BESIDE + wide / 2:.2f}" y="{y + 3:.2f}" font-family="{FONT}" '
        f'font-size="{_SIZE:.2f}" fill="{INK}">{escape(sample.words)}</text>'
    )
    return f'<g class="sample">{mark}{text}</g>\n'


def _shape(looks: Mapping[str, str], x: float, y: float) -> str:
    """Return a box in small: round its middle."""
    fill, half = looks.get("fillcolor", "none"), _SWATCH / 2 - 1
    line = _stroke({**looks, "penwidth": str(min(float(looks.get("penwidth", 1)), 2))})
    rings = (1.0, 0.72) if looks["shape"].startswith("triple") or looks.get("peripheries") == "2" else (1.0,)
    if looks["shape"] == "ellipse":
        return "".join(
            f'<ellipse fill="{fill}" {line} cx="{x:.2f}" cy="{y:.2f}" rx="{half * ring:g}" ry="{_HALF * ring:g}"/>'
            for ring in rings
        )
    corners = _CORNERS[looks["shape"].replace("triple", "")]
    outlines = [_points([(x + across * half * ring, y + down * _HALF * ring) for across, down in corners]) for ring in rings]
    return "".join(f'<polygon fill="{fill}" {line} points="{outline}"/>' for outline in outlines)


def _line(looks: Mapping[str, str], x: float, y: float) -> str:
    """Return a line with its head, as long as the sample is wide."""
    if looks.get("dir") == "back":
        ahead = {**looks, "arrowhead": looks.get("arrowtail", "normal"), "dir": "forward"}
        return f'<g transform="rotate(180 {x + _SWATCH / 2:.2f} {y:.2f})">{_line(ahead, x, y)}</g>'
    head, end = looks.get("arrowhead", "normal"), x + _SWATCH
    short = end - {"normal": 9, "tee": 3}.get(head, 0)
    path = f'<path fill="none" {_stroke(looks)} d="M{x:.2f},{y:.2f} L{short:.2f},{y:.2f}"/>'
    solid = _stroke({**looks, "style": "", "penwidth": "1"})
    if head == "normal":
        points = _points([(end - 9, y - 3.5), (end, y), (end - 9, y + 3.5)])
        return f'{path}<polygon fill="{looks["color"]}" {solid} points="{points}"/>'
    if head == "tee":
        points = _points([(short, y - 5), (end, y - 5), (end, y + 5), (short, y + 5)])
        return f'{path}<polygon fill="{looks["color"]}" {solid} points="{points}"/>'
    if head == "open":
        points = _points([(end - 7, y - 3.5), (end, y), (end - 7, y + 3.5)])
        return f'{path}<polyline fill="none" {_stroke({**looks, "style": ""})} points="{points}"/>'
    return path


def _stroke(looks: Mapping[str, str]) -> str:
    dash = next((f' stroke-dasharray="{dashes}"' for style, dashes in _DASHES.items() if style in looks.get("style", "")), "")
    width = f'stroke-width="{float(looks.get("penwidth", 1)):g}"'
    return f'stroke="{looks.get("color", "none")}" {width}{dash}'


def _points(corners: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
