"""The picture of one audit as a page needs it: the boxes and links as data, and SVG that names them.

Graphviz's SVG is copied element by element, and only what draws is taken: no link, no script, no style, no id. Each box
says which it is (``data-box``), each line which boxes it joins (``data-from``, ``data-to``).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Iterator, Optional, Tuple

from graphcut.drawing.dot import title, write
from graphcut.drawing.engines import choose, render
from graphcut.drawing.picture import picture
from graphcut.drawing.plain import sort_attributes
from graphcut.errors import GraphcutError

if TYPE_CHECKING:
    import networkx

    from graphcut.views.facts import Facts

_DRAWN = ("svg", "g", "polygon", "polyline", "path", "ellipse", "text")
_LOOKS = re.compile(
    "class|d|points|[rc]?[xy]|fill|fill-opacity|stroke|stroke-(width|dasharray|opacity)|text-anchor|font-[a-z]+"
)
_XLINK_TITLE = "{http://www.w3.org/1999/xlink}title"


@dataclass(frozen=True)
class Sketch:
    """``drawn`` has boxes and links; ``image`` is Graphviz's SVG and ``svg`` the element made of it; both are empty where
    there is no layout: ``problem`` says why."""

    title: str
    drawn: networkx.MultiDiGraph
    image: str = ""
    svg: str = ""
    problem: str = ""


def sketch(facts: Facts, engine: Optional[str] = None, seconds: float = 30.0) -> Sketch:
    """Decide what to draw and lay it out within ``seconds``. Raises ``GraphcutError`` only for an ``engine`` asked for."""
    drawn, heading = picture(facts), title(facts)
    try:
        image = render(write(drawn, ""), "svg", choose("svg", engine), seconds)
        return Sketch(heading, drawn, image.decode(), _clean(image, drawn))
    except GraphcutError as error:
        if engine is not None:
            raise
        return Sketch(heading, drawn, problem=str(error))


def _clean(image: bytes, drawn: networkx.MultiDiGraph) -> str:
    numbers = {node: str(at) for at, node in enumerate(drawn)}
    try:
        root = ElementTree.fromstring(image)
    except ElementTree.ParseError as error:
        raise GraphcutError(f"the layout engine gave SVG that cannot be read: {error}") from None
    (clean,) = _copies(root, numbers)
    x, y, width, height = _view(root)
    clean.attrib.update(viewBox=f"{x:g} {y:g} {width:g} {height:g}", width=f"{width:g}", height=f"{height:g}")
    for graph in clean:
        for background in graph.findall("polygon"):
            graph.remove(background)
    sort_attributes(clean)
    return ElementTree.tostring(clean, encoding="unicode")


def _copies(element: ElementTree.Element, numbers: Dict[str, str]) -> Iterator[ElementTree.Element]:
    """The element as it may be shown; a link is replaced by what it holds."""
    tag = element.tag.rpartition("}")[2]
    inside = [copy for child in element for copy in _copies(child, numbers)]
    if tag == "a":
        told = ElementTree.Element("title")
        told.text = element.get(_XLINK_TITLE, "")
        yield from [told] * bool(told.text) + inside
    elif tag in _DRAWN:
        copy = ElementTree.Element(tag, {key: value for key, value in element.items() if _LOOKS.fullmatch(key)})
        copy.attrib.update(_named(element, numbers))
        copy.text = element.text if tag == "text" else None
        copy.extend(_flat(inside))
        yield copy


def _flat(inside: list[ElementTree.Element]) -> Iterator[ElementTree.Element]:
    """Graphviz puts a link into a group of its own: without the link the group is not needed."""
    for each in inside:
        if each.tag == "g" and not each.attrib:
            yield from each
        else:
            yield each


def _named(element: ElementTree.Element, numbers: Dict[str, str]) -> Dict[str, str]:
    """What Graphviz's title of a group (``n1``, ``n1->n0``, ``cluster_legend``) says, as attributes."""
    told = next((child.text or "" for child in element if child.tag.endswith("}title")), "")
    ends = told.split("->")
    if told in numbers:
        return {"data-box": numbers[told]}
    if len(ends) == 2 and all(end in numbers for end in ends):
        return {"data-from": numbers[ends[0]], "data-to": numbers[ends[1]]}
    return {"data-legend": ""} if "legend" in told else {}


def _view(root: ElementTree.Element) -> Tuple[float, float, float, float]:
    """The part that is seen, in the coordinates of the boxes: the one move that Graphviz makes is taken out."""
    x, y, width, height = map(float, root.get("viewBox", "0 0 1 1").split())
    moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", "".join(g.get("transform", "") for g in root))
    across, down = map(float, moved.groups()) if moved else (0.0, 0.0)
    return x - across, y - down, width, height
