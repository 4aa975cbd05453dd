"""Move the words on a line of a laid-out picture to where no line crosses them.

Only a line that comes around a loop has words of its own (``edge_labels``), and Graphviz ignores the other lines when it
places them. They go beside their line, as near as possible to where Graphviz put them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Sequence, Tuple

from graphcut.render.picture.writers.font_metrics import text_width
from graphcut.render.picture.writers.xml_elements import find_groups, points_of_groups, read_points

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Point = Tuple[float, float]
_GAP, _IN_A_BOX = 5.0, 1000


class _Area(NamedTuple):
    """A rectangle of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def moved(self, across: float, down: float) -> _Area:
        return _Area(self.left + across, self.top + down, self.right + across, self.bottom + down)

    def holds(self, point: Point) -> bool:
        return self.left - 2 < point[0] < self.right + 2 and self.top - 1 < point[1] < self.bottom + 1

    def meets(self, other: _Area) -> bool:
        is_apart = self.right < other.left or other.right < self.left or self.bottom < other.top or other.bottom < self.top
        return not is_apart


def move_line_words(root: Element) -> None:
    """Move the words of each line of a picture."""
    worded = [
        (line, texts) for line, texts in ((line, list(line.iter("text"))) for line, _ in find_groups(root, "edge")) if texts
    ]
    if not worded:
        return
    lines = points_of_groups(group for group, _ in find_groups(root, "edge"))
    boxes = [_around(points_of_groups([node])) for node, _ in find_groups(root, "node")]
    whole = _around(
        [point for graph in root for each in graph if each.tag == "polygon" for point in read_points(each.get("points", ""))]
    )
    for line, texts in worded:
        across, down = _best_move(_area_of(texts), points_of_groups([line]), lines, boxes, whole)
        for text in texts:
            text.set("x", f"{float(text.attrib['x']) + across:.2f}")
            text.set("y", f"{float(text.attrib['y']) + down:.2f}")


def _best_move(
    area: _Area, own: Sequence[Point], lines: Sequence[Point], boxes: Sequence[_Area], whole: _Area
) -> Tuple[float, float]:
    """Return how far to move words so that the fewest points of lines, and no box, lie under them."""
    x, y = (area.left + area.right) / 2, (area.top + area.bottom) / 2
    beside = (area.right - area.left) / 2 + _GAP
    moves = [(0.0, 0.0)] + [(px + side - x, py - y) for px, py in own for side in (-beside, beside)]

    def cost(move: Tuple[float, float]) -> Tuple[int, float]:
        place = area.moved(*move)
        covered = sum(map(place.holds, lines)) + _IN_A_BOX * sum(map(place.meets, boxes))
        is_outside = (
            place.left < whole.left or place.right > whole.right or place.top < whole.top or place.bottom > whole.bottom
        )
        return covered + _IN_A_BOX * is_outside, abs(move[0]) + abs(move[1])

    return min(moves, key=cost)


def _area_of(texts: Sequence[Element]) -> _Area:
    sizes = [float(each.attrib["font-size"]) for each in texts]
    wide = max(text_width(each.text or "", size) for each, size in zip(texts, sizes))
    middle, baselines = float(texts[0].attrib["x"]), [float(each.attrib["y"]) for each in texts]
    return _Area(middle - wide / 2, min(baselines) - max(sizes) * 0.8, middle + wide / 2, max(baselines) + max(sizes) * 0.2)


def _around(points: Sequence[Point]) -> _Area:
    across, down = zip(*points) if points else ((0.0,), (0.0,))
    return _Area(min(across), min(down), max(across), max(down))
