"""The picture of one audit for a page: boxes and links as data, and SVG elements that refer to them.

Graphviz's SVG is copied element by element. Only elements that draw are copied: no link, script, style or id. Each box carries
its number (``data-box``), each line the boxes that it joins (``data-from``, ``data-to``). The contents of a box that stands
for several ops are a separate picture, whose boxes have numbers of their own (``data-inner``).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.errors import GraphcutError
from graphcut.render.page.folded_frames import fold_frames, foldings, frame_groups, frames
from graphcut.render.picture.box_contents import picture_with_contents
from graphcut.render.picture.layout import choose, render_each
from graphcut.render.picture.svg_layout import lay_out
from graphcut.render.picture.writers.dot import title, write_bare, write_inside
from graphcut.render.picture.writers.edge_labels import label_nodes
from graphcut.render.picture.writers.legend_samples import samples
from graphcut.render.picture.writers.svg_frame_titles import move_frame_titles
from graphcut.render.picture.writers.svg_legend import pieces
from graphcut.render.picture.writers.xml_elements import read_points, read_svg, write_element

if TYPE_CHECKING:
    import networkx

    from graphcut.render.protocols import PageFacts

_DRAWN = ("svg", "g", "polygon", "polyline", "path", "ellipse", "text")
_LOOKS = re.compile(
    "class|d|points|[rc]?[xy]|fill|fill-opacity|stroke|stroke-(width|dasharray|opacity)|paint-order|text-anchor|font-[a-z]+"
)
_SHARE = 0.3


@dataclass(frozen=True)
class Sketch:
    """A picture for the page.

    ``drawn`` has boxes and links, ``image`` is Graphviz's SVG and ``svg`` the element made from it. Both are empty if there is
    no layout; ``problem`` says why. ``parts`` maps the number of a box to the picture of its contents, and ``insides`` to the
    SVG element of that picture. ``layouts`` maps the numbers of folded frames to the picture with these frames folded.
    """

    title: str
    drawn: networkx.MultiDiGraph
    image: str = ""
    svg: str = ""
    problem: str = ""
    legend: Tuple[str, ...] = ()
    parts: Mapping[int, networkx.MultiDiGraph] = field(default_factory=dict)
    insides: Mapping[int, str] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)


def sketch(facts: PageFacts, engine: Optional[str] = None, seconds: float = 30.0) -> Sketch:
    """Decide what to draw in the picture and inside its boxes, and lay it out within ``seconds``.

    Raises ``GraphcutError`` only if ``engine`` is given and cannot be used.
    """
    return _laid_out(facts, picture_with_contents(facts), engine, seconds)


_Found = Tuple["networkx.MultiDiGraph", Mapping[str, "networkx.MultiDiGraph"]]


def _laid_out(facts: PageFacts, result: _Found, engine: Optional[str], seconds: float) -> Sketch:
    (drawn, parts), heading = result, title(facts)
    try:
        chosen = choose("svg", engine)
        image = lay_out(drawn, chosen, seconds)
        insides = _insides(list(parts.values()), chosen, seconds * _SHARE)
        places = [at for at, node in enumerate(drawn) if node in parts][: len(insides)]
        texts = dict(zip(places, insides))
        parts_by_place = dict(zip(places, parts.values()))
        layouts = _folded(drawn, chosen, seconds * _SHARE)
        svg, legend = write_element(_clean(image, drawn, frame_groups(drawn, frames(drawn)))), pieces(samples(drawn))
        return Sketch(heading, drawn, image, svg, legend=legend, parts=parts_by_place, insides=texts, layouts=layouts)
    except GraphcutError as error:
        if engine is not None:
            raise
        return Sketch(heading, drawn, problem=str(error))


def _insides(parts: Sequence[networkx.MultiDiGraph], engine: str, seconds: float) -> List[str]:
    """Return the SVG contents of each box; nothing if layout fails or takes too long, so the boxes stay closed."""
    try:
        images = render_each([write_inside(part) for part in parts], engine, seconds)
    except GraphcutError:
        return []
    return [write_element(_inner(_clean(move_frame_titles(image.decode()), part))) for part, image in zip(parts, images)]


def _folded(drawn: networkx.MultiDiGraph, engine: str, seconds: float) -> Dict[str, str]:
    """Return the SVG of each picture with folded frames; nothing if layout fails or takes too long."""
    parts = {key: fold_frames(drawn, scopes) for key, scopes in foldings(drawn).items()}
    try:
        images = render_each([write_bare(part) for part in parts.values()], engine, seconds)
    except GraphcutError:
        return {}
    frame_numbers, numbers = frames(drawn), {node: str(at) for at, node in enumerate(drawn)}
    whole = {each["data-scope"]: each for each in frame_groups(drawn, frame_numbers).values()}
    result = {}
    for (key, part), image in zip(parts.items(), images):
        scopes = {f"f{at}": {"class": "cluster", "aria-expanded": "false", **whole[str(at)]} for at in frame_numbers.values()}
        groups = {**frame_groups(part, frame_numbers), **{node: each for node, each in scopes.items() if node in part}}
        result[key] = write_element(_slim(_clean(move_frame_titles(image.decode()), part, groups, numbers)))
    return result


def _slim(clean: ElementTree.Element) -> ElementTree.Element:
    """Return a picture that holds only the position of each box (``data-at``); the page reuses the boxes of the full picture.

    Coordinates of lines are rounded to a tenth of a point.
    """
    for each in list(clean.iter("g")):
        if each.get("class") == "node" and len(each):
            across, down = _middle(each)
            for inner in list(each):
                each.remove(inner)
            each.set("data-at", f"{across:.1f} {down:.1f}")
    for each in clean.iter():
        for name in {"d", "points"}.intersection(each.attrib):
            each.set(name, re.sub(r"-?\d+\.\d+", lambda match: f"{float(match.group()):.1f}", each.attrib[name]))
    return clean


def _middle(node: ElementTree.Element) -> Tuple[float, float]:
    """Return the middle of the shape of a box."""
    shape = next(each for each in node if each.tag in ("polygon", "path", "ellipse"))
    if shape.tag == "ellipse":
        return float(shape.get("cx", 0)), float(shape.get("cy", 0))
    across, down = zip(*read_points(shape.get("points") or shape.get("d") or ""))
    return (min(across) + max(across)) / 2, (min(down) + max(down)) / 2


_NO_NAMES: Mapping[str, Mapping[str, str]] = {}


def _clean(
    image: str,
    drawn: networkx.MultiDiGraph,
    groups: Mapping[str, Mapping[str, str]] = _NO_NAMES,
    numbers: Optional[Mapping[str, str]] = None,
) -> ElementTree.Element:
    """Return the sanitized picture; ``groups`` has attributes for frames, ``numbers`` maps its boxes to the full picture."""
    root = read_svg(image).root
    (clean,) = _copies(root, {**_names(drawn, numbers), **groups})
    x, y, width, height = _view(root)
    clean.attrib.update(viewBox=f"{x:g} {y:g} {width:g} {height:g}", width=f"{width:g}", height=f"{height:g}")
    for graph in clean:
        for background in graph.findall("polygon"):
            graph.remove(background)
    return clean


def _inner(clean: ElementTree.Element) -> ElementTree.Element:
    """Return the picture of a box's contents: its boxes have numbers of their own, and its lines cannot be selected."""
    for each in clean.iter():
        if "data-box" in each.attrib:
            each.set("data-inner", each.attrib.pop("data-box"))
        each.attrib.pop("data-from", None)
        each.attrib.pop("data-to", None)
    return clean


