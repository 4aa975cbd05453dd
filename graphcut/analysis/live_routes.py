"""The routes that a gradient takes: from the loss to the tensors that get one.

It also finds the tensors from which a gradient continues to one of several others.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, Set, Tuple

from graphcut.analysis.raising_ops import feeding_tensors
from graphcut.analysis.reachability import Relation, Walk, carries, connected_inputs
from graphcut.analysis.verdicts import GradientFlow


def find_live_routes(flow: GradientFlow, live: Iterable[int]) -> Dict[int, Tuple[int, ...]]:
    """Return, for each op that a gradient passes on its way to a tensor in ``live``, the next ops on that way.

    Only edges that lead to a gradient that can be nonzero count; those of ``live`` without a gradient do not.
    """
    edges, producer, size = flow.edges, flow.rules.flat.producer, flow.edges.size
    ends = [tensor for tensor in live if flow.carries_to(tensor)]
    good = frozenset(edges.nodes_to(ends)).union(ends)
    onward: Dict[int, Dict[int, None]] = {}
    for node in good:
        into = onward.setdefault(producer[node % size], {})
        into.update((producer[other % size], None) for other, _ in edges.onward(node) if other in good)
    return {op: tuple(onward[op]) for op in sorted(onward)}


def find_leading_tensors(flow: GradientFlow, walk: Walk, relation: Relation, ends: Iterable[int]) -> FrozenSet[int]:
    """Return the tensors that ``walk`` reached and from which ``relation`` leads to one of ``ends``; include ``ends``."""
    flat = flow.rules.flat
    leading = {tensor for tensor in ends if walk.reaches(tensor)}
    before = -1
    while leading and before != len(leading):
        before = len(leading)
        for op in flow.order:
            if op not in flow.stopped:
                _add(flow, walk, relation, op, leading)
        if not flat.loop_inputs:
            break
    return frozenset(leading)


def _add(flow: GradientFlow, walk: Walk, relation: Relation, op: int, leading: Set[int]) -> None:
    """Add the outputs of an op whose gradient reaches a tensor that was already found."""
    flat = flow.rules.flat
    sources = flat.inputs[op]
    if leading.isdisjoint(sources):
        return
    rows = relation(flow.rules.row(op))
    for output, tensor in enumerate(flat.outputs(op)):
        if walk.reaches(tensor) and tensor not in leading and any(sources[index] in leading for index in rows[output]):
            leading.add(tensor)


def find_dependent_tensors(flow: GradientFlow, sources: FrozenSet[int]) -> FrozenSet[int]:
    """Return the tensors that cannot be stopped without changing the gradient of one of ``sources``.

    Tensors that carry to one are fixed. Tensors that are only *connected* are fixed where a stop would change the answer:
    zeros, including filled-in ones, would become ``None``; an op would no longer raise; or an op on the way would no longer
    make its own gradient.
    """
    exact = bool(flow.connected.independent)
    carried = frozenset(tensor for tensor in sources if flow.carried.reaches(tensor))
    zero = frozenset(sources if exact else sources - carried) | _raising_outputs(flow, sources)
    return find_leading_tensors(flow, flow.carried, carries, carried) | _connected_to(flow, zero)


def _connected_to(flow: GradientFlow, ends: FrozenSet[int]) -> FrozenSet[int]:
    """Return the tensors connected to ``ends``, directly or by zeros that TensorFlow fills in."""
    result = find_leading_tensors(flow, flow.connected, connected_inputs, ends)
    while result:
        filling = (op for op, fill in flow.fills.items() if not result.isdisjoint(fill.tensors))
        results = {each for each in map(flow.rules.flat.first_output.__getitem__, filling) if flow.connected.reaches(each)}
        if results <= result:
            break
        result = find_leading_tensors(flow, flow.connected, connected_inputs, result | results)
    return result


def _raising_outputs(flow: GradientFlow, ends: FrozenSet[int]) -> FrozenSet[int]:
    """Return the outputs of the ops without a gradient that any of ``ends`` feeds."""
    return frozenset(tensor for op in raising_for(flow, ends) for tensor in flow.rules.flat.outputs(op))


def raising_for(flow: GradientFlow, ends: FrozenSet[int]) -> FrozenSet[int]:
    """Return the ops that make TensorFlow raise for one of ``ends``."""
    if ends.isdisjoint(flow.feeding):
        return frozenset()
    inputs = flow.rules.flat.inputs
    return frozenset(op for op in flow.connected.raising if ends.intersection(feeding_tensors(flow.rules, inputs[op])))
