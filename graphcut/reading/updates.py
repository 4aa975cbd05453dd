"""Which variables the optimizers of a graph update."""

from __future__ import annotations

from functools import lru_cache
from typing import FrozenSet, Set

from graphcut.dag import FlatGraph
from graphcut.reading.variables import OPTIMIZERS, root


@lru_cache(maxsize=8)
def updated(flat: FlatGraph) -> FrozenSet[int]:
    """The handles and references that an optimizer's op (``ApplyAdam``, ``ResourceApplyAdam``) writes."""
    kinds: Set[int] = {kind for kind, each in enumerate(flat.kind_table) if each.type.startswith(OPTIMIZERS)}
    if not kinds:
        return frozenset()
    ops = (op for op, kind in enumerate(flat.kinds) if kind in kinds and flat.inputs[op])
    return frozenset(root(flat, flat.inputs[op][0]) for op in ops)
