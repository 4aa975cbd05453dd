"""Facts about all tensors and contexts of a graph that rules need before they ask about the first op."""

from __future__ import annotations

from typing import AbstractSet, Callable, FrozenSet, List, Sequence

from graphcut.analysis.rules.oracle import TensorFlowBehavior
from graphcut.graph.dtypes import base_dtype
from graphcut.graph.flat import FlatGraph, Shape
from graphcut.graph.op_types import CASES

Shapes = Callable[[int], Sequence[Shape]]


def trainable_tensors(flat: FlatGraph, behavior: TensorFlowBehavior) -> List[bool]:
    """Return, for each tensor, whether TensorFlow lets a gradient pass through it."""
    by_dtype = {dtype: not dtype or base_dtype(dtype) in behavior.trainable for dtype in set(flat.dtypes)}
    passing = list(map(by_dtype.__getitem__, flat.dtypes))
    if behavior.inert_counts:
        for tensor in flat.undifferentiable:
            passing[tensor] = False
    for tensor in flat.assumed_open:
        passing[tensor] = True
    return passing


def shape_of(shapes: Shapes, flat: FlatGraph, tensor: int) -> Shape:
    op = flat.producer[tensor]
    of_outputs = shapes(op)
    return of_outputs[tensor - flat.first_output[op]] if tensor - flat.first_output[op] < len(of_outputs) else None


def readers(flat: FlatGraph, zeros: FrozenSet[int]) -> FrozenSet[int]:
    """Return the ops that read a tensor of zeros."""
    if not zeros:
        return frozenset()
    is_apart = zeros.isdisjoint
    return frozenset([op for op, inputs in enumerate(flat.inputs) if inputs and not is_apart(inputs)])


def is_symbolic(call_type: str) -> bool:
    """Return whether TensorFlow differentiates calls of this type while it runs (``SymbolicGradient``): a v1 ``Defun``."""
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
    """Return the contexts inside calls that are differentiated while they run.

    Such a call has a type that says so, or it is one of ``calls``.
    """
    contexts: List[int] = []
    inside = set()
    for index, context in enumerate(flat.context_table):
        call = flat.calls[context.call]
        if is_symbolic(call.type) or call.op in calls or flat.contexts[call.op] in inside:
            inside.add(index)
            contexts.append(index)
    return frozenset(contexts)


def rebuilt_contexts(flat: FlatGraph, behavior: TensorFlowBehavior) -> FrozenSet[int]:
    """Return the contexts whose body TensorFlow rebuilds for its gradient.

    It then forgets which functions have their own gradient functions: everything inside a ``Case`` up to 2.4, each branch and
    each loop body in 1.15.
    """
    contexts = set()
    for index, context in enumerate(flat.context_table):
        call = flat.calls[context.call]
        inside = behavior.rebuilds_cases and (call.type in CASES or flat.contexts[call.op] in contexts)
        if inside or (behavior.fills_branches and (call.predicate is not None or call.variables)):
            contexts.add(index)
    return frozenset(contexts)


def calls_in_cases(flat: FlatGraph, behavior: TensorFlowBehavior) -> FrozenSet[int]:
    """Return the function calls, by their op, that ``SymbolicGradient`` differentiates because they lie in a ``Case``."""
    contexts = rebuilt_contexts(flat, behavior) if behavior.rebuilds_cases else ()
    plain = (call for call in flat.calls if call.predicate is None and not call.variables)
    return frozenset(call.op for call in plain if flat.contexts[call.op] in contexts)
