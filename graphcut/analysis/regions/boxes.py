"""Which elements of a tensor a gradient can be nonzero at: a few boxes.

A *box* maps axes to ranges ``(start, stop)``; an axis that is left out is not limited. A *region* is a set of boxes, of which
``EVERYTHING`` is the one without limits. Unknown facts make a region larger, never smaller.
"""

from __future__ import annotations

import sys
from typing import Dict, FrozenSet, Optional, Tuple

Range = Tuple[int, int]
Box = Dict[int, Range]
Frozen = Tuple[Tuple[int, Range], ...]
Region = FrozenSet[Frozen]

EVERYTHING: Region = frozenset([()])
END = sys.maxsize
_MOST = 16


def freeze_box(box: Box) -> Frozen:
    """Return the box as a member of a region."""
    return tuple(sorted(box.items()))


def unite_regions(one: Region, other: Region) -> Region:
    """Return the union of both regions, or everything if that takes more than a handful of boxes."""
    both = one | other
    return EVERYTHING if () in both or len(both) > _MOST else both


def limit_axis(box: Box, axis: int, start: int, stop: int) -> Optional[Box]:
    """Return the part of a box in a range of one axis; ``None`` if it is empty."""
    low, high = box.get(axis, (0, END))
    low, high = max(low, start), min(high, stop)
    return {**box, axis: (low, high)} if low < high else None


def move_axis(box: Box, axis: int, by: int) -> Box:
    """Return the box with its range on one axis moved; an open end stays open."""
    if axis not in box:
        return box
    low, high = box[axis]
    return {**box, axis: (max(low + by, 0), high if high == END else high + by)}


def renumber_axes(box: Box, axes: Dict[int, int]) -> Box:
    """Return the box with its axes renumbered; drop those not in ``axes``."""
    return {axes[axis]: range_ for axis, range_ in box.items() if axis in axes}
