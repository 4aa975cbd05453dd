"""The loss that was differentiated, where its own op leaves no trace in the backward part.

The gradient of an addition or an ``Identity`` is what comes in, so no op of the backward part bears its name: what reads the
seed are the gradients of the terms. The *total* of such terms is the one addition whose terms they are, all of them and no
others; where there are two such additions, or none, nothing is said. A tensor that ops only pass on is named by the last of
them.
"""

from __future__ import annotations

from typing import AbstractSet, List, Mapping, Sequence

from graphcut.dag import FlatGraph

_SUMS = frozenset(["Add", "AddV2", "AddN"])
_PASSES_ON = frozenset(["Identity", "Print", "EnsureShape"])


def total(flat: FlatGraph, terms: List[int]) -> List[int]:
    """The tensor that is the sum of ``terms``; the terms themselves where that cannot be told."""
    if len(terms) < 2:
        return terms
    sums = {kind for kind, each in enumerate(flat.kind_table) if each.type in _SUMS}
    wanted = frozenset(terms)
    found = [flat.first[op] for op, kind in enumerate(flat.kinds) if kind in sums and _is_total(flat, op, wanted)]
    return found if len(found) == 1 else terms


def furthest(flat: FlatGraph, tensor: int, followers: Mapping[int, Sequence[int]], backward: AbstractSet[int]) -> int:
    """The tensor at the end of the ops that pass ``tensor`` on, as long as there is one such way.

    What waits for the backward part (``control_dependencies([train])``) was made after the loss, and is not it.
    """
    seen = {tensor}
    while True:
        readers = dict.fromkeys(op for op in followers.get(flat.producer[tensor], ()) if tensor in flat.inputs[op])
        passing = [op for op in readers if op not in backward and _passes_on(flat, op, tensor)]
        ends = [flat.first[op] for op in passing if not _waits(flat, op, backward)]
        if len(ends) != 1 or ends[0] in seen:
            return tensor
        tensor = ends[0]
        seen.add(tensor)


def _passes_on(flat: FlatGraph, op: int, tensor: int) -> bool:
    """Whether an op hands its gradient on to ``tensor`` as it is, and to nothing but constants beside it."""
    inputs = flat.inputs[op]
    if flat.type(op) in _PASSES_ON:
        return inputs[0] == tensor
    others = [each for each in inputs if each != tensor]
    constant = all(flat.type(flat.producer[each]) == "Const" for each in others)
    return (
        constant and len(others) < len(inputs) and (flat.type(op) in _SUMS or flat.type(op) == "Sub" and inputs[0] == tensor)
    )


def _waits(flat: FlatGraph, op: int, backward: AbstractSet[int]) -> bool:
    """Whether an op runs after some op of the backward part."""
    waiting, seen = list(flat.controls[op]), set()
    while waiting:
        each = waiting.pop()
        if each in backward:
            return True
        if each not in seen:
            seen.add(each)
            waiting.extend(flat.controls[each])
            waiting.extend(flat.producer[tensor] for tensor in flat.inputs[each])
    return False


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
