"""Make Graphviz's SVG accessible: add a title and a description, and replace generated ids with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from graphcut.errors import printable
from graphcut.render.palette import WHITE
from graphcut.render.picture.model import Box, Role
from graphcut.render.picture.writers.edge_labels import label_nodes
from graphcut.render.picture.writers.font_metrics import FONT, text_width
from graphcut.render.picture.writers.legend_samples import Sample, samples
from graphcut.render.picture.writers.svg_legend import strip, strip_height, width_for
from graphcut.render.picture.writers.xml_elements import element, read_svg, write_svg

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import networkx

_HEADING, _ABOVE, _THUMBNAIL = 14.0, 2.0, 45.0


def accessible(svg: str, drawn: networkx.MultiDiGraph, heading: str) -> str:
    """Return ``svg`` with ``role="img"``, ``title``, ``desc``, a heading, a legend, and op names as the title of each box."""
    document = read_svg(svg)
    root, boxes = document.root, dict(drawn.nodes(data="box"))
    _name_groups(root, {node: _show(", ".join(box.ops[:5])) for node, box in boxes.items()}, label_nodes(drawn))
    _add_frame(root, heading, samples(drawn))
    for text in root.iter("text"):
        text.attrib.update(_width_as_laid_out(text.text or "", float(text.get("font-size", _HEADING))))
    root.set("role", "img")
    root.insert(0, element("desc", {}, text=_description(list(boxes.values()))))
    root.insert(0, element("title", {}, text=heading))
    return write_svg(document)


def _add_frame(root: Element, heading: str, legend: Sequence[Sample]) -> None:
    """Add the heading above the picture and the legend below it, and enlarge the background to hold both."""
    x, y, width, height = map(float, root.get("viewBox", "0 0 1 1").split())
    size = _heading_size(heading, width)
    above = _ABOVE * size if heading else 0.0
    across = width_for(legend, max(width, text_width(heading, size) + 20 if heading else 0.0), height + above)
    left, top, below = x - (across - width) / 2, y - above, strip_height(legend, across)
    root.attrib.update(_view(left, top, across, above + height + below))
    corners = " ".join(f"{at:.2f},{level:.2f}" for at, level in _corners(left, top, left + across, y + height + below))
    ground = element("polygon", {"fill": WHITE, "stroke": "none", "points": corners})
    words = [_heading_text(heading, size, left + across / 2, top + 1.57 * size)] if heading else []
    root[:0] = [ground, *words, *strip(legend, left, y + height, across)]


def _view(left: float, top: float, width: float, height: float) -> Dict[str, str]:
    box = f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}"
    return {"width": f"{width:.0f}pt", "height": f"{height:.0f}pt", "viewBox": box}


def _heading_size(heading: str, width: float) -> float:
    """Return the font size of the heading: so large that a thumbnail shows it, if it is short enough for the width."""
    return max(_HEADING, min(width / _THUMBNAIL, (width - 20) / max(text_width(heading, 1.0), 1.0)))


def _heading_text(heading: str, size: float, x: float, y: float) -> Element:
    place = {"text-anchor": "middle", "x": f"{x:.2f}", "y": f"{y:.2f}"}
    return element("text", {**place, "font-family": FONT, "font-size": f"{size:.2f}"}, text=heading)


def _corners(left: float, top: float, right: float, bottom: float) -> List[Tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _width_as_laid_out(text: str, size: float) -> Dict[str, str]:
    """Return the attributes that keep a text as wide as its box expects, whatever font the viewer has."""
    return {"textLength": f"{text_width(text.strip(' '), size):.1f}", "lengthAdjust": "spacingAndGlyphs"}


def _name_groups(root: Element, names: Mapping[str, str], ends: Mapping[str, Tuple[str, str]]) -> None:
    """Set the title of each node to its ops, and of a line and its label to the ops at both ends; remove other titles."""
    for group in root.iter():
        for title in group.findall("title"):
            ids = (title.text or "").replace("->", " ").split()
            label = next((ends[each] for each in ids if each in ends), None)
            title.text = " to ".join(names[each] for each in label or ids if each in names)
            if not title.text:
                group.remove(title)


def _description(boxes: List[Box]) -> str:
    """Return a description such as ``w2: flows. w1: none.``"""
    audited = [box for box in boxes if box.role is Role.VARIABLE]
    return " ".join(_show(f"{'/'.join(box.scope + (box.title,))}: {box.lines[-1]}.") for box in audited)


def _show(text: str) -> str:
    return printable(text, 1000)[1:-1]
