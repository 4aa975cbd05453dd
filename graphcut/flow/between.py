"""The ops on the routes that a gradient really takes: between the loss and the tensors that get one."""

from __future__ import annotations

from typing import FrozenSet, Iterable, Set

from graphcut.flow.judge import Flow
from graphcut.flow.walk import UNSEEN


def between(flow: Flow, live: Iterable[int]) -> FrozenSet[int]:
    """The ops whose gradient goes on to one of the tensors ``live`` over edges that carry; those without one do not count."""
    flat = flow.rules.flat
    good: Set[int] = {tensor for tensor in live if flow.carried.reaches(tensor)}
    before = -1
    while before != len(good):
        before = len(good)
        for op in flow.order:
            for tensor in flat.outputs(op):
                if flow.carried.parents[tensor] != UNSEEN and op not in flow.stopped and tensor not in good:
                    inputs = flow.rules.row(op).carries[tensor - flat.first[op]]
                    if not good.isdisjoint(flat.inputs[op][index] for index in inputs):
                        good.add(tensor)
        if not flat.loop_inputs:
            break
    return frozenset(flat.producer[tensor] for tensor in good)
