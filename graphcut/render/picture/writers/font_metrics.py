"""Measure the width of text by the font metrics of Helvetica, not by the fonts of this machine.

Boxes get the size that their text needs by these metrics, and the SVG sets the same width on each text. So a picture looks the
same whatever fonts are installed where it is laid out and shown. The widths are those of Adobe's font metrics for Helvetica
(Adobe Core 14 AFM), which Arial and Liberation Sans share, in thousandths of the font size.
"""

from __future__ import annotations

import unicodedata
from typing import Dict, Mapping, Sequence, Tuple

FONT = "Helvetica,Arial,sans-serif"
_GROUPS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft·\xa0",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~×",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…",
    1015: "@",
}
_WIDTHS = {letter: width for width, letters in _GROUPS.items() for letter in letters}
_LINE, _MARGIN_X, _MARGIN_Y, _NEAR = 1.2, 9.0, 5.0, 4.0
_ROOM: Mapping[str, Tuple[float, float]] = {
    "box": (1.0, 1.0),
    "ellipse": (1.32, 1.32),
    "hexagon": (1.3, 1.15),
    "house": (1.15, 1.75),
    "octagon": (1.15, 1.25),
    "parallelogram": (1.45, 1.15),
    "plaintext": (1.0, 1.0),
    "tripleoctagon": (1.2, 1.35),
}


def text_width(text: str, size: float) -> float:
    """Return the width of one line at a font size, both in points."""
    return sum(_width(letter) for letter in text) * size / 1000


def _width(letter: str) -> int:
    wide = unicodedata.east_asian_width(letter) in ("F", "W")
    return _WIDTHS.get(letter, 1000 if wide else 0 if unicodedata.combining(letter) else 600)


def _share_of_octagon(level: float) -> float:
    """Return how much of the width of an octagon there is at a level between its middle (0) and its upper edge (1)."""
    corner = 2**0.5 - 1
    return 1 - max(level - corner, 0.0)


def box_size(shape: str, lines: Sequence[str], size: float) -> Dict[str, str]:
    """Return the DOT attributes of a box around lines of text: a shape and a fixed size, for a font size in points."""
    across, down = _ROOM[shape]
    widths = [text_width(line, size) for line in lines]
    width = (max(widths) + 2 * _MARGIN_X) * across
    height = (len(lines) * size * _LINE + 2 * _MARGIN_Y) * down
    if shape.endswith("octagon"):
        width = max(width, (max(widths[0], widths[-1]) + _NEAR) / _share_of_octagon(len(lines) * size * _LINE / height))
    return {"width": f"{max(width, 40) / 72:.3f}", "height": f"{max(height, 26) / 72:.3f}", "fixedsize": "true"}
