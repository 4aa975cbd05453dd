"""Group barriers into families; barriers of one family may share a box if there are too many to draw."""

from __future__ import annotations

from typing import Dict, FrozenSet, Hashable, Tuple

from graphcut.render.picture.coarsen.merge import Kinds
from graphcut.render.picture.quotient import CUT, Sketch
from graphcut.render.picture.scopes import pattern


def neighbours(sketch: Sketch, kinds: Kinds) -> Dict[int, Hashable]:
    """Return families of barriers with the same kinds and the same consumers, without barriers that a gradient passes."""
    consumers = sketch.consumers()
    return {
        node: (barriers, frozenset(consumers[node]))
        for node, barriers in _barriers(sketch).items()
        if node not in kinds.live and node not in kinds.losses
    }


def namesakes(sketch: Sketch, kinds: Kinds) -> Dict[int, Hashable]:
    """Return families of barriers with the same kinds whose names differ only in their numbers."""
    return {
        node: (barriers, pattern(kinds.name(node)), node in kinds.live)
        for node, barriers in _barriers(sketch).items()
        if node not in kinds.losses
    }


def same_kind(sketch: Sketch, kinds: Kinds) -> Dict[int, Hashable]:
    """Return families of barriers with the same first kind."""
    return {
        node: (min(barriers), node in kinds.live) for node, barriers in _barriers(sketch).items() if node not in kinds.losses
    }


def _barriers(sketch: Sketch) -> Dict[int, FrozenSet[Tuple[str, bool]]]:
    """Return, for each node at a barrier, its kinds and whether it cuts off any variable."""
    result: Dict[int, FrozenSet[Tuple[str, bool]]] = {}
    for (consumer, _, line), info in sketch.edges.items():
        if line == CUT:
            kinds = frozenset((each.kind.value, each.role is None) for each in info.marks)
            result[consumer] = result.get(consumer, frozenset()) | kinds
    return result
