"""What Graphviz's SVG lacks: a title and a description for those who cannot see it, names in place of made-up ids."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, List, Mapping, Match, Sequence, Tuple

from graphcut.errors import printable
from graphcut.render.palette import WHITE
from graphcut.render.picture.model import Box, Role
from graphcut.render.picture.writers.edge_labels import label_nodes
from graphcut.render.picture.writers.font_metrics import FONT, text_width
from graphcut.render.picture.writers.legend import Sample, samples
from graphcut.render.picture.writers.svg_legend import strip, strip_height, width_for

if TYPE_CHECKING:
    import networkx

_TEXT = re.compile(r'<text ([^>]*font-size="([0-9.]+)"[^>]*)>([^<]*)</text>')
_VIEW = re.compile(r'width="[\d.]+pt" height="[\d.]+pt"\s+viewBox="(-?[\d.]+) (-?[\d.]+) ([\d.]+) ([\d.]+)"')
_HEADING, _ABOVE = 14.0, 28.0
_TITLE = re.compile(r"<title>([^<]*)</title>")


def accessible(svg: str, drawn: networkx.MultiDiGraph, heading: str) -> str:
    """Return ``svg`` with ``role="img"``, ``title``, ``desc``, its heading, and a title of op names for each box."""
    boxes = dict(drawn.nodes(data="box"))
    names = {node: _shown(", ".join(box.ops[:5])) for node, box in boxes.items()}
    ends = label_nodes(drawn)
    body = _TEXT.sub(_as_wide_as_laid_out, _framed(svg, heading, samples(drawn)))
    body = _TITLE.sub(lambda found: _named(found.group(1), names, ends), body)
    told = f"<title>{escape(heading)}</title>\n<desc>{_description(list(boxes.values()))}</desc>"
    head, opening, rest = body.partition("<svg ")
    attributes, close, inner = rest.partition(">")
    return f'{head}{opening}role="img" {attributes}{close}\n{told}{inner}'


def _framed(svg: str, heading: str, found: Sequence[Sample]) -> str:
    """Return the picture with a line of text above it and the legend below, made wider where they are: on the same ground."""
    told = _VIEW.search(svg)
    if told is None:
        return svg
    x, y, width, height = map(float, told.groups())
    above = _ABOVE if heading else 0.0
    across = width_for(found, max(width, text_width(heading, _HEADING) + 20 if heading else 0.0), height + above)
    left, top, below = x - (across - width) / 2, y - above, strip_height(found, across)
    view = f'width="{across:.0f}pt" height="{above + height + below:.0f}pt" '
    view += f'viewBox="{left:.2f} {top:.2f} {across:.2f} {above + height + below:.2f}"'
    corners = " ".join(f"{at:.2f},{level:.2f}" for at, level in _corners(left, top, left + across, y + height + below))
    drawn = f'<polygon fill="{WHITE}" stroke="none" points="{corners}"/>\n'
    drawn += _heading_text(heading, left + across / 2, top + 22) + strip(found, left, y + height, across)
    head, _, rest = svg.partition(told.group(0))
    attributes, _, inner = rest.partition(">")
    return f"{head}{view}{attributes}>\n{drawn}{inner.lstrip()}"


def _heading_text(heading: str, x: float, y: float) -> str:
    if not heading:
        return ""
    place = f'text-anchor="middle" x="{x:.2f}" y="{y:.2f}"'
    return f'<text {place} font-family="{FONT}" font-size="{_HEADING:g}">{escape(heading)}</text>\n'


def _corners(left: float, top: float, right: float, bottom: float) -> List[Tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _as_wide_as_laid_out(found: Match[str]) -> str:
    """Return the text with the width that its box was made for, whatever font shows it."""
    attributes, size, text = found.groups()
    width = text_width(unescape(text).strip(" "), float(size))
    return f'<text {attributes} textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs">{text}</text>'


def _named(title: str, names: Mapping[str, str], ends: Mapping[str, Tuple[str, str]]) -> str:
    """Return the ``title`` of an element.

    A node is titled by its ops, a line and its words by the ops of both ends; there is none if the id means nothing.
    """
    ids = title.replace("&#45;&gt;", " ").split()
    label = next((ends[each] for each in ids if each in ends), None)
    held = [names[each] for each in label or ids if each in names]
    return f"<title>{' to '.join(held)}</title>" if held else ""


def _description(boxes: List[Box]) -> str:
    """``w2: flows. w1: none.``"""
    audited = [box for box in boxes if box.role is Role.VARIABLE]
    return " ".join(_shown(f"{'/'.join(box.scope + (box.title,))}: {box.lines[-1]}.") for box in audited)


def _shown(text: str) -> str:
    return escape(printable(text, 1000)[1:-1])
