"""The routes that a gradient really takes: from the loss to the tensors that get one."""

from __future__ import annotations

from typing import Dict, Iterable, Set, Tuple

from graphcut.flow.judge import Flow
from graphcut.flow.walk import UNSEEN


def between(flow: Flow, live: Iterable[int]) -> Dict[int, Tuple[int, ...]]:
    """For each op that a gradient passes on its way to one of the tensors ``live``, the ops that it goes on to from there.

    Only edges that carry count; those of ``live`` without a gradient do not.
    """
    flat, parents, row = flow.rules.flat, flow.carried.parents, flow.rules.row
    producer, first, inputs = flat.producer, flat.first, flat.inputs
    good: Set[int] = {tensor for tensor in live if flow.carried.reaches(tensor)}
    onward: Dict[int, Tuple[int, ...]] = {producer[tensor]: () for tensor in good}
    before = -1
    while before != len(good):
        before = len(good)
        for op in flow.order:
            for tensor in range(first[op], first[op + 1]):
                if parents[tensor] != UNSEEN and op not in flow.stopped:
                    given = inputs[op]
                    found = [given[index] for index in row(op).carries[tensor - first[op]] if given[index] in good]
                    if found:
                        good.add(tensor)
                        onward[op] = tuple(dict.fromkeys(onward.get(op, ()) + tuple([producer[each] for each in found])))
        if not flat.loop_inputs:
            break
    return onward
