"""The legend of an SVG: a strip of samples below the picture, as wide as the picture and at most a fifth of the whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from graphcut.render.palette import GREY, INK
from graphcut.render.picture.writers.font_metrics import FONT, text_width
from graphcut.render.picture.writers.legend_samples import Sample
from graphcut.render.picture.writers.xml_elements import element, write_element

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SIZE, _ROW, _GAP, _MARGIN, _ABOVE = 9.0, 15.0, 16.0, 10.0, 5.0
_SWATCH, _HALF, _BESIDE = 28.0, 5.5, 5.0
_SHARE, _ON_PAGE = 0.2, 1.3
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
    """Return the smallest width, at least ``width``, at which the strip takes at most a fifth of the height."""
    while samples and strip_height(samples, width) > _SHARE * (height + strip_height(samples, width)):
        if len(_rows(samples, width)) == 1:
            break
        width += 20
    return width


def strip_height(samples: Sequence[Sample], width: float) -> float:
    """Return the height of the strip at that width; 0 if there are no samples."""
    return len(_rows(samples, width)) * _ROW + 2 * _ABOVE if samples else 0.0


def strip(samples: Sequence[Sample], left: float, top: float, width: float) -> List[Element]:
    """Return the strip from its upper left corner on, as one group; nothing if there are no samples."""
    placed: List[Element] = []
    for at, row in enumerate(_rows(samples, width)):
        x, y = left + _MARGIN, top + _ABOVE + (at + 0.5) * _ROW
        for each in row:
            placed.append(_draw_sample(each, x, y))
            x += _width(each) + _GAP
    y = top + 1  # below the ground of the picture, which would cover half of it
    rule = {"stroke": GREY, "stroke-width": "0.5", "d": f"M{left:.2f},{y:.2f} L{left + width:.2f},{y:.2f}"}
    return [element("g", {"class": "legend"}, element("path", {"fill": "none", **rule}), *placed)] if placed else []


def pieces(samples: Sequence[Sample]) -> Tuple[str, ...]:
    """Return each sample as a separate SVG element, for a page."""
    return tuple(write_element(_piece(each)) for each in samples)


def _piece(sample: Sample) -> Element:
    wide, tall = _width(sample) * _ON_PAGE, _ROW * _ON_PAGE
    size = {"width": f"{wide:.0f}", "height": f"{tall:g}", "viewBox": f"0 0 {_width(sample):.2f} {_ROW:g}"}
    return element("svg", size, _draw_sample(sample, 0, _ROW / 2))


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


def _draw_sample(sample: Sample, x: float, y: float) -> Element:
    mark = _line(sample.looks, x, y) if sample.is_line else _shape(sample.looks, x + _SWATCH / 2, y)
    wide = text_width(sample.words, _SIZE)
    place = {"text-anchor": "middle", "x": f"{x + _SWATCH + _BESIDE + wide / 2:.2f}", "y": f"{y + 3:.2f}"}
    looks = {"font-family": FONT, "font-size": f"{_SIZE:.2f}", "fill": INK}
    return element("g", {"class": "sample"}, *mark, element("text", {**place, **looks}, text=sample.words))


def _shape(looks: Mapping[str, str], x: float, y: float) -> List[Element]:
    """Return the outline of a small box around a centre, or two nested outlines."""
    fill, half = looks.get("fillcolor", "none"), _SWATCH / 2 - 1
    line = {"fill": fill, **_stroke({**looks, "penwidth": str(min(float(looks.get("penwidth", 1)), 2))})}
    rings = (1.0, 0.72) if looks["shape"].startswith("triple") or looks.get("peripheries") == "2" else (1.0,)
    if looks["shape"] == "ellipse":
        middle = {"cx": f"{x:.2f}", "cy": f"{y:.2f}"}
        return [element("ellipse", {**line, **middle, "rx": f"{half * ring:g}", "ry": f"{_HALF * ring:g}"}) for ring in rings]
    corners = _CORNERS[looks["shape"].replace("triple", "")]
    outlines = [_points([(x + across * half * ring, y + down * _HALF * ring) for across, down in corners]) for ring in rings]
    return [element("polygon", {**line, "points": outline}) for outline in outlines]


def _line(looks: Mapping[str, str], x: float, y: float) -> List[Element]:
    """Return a line with its arrowhead, as long as the sample is wide."""
    if looks.get("dir") == "back":
        ahead = {**looks, "arrowhead": looks.get("arrowtail", "normal"), "dir": "forward"}
        return [element("g", {"transform": f"rotate(180 {x + _SWATCH / 2:.2f} {y:.2f})"}, *_line(ahead, x, y))]
    head, end = looks.get("arrowhead", "normal"), x + _SWATCH
    short = end - {"normal": 9, "tee": 3}.get(head, 0)
    path = element("path", {"fill": "none", **_stroke(looks), "d": f"M{x:.2f},{y:.2f} L{short:.2f},{y:.2f}"})
    return [path, *_head(head, looks, end, y)]


def _head(head: str, looks: Mapping[str, str], end: float, y: float) -> List[Element]:
    """Return the arrowhead at the end point of a line: an arrow, a bar, an open arrow, or nothing."""
    filled = {"fill": looks["color"], **_stroke({**looks, "style": "", "penwidth": "1"})}
    if head == "normal":
        return [element("polygon", {**filled, "points": _points([(end - 9, y - 3.5), (end, y), (end - 9, y + 3.5)])})]
    if head == "tee":
        bar = [(end - 3, y - 5), (end, y - 5), (end, y + 5), (end - 3, y + 5)]
        return [element("polygon", {**filled, "points": _points(bar)})]
    if head == "open":
        corners = _points([(end - 7, y - 3.5), (end, y), (end - 7, y + 3.5)])
        return [element("polyline", {"fill": "none", **_stroke({**looks, "style": ""}), "points": corners})]
    return []


def _stroke(looks: Mapping[str, str]) -> Dict[str, str]:
    dashes = [dash for style, dash in _DASHES.items() if style in looks.get("style", "")]
    line = {"stroke": looks.get("color", "none"), "stroke-width": f"{float(looks.get('penwidth', 1)):g}"}
    return {**line, "stroke-dasharray": dashes[0]} if dashes else line


def _points(corners: Sequence[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
