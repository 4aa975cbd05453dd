"""Read the layout engine's SVG as a tree of elements, and write the same bytes with every version of Python.

Tags and attributes have no namespaces; these stay attributes of the root (``xmlns``, ``xmlns:xlink``), because
``ElementTree.register_namespace`` would change the whole process. Comments are left out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from graphcut.errors import GraphcutError

_POINT = re.compile(r"(-?[\d.]+)[, ](-?[\d.]+)")
_SAMPLES = 16  # points of each curve
Point = Tuple[float, float]
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


class SvgDocument(NamedTuple):
    """An SVG file: the text before its root, such as the XML declaration, and the root."""

    prolog: str
    root: ElementTree.Element


def read_svg(text: str) -> SvgDocument:
    """Read an SVG file.

    Raises ``GraphcutError`` if it is not well-formed.
    """
    prolog, start, body = text.partition("<svg")
    try:
        root = ElementTree.fromstring(start + body)
    except ElementTree.ParseError as error:
        raise GraphcutError(f"the layout engine wrote SVG that cannot be read: {error}") from None
    names = [name for each in root.iter() for name in (each.tag, *each.attrib)]
    namespaces = {"xmlns": _SVG, "xmlns:xlink": _XLINK}
    for each in root.iter():
        _drop_namespaces(each)
    root.attrib.update({key: url for key, url in namespaces.items() if any(name.startswith(f"{{{url}}}") for name in names)})
    return SvgDocument(prolog, root)


def write_svg(document: SvgDocument) -> str:
    """Return the text of an SVG file."""
    return f"{document.prolog}{write_element(document.root)}\n"


def write_element(root: ElementTree.Element) -> str:
    """Return the text of an element, with its attributes in order."""
    sort_attributes(root)
    return ElementTree.tostring(root, encoding="unicode").rstrip("\n")


def element(tag: str, attributes: Mapping[str, str], *children: ElementTree.Element, text: str = "") -> ElementTree.Element:
    """Return an element that is followed by a line end."""
    made = ElementTree.Element(tag, dict(attributes))
    made.text = text or ("\n" if children else None)
    made.extend(children)
    made.tail = "\n"
    return made


def find_groups(root: ElementTree.Element, kind: str) -> Iterator[Tuple[ElementTree.Element, str]]:
    """Yield Graphviz's groups of a kind (``cluster``, ``node`` or ``edge``), each with its title."""
    for group in root.iter("g"):
        if group.get("class") == kind:
            yield group, group.findtext("title", "")


def read_points(shape: str) -> List[Tuple[float, float]]:
    """Return the points in ``points`` of a polygon or ``d`` of a path.

    >>> read_points("M1,2C3,4 5,-6 7.5,8")
    [(1.0, 2.0), (3.0, 4.0), (5.0, -6.0), (7.5, 8.0)]
    """
    return [(float(x), float(y)) for x, y in _POINT.findall(shape)]


def shapes_of(group: ElementTree.Element) -> Iterator[str]:
    """Yield the coordinates of each path, polygon and polyline."""
    for each in group.iter():
        yield from (each.attrib[key] for key in ("d", "points") if key in each.attrib)


def points_of_groups(groups: Iterable[ElementTree.Element]) -> List[Point]:
    """Return points along the shapes of groups; of an ellipse its middle and two corners of the rectangle around it."""
    points: List[Point] = []
    for group in groups:
        points += [point for shape in shapes_of(group) for point in _sample_points(shape)]
        for each in group.iter("ellipse"):
            x, y, across, down = (float(each.attrib[key]) for key in ("cx", "cy", "rx", "ry"))
            points += [(x + side * across, y + side * down) for side in (-1, 0, 1)]
    return points


def _sample_points(shape: str) -> List[Point]:
    """Return points along a path of cubic curves, or the corners of another shape."""
    corners = read_points(shape)
    if not shape.startswith("M"):
        return corners
    curves = zip(corners[::3], corners[1::3], corners[2::3], corners[3::3])
    return [_on_curve(curve, at / _SAMPLES) for curve in curves for at in range(_SAMPLES + 1)]


def _on_curve(curve: Sequence[Point], at: float) -> Point:
    """Return the point of a cubic Bézier curve."""
    weights = (1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, curve)) for axis in (0, 1))
    return x, y


def sort_attributes(root: ElementTree.Element) -> None:
    """Sort the attributes of an element and its descendants, as Python 3.7 does; later versions keep their order."""
    for each in root.iter():
        attributes = sorted(each.attrib.items())
        each.attrib.clear()
        each.attrib.update(attributes)


def _drop_namespaces(each: ElementTree.Element) -> None:
    each.tag = each.tag.rpartition("}")[2]
    attributes = [(key.replace(f"{{{_XLINK}}}", "xlink:").rpartition("}")[2], value) for key, value in each.items()]
    each.attrib.clear()
    each.attrib.update(attributes)
    if not (each.tail or "").strip():
        each.tail = "\n"
    if len(each) and not (each.text or "").strip():
        each.text = "\n"
