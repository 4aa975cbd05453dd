"""Walks over the data edges of a flat graph, round its loops too."""

from __future__ import annotations

from collections import deque
from typing import Callable, Container, Dict, Iterable, List, Set

from graphcut.dag import DTYPES, REF, FlatGraph, is_discrete

Step = Callable[[int], Iterable[int]]
_PLAIN = frozenset(dtype for dtype, name in DTYPES.items() if not is_discrete(name))


def producers(flat: FlatGraph, op: int, without: Container[int] = ()) -> List[int]:
    """The ops whose output ``op`` reads, once for each tensor, but for the inputs in ``without``; none for a number that is no
    op's."""
    if op >= len(flat.names):
        return []
    producer = flat.producer
    if not without:
        return [producer[tensor] for tensor in flat.inputs[op]]
    return [producer[tensor] for at, tensor in enumerate(flat.inputs[op]) if at not in without]


def float_producers(flat: FlatGraph, op: int, without: Container[int] = ()) -> List[int]:
    """As ``producers``, where the dtype can carry a gradient."""
    if op >= len(flat.names):
        return []
    producer, dtypes, plain = flat.producer, flat.dtypes, _PLAIN
    if not without:
        return [producer[tensor] for tensor in flat.inputs[op] if dtypes[tensor] % REF in plain]
    given = [tensor for at, tensor in enumerate(flat.inputs[op]) if at not in without]
    return [producer[tensor] for tensor in given if dtypes[tensor] % REF in plain]


def towards(targets: Iterable[int], step: Step) -> Dict[int, int]:
    """For each op that ``step`` leads to from ``targets``, the next op on a shortest way back; a target's is itself."""
    following = {target: target for target in targets}
    waiting = deque(following)
    while waiting:
        op = waiting.popleft()
        for other in step(op):
            if other not in following:
                following[other] = op
                waiting.append(other)
    return following


def joining(starts: Iterable[int], step: Step, ends: Container[int]) -> Set[int]:
    """The ops on the ways that ``step`` leads from ``starts`` to ``ends``, both included."""
    found = list(dict.fromkeys(starts))
    seen, back = set(found), {}  # type: Set[int], Dict[int, List[int]]
    for op in found:
        for other in step(op):
            back.setdefault(other, []).append(op)
            if other not in seen:
                seen.add(other)
                found.append(other)
    return set(towards([op for op in found if op in ends], lambda op: back.get(op, ())))
