"""Which variables the optimizers of a graph update."""

from __future__ import annotations

from typing import FrozenSet, MutableMapping, Set
from weakref import WeakKeyDictionary

from graphcut.dag import FlatGraph
from graphcut.reading.variables import OPTIMIZERS, root

_KNOWN: MutableMapping[FlatGraph, FrozenSet[int]] = WeakKeyDictionary()


def updated(flat: FlatGraph) -> FrozenSet[int]:
    """The handles and references that an optimizer's op (``ApplyAdam``, ``ResourceApplyAdam``) writes; found once for each
    graph."""
    if flat not in _KNOWN:
        _KNOWN[flat] = _updated(flat)
    return _KNOWN[flat]


def _updated(flat: FlatGraph) -> FrozenSet[int]:
    kinds: Set[int] = {kind for kind, each in enumerate(flat.kind_table) if each.type.startswith(OPTIMIZERS)}
    if not kinds:
        return frozenset()
    ops = (op for op, kind in enumerate(flat.kinds) if kind in kinds and flat.inputs[op])
    return frozenset(root(flat, flat.inputs[op][0]) for op in ops)
