"""Facts about all tensors and contexts of a graph that rules need before the first op is asked about."""

from __future__ import annotations

from typing import AbstractSet, Callable, FrozenSet, List, Sequence

from graphcut.dag import FlatGraph, Shape
from graphcut.questions import Surroundings

Shapes = Callable[[int], Sequence[Shape]]


def trainable_tensors(flat: FlatGraph, around: Surroundings) -> List[bool]:
    """For each tensor whether TensorFlow lets a gradient pass through it."""
    by_dtype = {dtype: not dtype or dtype % 100 in around.trainable for dtype in set(flat.dtypes)}
    passing = [by_dtype[dtype] for dtype in flat.dtypes]
    if around.inert_counts:
        for tensor in flat.inert:
            passing[tensor] = False
    for tensor in flat.opened:
        passing[tensor] = True
    return passing


def shape_of(shapes: Shapes, flat: FlatGraph, tensor: int) -> Shape:
    op = flat.producer[tensor]
    known = shapes(op)
    return known[tensor - flat.first[op]] if tensor - flat.first[op] < len(known) else None


def readers(flat: FlatGraph, zeros: FrozenSet[int]) -> FrozenSet[int]:
    """The ops that read a tensor known to be zero."""
    if not zeros:
        return frozenset()
    return frozenset(op for op, inputs in enumerate(flat.inputs) if not zeros.isdisjoint(inputs))


def is_symbolic(call_type: str) -> bool:
    """Whether TensorFlow differentiates calls of this type while it runs (``SymbolicGradient``): a v1 ``Defun``."""
    return call_type not in _TRACED


_TRACED = frozenset(
    [
        "PartitionedCall",
        "StatefulPartitionedCall",
        "If",
        "StatelessIf",
        "_If",
        "Case",
        "StatelessCase",
        "While",
        "StatelessWhile",
        "_While",
    ]
)


def symbolic_contexts(flat: FlatGraph, calls: AbstractSet[int]) -> FrozenSet[int]:
    """The contexts inside of calls that are differentiated while they run: by their type, or because they are ``calls``."""
    found: List[int] = []
    inside = set()
    for index, context in enumerate(flat.context_table):
        call = flat.calls[context.call]
        if is_symbolic(call.type) or call.op in calls or flat.contexts[call.op] in inside:
            inside.add(index)
            found.append(index)
    return frozenset(found)