def _copies(element: ElementTree.Element, names: Mapping[str, Mapping[str, str]]) -> Iterator[ElementTree.Element]:
    """Yield the sanitized element; a link is replaced by its children."""
    inside = [copy for child in element for copy in _copies(child, names)]
    if element.tag == "a":
        title = ElementTree.Element("title")
        title.text = element.get("xlink:title", "")
        yield from [title] * bool(title.text) + inside
    elif element.tag in _DRAWN:
        copy = ElementTree.Element(element.tag, {key: value for key, value in element.items() if _LOOKS.fullmatch(key)})
        copy.attrib.update(_title_attributes(element, names))
        copy.text = element.text if element.tag == "text" else None
        copy.extend(_flat(inside))
        yield copy


def _flat(inside: list[ElementTree.Element]) -> Iterator[ElementTree.Element]:
    """Remove the group that Graphviz puts around a link: without the link the group is not needed."""
    for each in inside:
        if each.tag == "g" and not each.attrib:
            yield from each
        else:
            yield each


def _title_attributes(element: ElementTree.Element, names: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the attributes for Graphviz's title of a group, such as ``n1``, ``n1->n0`` or ``e2``."""
    return names.get(element.findtext("title", ""), {})


def _names(drawn: networkx.MultiDiGraph, known: Optional[Mapping[str, str]]) -> Dict[str, Mapping[str, str]]:
    """Return the attributes of each group by its title; both halves of a line and the label between them count as one line."""
    numbers = {node: str(at) if known is None else known.get(node, node) for at, node in enumerate(drawn)}
    names: Dict[str, Mapping[str, str]] = {node: {"data-box": number} for node, number in numbers.items()}
    joined = {f"{start}->{end}": {"data-from": numbers[start], "data-to": numbers[end]} for start, end in drawn.edges()}
    for label, (start, end) in label_nodes(drawn).items():
        line = joined[f"{start}->{end}"]
        joined.update({f"{start}->{label}": line, f"{label}->{end}": line, label: {"class": "edge", **line}})
    return {**names, **joined}


def _view(root: ElementTree.Element) -> Tuple[float, float, float, float]:
    """Return the visible part in the coordinates of the boxes, without Graphviz's one translation."""
    x, y, width, height = map(float, root.get("viewBox", "0 0 1 1").split())
    moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", "".join(g.get("transform", "") for g in root))
    across, down = map(float, moved.groups()) if moved else (0.0, 0.0)
    return x - across, y - down, width, height
