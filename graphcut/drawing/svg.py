"""What Graphviz's SVG lacks: a title and a description for those who cannot see it, names in place of made-up ids."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Dict, List, Match

from graphcut.drawing.boxes import Box, Role
from graphcut.drawing.metrics import text_width
from graphcut.errors import printable

if TYPE_CHECKING:
    import networkx

_TEXT = re.compile(r'<text ([^>]*font-size="([0-9.]+)"[^>]*)>([^<]*)</text>')
_TITLE = re.compile(r"<title>([^<]*)</title>")


def accessible(svg: str, drawn: networkx.MultiDiGraph, heading: str) -> str:
    """``svg`` with ``role="img"``, ``title`` and ``desc``, and with each box titled by the ops it stands for."""
    boxes = dict(drawn.nodes(data="box"))
    names = {node: _shown(", ".join(box.ops[:5])) for node, box in boxes.items()}
    body = _TEXT.sub(_as_wide_as_laid_out, svg)
    body = _TITLE.sub(lambda found: _named(found.group(1), names), body)
    told = f"<title>{escape(heading)}</title>\n<desc>{_description(list(boxes.values()))}</desc>"
    head, opening, rest = body.partition("<svg ")
    attributes, close, inner = rest.partition(">")
    return f'{head}{opening}role="img" {attributes}{close}\n{told}{inner}'


def _as_wide_as_laid_out(found: Match[str]) -> str:
    """The text with the width that its box was made for, whatever font shows it."""
    attributes, size, text = found.groups()
    width = text_width(unescape(text).strip(" "), float(size))
    return f'<text {attributes} textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs">{text}</text>'


def _named(title: str, names: Dict[str, str]) -> str:
    """The ``title`` of a node by its ops, of an edge by those of both ends; none where the id means nothing."""
    ends = [names[end] for end in title.replace("&#45;&gt;", " ").split() if end in names]
    return f"<title>{' to '.join(ends)}</title>" if ends else ""


def _description(boxes: List[Box]) -> str:
    """``w2: flows. w1: none.``"""
    audited = [box for box in boxes if box.role is Role.VARIABLE]
    return " ".join(_shown(f"{'/'.join(box.scope + (box.title,))}: {box.lines[-1]}.") for box in audited)


def _shown(text: str) -> str:
    return escape(printable(text, 1000)[1:-1])
