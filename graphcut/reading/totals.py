"""The sum that was differentiated, where only its terms can be seen.

The gradient of an addition is the seed itself, so no op of the backward part bears its name: what reads the seed are the
gradients of the terms. The *total* of such terms is the one addition whose terms they are, all of them and no others; where
there are two such additions, or none, nothing is said.
"""

from __future__ import annotations

from typing import AbstractSet, List

from graphcut.dag import FlatGraph

_SUMS = frozenset(["Add", "AddV2", "AddN"])


def total(flat: FlatGraph, terms: List[int]) -> List[int]:
    """The tensor that is the sum of ``terms``; the terms themselves where that cannot be told."""
    if len(terms) < 2:
        return terms
    sums = {kind for kind, each in enumerate(flat.kind_table) if each.type in _SUMS}
    wanted = frozenset(terms)
    found = [flat.first[op] for op, kind in enumerate(flat.kinds) if kind in sums and _is_total(flat, op, wanted)]
    return found if len(found) == 1 else terms


def _is_total(flat: FlatGraph, op: int, terms: AbstractSet[int]) -> bool:
    """Whether the seed, handed on by an addition, is read by the gradients of all ``terms`` and of nothing else."""
    waiting, met = list(flat.inputs[op]), set(flat.inputs[op])
    for tensor in waiting:
        if tensor not in terms and not _handed(flat, tensor, terms):
            return False
        fresh = [each for each in _handed(flat, tensor, terms) if each not in met]
        met.update(fresh)
        waiting.extend(fresh)
    return terms <= met


def _handed(flat: FlatGraph, tensor: int, terms: AbstractSet[int]) -> List[int]:
    """The tensors to which the gradient function of a tensor's op hands its gradient as it is."""
    op = flat.producer[tensor]
    kind: str = flat.type(op)
    if kind in _SUMS or kind == "Identity":
        return list(flat.inputs[op])
    return [each for each in flat.inputs[op][:1] if each in terms] if kind == "Sub" else []
