"""Lay out a picture as SVG, again if needed, until no line crosses the title of a frame."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Dict, Optional

from graphcut.render.picture.layout import TooSlow, render
from graphcut.render.picture.writers.dot import members, write_bare
from graphcut.render.picture.writers.svg_frame_titles import crossed_frames, move_frame_titles

if TYPE_CHECKING:
    import networkx

_TURNS = 3


def lay_out(drawn: networkx.MultiDiGraph, engine: str, seconds: float, link: Optional[str] = None) -> str:
    """Return the picture as SVG, without heading and legend; errors as of ``render``.

    A title that a line crosses becomes a node of the next layout, while there is time for another one.
    """
    end = time.monotonic() + seconds
    held = members(drawn)
    beside: Dict[str, str] = {}
    svg = render(write_bare(drawn, link), "svg", engine, seconds).decode()
    for _ in range(_TURNS if held else 0):
        crossed = crossed_frames(svg, held)
        if not crossed:
            break
        beside.update(crossed)
        try:
            svg = render(write_bare(drawn, link, beside), "svg", engine, max(end - time.monotonic(), 0.001)).decode()
        except TooSlow:
            break
    return move_frame_titles(svg)
