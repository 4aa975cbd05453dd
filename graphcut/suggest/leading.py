"""What a gradient leads to: the tensors from which it goes on to any of some others."""

from __future__ import annotations

from typing import FrozenSet, Iterable, Set

from graphcut.flow.feeding import feeding_tensors
from graphcut.flow.judge import Flow
from graphcut.flow.walk import Relation, Walk, carries, connected


def leading(flow: Flow, walk: Walk, relation: Relation, ends: Iterable[int]) -> FrozenSet[int]:
    """The tensors that ``walk`` reached and from which ``relation`` leads to one of ``ends``, these included."""
    flat = flow.rules.flat
    found = {tensor for tensor in ends if walk.reaches(tensor)}
    before = -1
    while found and before != len(found):
        before = len(found)
        for op in flow.order:
            if op not in flow.stopped:
                _add(flow, walk, relation, op, found)
        if not flat.loop_inputs:
            break
    return frozenset(found)


def _add(flow: Flow, walk: Walk, relation: Relation, op: int, found: Set[int]) -> None:
    """Add the outputs of an op whose gradient goes on to a tensor found."""
    flat = flow.rules.flat
    given = flat.inputs[op]
    if found.isdisjoint(given):
        return
    rows = relation(flow.rules.row(op))
    for output, tensor in enumerate(flat.outputs(op)):
        if walk.reaches(tensor) and tensor not in found and any(given[index] in found for index in rows[output]):
            found.add(tensor)


def touching(flow: Flow, kept: FrozenSet[int]) -> FrozenSet[int]:
    """The tensors that cannot be stopped without a change for one of ``kept``.

    What carries to one is fixed; what is *connected* only where it matters: for zeros that would become ``None``, those that
    TensorFlow fills in included, for an op that raises, for a gradient made on the way.
    """
    exact = bool(flow.connected.made)
    carried = frozenset(tensor for tensor in kept if flow.carried.reaches(tensor))
    zero = frozenset(kept if exact else kept - carried) | _raising(flow, kept)
    return leading(flow, flow.carried, carries, carried) | _filled(flow, zero)


def _filled(flow: Flow, ends: FrozenSet[int]) -> FrozenSet[int]:
    """What is connected to ``ends``, directly or by zeros that TensorFlow fills in."""
    found = leading(flow, flow.connected, connected, ends)
    while found:
        filling = (op for op, fill in flow.fills.items() if not found.isdisjoint(fill.tensors))
        results = {each for each in map(flow.rules.flat.first.__getitem__, filling) if flow.connected.reaches(each)}
        if results <= found:
            break
        found = leading(flow, flow.connected, connected, found | results)
    return found


def _raising(flow: Flow, ends: FrozenSet[int]) -> FrozenSet[int]:
    """The outputs of the ops without a gradient that any of ``ends`` feeds."""
    return frozenset(tensor for op in raising_for(flow, ends) for tensor in flow.rules.flat.outputs(op))


def raising_for(flow: Flow, ends: FrozenSet[int]) -> FrozenSet[int]:
    """The ops that make TensorFlow raise for any of ``ends``."""
    if ends.isdisjoint(flow.feeding):
        return frozenset()
    inputs = flow.rules.flat.inputs
    return frozenset(op for op in flow.connected.raising if ends.intersection(feeding_tensors(flow.rules, inputs[op])))
