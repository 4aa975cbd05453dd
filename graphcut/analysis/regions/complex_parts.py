"""The moves of the ops that make complex numbers from real ones, and take them apart (``math_grad.py``).

The real and the imaginary part of a tensor are two positions along an extra axis, ``PART``.
"""

from __future__ import annotations

from typing import Optional

from graphcut.analysis.regions.boxes import Box, limit_axis
from graphcut.analysis.regions.slicing import StaticOpInfo
from graphcut.graph.dtypes import COMPLEX

PART = -1
_REAL, _IMAGINARY = (0, 1), (1, 2)


def real(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Real``: The gradient has no imaginary part."""
    return {**box, PART: _REAL}


def imag(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Imag``: The gradient has no real part."""
    return {**box, PART: _IMAGINARY}


def part(box: Box, index: int) -> Optional[Box]:
    """Return the real part of a box, or its imaginary part if the index is 1; ``None`` if it has no such part."""
    piece = limit_axis(box, PART, index, index + 1)
    return None if piece is None else without_part(piece)


def without_part(box: Box) -> Box:
    """Return the box for both parts: most functions of complex numbers mix them."""
    return {axis: span for axis, span in box.items() if axis != PART}


def cast(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Cast``: A real input gets the real part of a complex gradient; a complex input gets a real gradient."""
    if "SrcT" not in info.attrs or "DstT" not in info.attrs:
        return {}
    before, after = (info.attrs[name].type in COMPLEX for name in ("SrcT", "DstT"))
    if after and not before:
        return part(box, 0)
    return {**box, PART: _REAL} if before and not after else box
