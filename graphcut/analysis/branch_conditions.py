"""Under which conditions a gradient flows: the branches that lie on *every* carrying path.

A forward-must analysis along the backward walk: the branches of a tensor are those common to all the edges that carry
to it (an intersection), each edge adding the branch that it enters. A branch is a v2 branch function, or one side of a
v1 ``Switch``. Loop-carried edges only add paths, so the greatest solution is reached by repeating passes.

A gradient that does not depend on the upstream gradient (``GradientPattern.independent_of_output``) exists in every run in
which its op runs, even in runs in which the upstream gradient is zeros because it comes through another branch. So its
conditions are only the branches whose bodies contain the op. A v1 conditional does not even add those
(``_sides_without_gradient``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import AbstractSet, Dict, Iterator, List, Mapping, Sequence, Tuple

from graphcut.analysis.flow_edges import GradientEdges
from graphcut.analysis.reachability import SEED, UNSEEN
from graphcut.analysis.rules.control_flow import is_loop_switch
from graphcut.graph.dataflow import run_analysis, tensors_from_loss
from graphcut.graph.flat import FlatGraph, ops_of_kinds
from graphcut.graph.traverse import find_reachable
from graphcut.results import Condition

EVERY = -1
_SIDES = ("else", "then")


@dataclass(frozen=True)
class Branches:
    """The branches of a graph. ``entered`` maps (op, output or input) to the bit of the branch that begins there.

    The ops in ``by_output`` (``Switch``) are identified by their output, all others by their input. ``bodies`` maps (call,
    label) to the bit of the branch.
    """

    conditions: Tuple[Condition, ...]
    entered: Dict[Tuple[int, int], int]
    by_output: Dict[int, None]
    bodies: Dict[Tuple[int, str], int]


@dataclass(frozen=True)
class Conditions:
    """The conditions of each tensor, as bit masks: a tensor can be under 3,000 branches."""

    known: Tuple[Condition, ...]
    masks: Dict[int, int]

    def __contains__(self, tensor: int) -> bool:
        return tensor in self.masks

    def __getitem__(self, tensor: int) -> Tuple[Condition, ...]:
        bits = reversed(bin(self.masks[tensor])[2:])
        return tuple(condition for condition, bit in zip(self.known, bits) if bit == "1")

    def get(self, tensor: int, default: Tuple[Condition, ...] = ()) -> Tuple[Condition, ...]:
        """Return the branches on every carrying path to a tensor; ``default`` if there are none."""
        return self[tensor] if tensor in self.masks else default


def branches(flat: FlatGraph) -> Branches:
    """Return every branch of every conditional of a graph."""
    bits: Dict[Condition, int] = {}
    entered: Dict[Tuple[int, int], int] = {}
    bodies: Dict[Tuple[int, str], int] = {}
    for number, call in enumerate(flat.calls):
        if call.predicate is not None:
            for index, (label, _) in enumerate(call.branches):
                condition = Condition(
                    flat.names[call.op], flat.tensor_name(call.predicate), int(label) if label.isdigit() else label
                )
                bit = bodies[number, label] = bits.setdefault(condition, len(bits))
                entered.update({(result, index): bit for result in call.results})
    switches: Dict[int, None] = {}
    for op in _switches(flat):
        switches[op] = None
        for side, label in enumerate(_SIDES):
            predicate = flat.inputs[op][1]
            condition = Condition(flat.names[flat.producer[predicate]], flat.tensor_name(predicate), label)
            entered[op, side] = bits.setdefault(condition, len(bits))
    return Branches(tuple(bits), entered, switches, bodies)


def _switches(flat: FlatGraph) -> List[int]:
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type in ("Switch", "RefSwitch")}
    return [op for op in ops_of_kinds(flat, kinds) if not is_loop_switch(flat, op)]


def conditions(edges: GradientEdges, order: Sequence[int]) -> Conditions:
    """Return the conditions of each tensor that is reached under conditions; leave out the others.

    ``order`` holds all ops, producers first.
    """
    flat, carried = edges.rules.flat, edges.carried
    by_op = branches(flat)
    if not by_op.conditions:
        return Conditions((), {})
    masks = [EVERY] * len(flat.dtypes)
    sources = edges.sources()
    for op, tensors in sources.items():
        for tensor in tensors:
            masks[tensor] &= _bodies(flat, by_op, op)
    for tensor in carried.order:
        if carried.parents[tensor] == SEED:
            masks[tensor] = 0
    reached = [tensor for op in reversed(order) for tensor in flat.outputs(op) if carried.parents[tensor] != UNSEEN]
    while _pass(edges, by_op, reached, masks) and flat.loop_inputs:
        pass
    unbound = _sides_without_gradient(edges, by_op, order, sources) if sources and by_op.by_output else {}
    bound = ((tensor, masks[tensor] & ~unbound.get(tensor, 0)) for tensor in carried.order)
    return Conditions(by_op.conditions, {tensor: mask for tensor, mask in bound if mask})


def _sides_without_gradient(
    edges: GradientEdges, branches_by_op: Branches, order: Sequence[int], sources: Mapping[int, Sequence[int]]
) -> Dict[int, int]:
    """Return, for each tensor as bits, the sides of v1 conditionals that are no condition of a gradient made inside them.

    In v1, an op of the backward pass is dead in other runs only if it reads a tensor of the branch, such as the upstream
    gradient. A constant reads none.
    """
    alive = _live_sides(edges.rules.flat, branches_by_op, order)
    unbound: Dict[int, int] = {}
    for op in (op for op in sources if alive[op]):
        row, inputs = edges.rules.row(op), edges.rules.flat.inputs[op]
        for tensor in {inputs[index] for index in row.independent_of_output - row.waits}.intersection(sources[op]):
            unbound[tensor] = unbound.get(tensor, 0) | alive[op]
    tensors = list(tensors_from_loss(edges.rules.flat, reversed(order)))
    return run_analysis(unbound, tensors, lambda tensor: [source for source, _ in edges.onward(tensor)])


def _bodies(flat: FlatGraph, branches_by_op: Branches, op: int) -> int:
    """Return the branches whose bodies an op is in."""
    mask, context = 0, flat.contexts[op]
    while context >= 0:
        body = flat.context_table[context]
        bit = branches_by_op.bodies.get((body.call, body.label))
        mask |= 0 if bit is None else 1 << bit
        context = flat.contexts[flat.calls[body.call].op]
    return mask


def _live_sides(flat: FlatGraph, branches_by_op: Branches, order: Sequence[int]) -> Dict[int, int]:
    """Return the v1 sides on which each op runs: those of all its inputs; for a ``Merge``, those common to all inputs."""
    alive: Dict[int, int] = {}
    for op in order:
        sides = [_side(flat, branches_by_op, alive, tensor) for tensor in flat.inputs[op] if flat.producer[tensor] in alive]
        mask = 0
        if flat.type(op) in ("Merge", "RefMerge"):
            mask = reduce(and_, sides, EVERY) if sides else 0
        else:
            mask = reduce(or_, sides + [alive.get(each, 0) for each in flat.controls[op]], 0)
        alive[op] = mask
    return alive


def _side(flat: FlatGraph, branches_by_op: Branches, alive: Mapping[int, int], tensor: int) -> int:
    op = flat.producer[tensor]
    bit = branches_by_op.entered.get((op, tensor - flat.first_output[op])) if op in branches_by_op.by_output else None
    return alive[op] | (0 if bit is None else 1 << bit)


def unconditional(flat: FlatGraph, op: int, conditions: AbstractSet[Condition]) -> AbstractSet[int]:
    """Return the tensors that an op is computed from by routes that enter none of the branches ``conditions``."""
    branches_by_op = branches(flat)
    entered = {edge for edge, bit in branches_by_op.entered.items() if branches_by_op.conditions[bit] in conditions}

    def sources(tensor: int) -> Iterator[int]:
        producer = flat.producer[tensor]
        output = tensor - flat.first_output[producer]
        for index, source in enumerate(flat.inputs[producer]):
            if (producer, output if producer in branches_by_op.by_output else index) not in entered:
                yield source

    return find_reachable(flat.inputs[op], sources)


def _pass(edges: GradientEdges, branches_by_op: Branches, reached: Sequence[int], masks: List[int]) -> bool:
    """Pass once over the reached tensors, nearest the loss first, and return whether anything changed."""
    flat, parents, changed = edges.rules.flat, edges.carried.parents, False
    for tensor in reached:
        op = flat.producer[tensor]
        by_output = op in branches_by_op.by_output
        for source, index in edges.onward(tensor):
            bit = branches_by_op.entered.get((op, tensor - flat.first_output[op] if by_output else index))
            mask = masks[source] & (masks[tensor] | (0 if bit is None else 1 << bit))
            if mask != masks[source] and parents[source] != SEED:
                masks[source] = mask
                changed = True
    return changed
