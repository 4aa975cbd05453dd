"""Which name scopes are drawn round the boxes, and how short a title may be inside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Mapping, Sequence, Tuple

from graphcut.drawing.boxes import Box, Role


def placed(found: Sequence[Box]) -> Tuple[Box, ...]:
    """Keep the scopes that hold two boxes or more and are not the same boxes as a scope inside them."""
    sizes = Counter(box.scope[:depth] for box in found for depth in range(1, len(box.scope) + 1))
    return tuple(_in_scopes(box, sizes) for box in found)


def _in_scopes(box: Box, sizes: Mapping[Tuple[str, ...], int]) -> Box:
    depths = [depth for depth in range(1, len(box.scope) + 1) if sizes[box.scope[:depth]] > 1]
    deeper = dict(zip(depths, depths[1:]))
    kept = [each for each in depths if each not in deeper or sizes[box.scope[: deeper[each]]] < sizes[box.scope[:each]]]
    scopes = tuple("/".join(box.scope[start:end]) for start, end in zip([0] + kept, kept))
    inner = box.scope[kept[-1] if kept else 0 :]
    folded = box.role is Role.OP and len(box.ops) > 1
    title = "/".join(inner) if folded and inner else "/".join(inner + (box.title,))
    lines = (box.title,) + box.lines if folded and inner else box.lines
    return replace(box, scope=scopes, title=title, lines=lines)
