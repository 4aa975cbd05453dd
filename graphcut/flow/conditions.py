"""Under which conditions a gradient flows: the branches that lie on *every* carrying path.

A forward-must analysis along the backward walk: the branches of a tensor are those common to all the edges that carry
to it (an intersection), each edge adding the branch that it enters. A branch is a v2 branch function, or one side of a
v1 ``Switch``. Loop-carried edges only add paths, so the greatest solution is reached by repeating passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Dict, List, Sequence, Tuple

from graphcut.dag import FlatGraph
from graphcut.flow.walk import SEED, UNSEEN, Walk
from graphcut.rules.structural import is_loop_switch
from graphcut.rules.table import Rules
from graphcut.terms import Condition

EVERY = -1
_SIDES = ("else", "then")


@dataclass(frozen=True)
class Branches:
    """The branches of a graph; ``entered`` maps (op, output or input) to the bit of the branch that is entered there.

    ``by_output`` are the ops told by their output (``Switch``), all others by their input.
    """

    conditions: Tuple[Condition, ...]
    entered: Dict[Tuple[int, int], int]
    by_output: Dict[int, None]


@dataclass(frozen=True)
class Conditions:
    """The conditions of each tensor, kept as masks: below 3,000 branches a tensor is under as many of them."""

    known: Tuple[Condition, ...]
    masks: Dict[int, int]

    def __contains__(self, tensor: int) -> bool:
        return tensor in self.masks

    def __getitem__(self, tensor: int) -> Tuple[Condition, ...]:
        bits = reversed(bin(self.masks[tensor])[2:])
        return tuple(condition for condition, bit in zip(self.known, bits) if bit == "1")

    def get(self, tensor: int, default: Tuple[Condition, ...] = ()) -> Tuple[Condition, ...]:
        """The branches on every carrying path to a tensor; ``default`` where there are none."""
        return self[tensor] if tensor in self.masks else default


def branches(flat: FlatGraph) -> Branches:
    """Every branch of every conditional of a graph."""
    found: Dict[Condition, int] = {}
    entered: Dict[Tuple[int, int], int] = {}
    for call in flat.calls:
        if call.predicate is not None:
            for index, (label, _) in enumerate(call.branches):
                condition = Condition(
                    flat.names[call.op], flat.tensor_name(call.predicate), int(label) if label.isdigit() else label
                )
                bit = found.setdefault(condition, len(found))
                entered.update({(result, index): bit for result in call.results})
    switches: Dict[int, None] = {}
    for op in _switches(flat):
        switches[op] = None
        for side, label in enumerate(_SIDES):
            predicate = flat.inputs[op][1]
            condition = Condition(flat.names[flat.producer[predicate]], flat.tensor_name(predicate), label)
            entered[op, side] = found.setdefault(condition, len(found))
    return Branches(tuple(found), entered, switches)


def _switches(flat: FlatGraph) -> List[int]:
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type in ("Switch", "RefSwitch")}
    return [op for op, kind in enumerate(flat.kinds) if kind in kinds and not is_loop_switch(flat, op)] if kinds else []


def conditions(rules: Rules, carried: Walk, order: Sequence[int], stopped: AbstractSet[int]) -> Conditions:
    """For each tensor reached under conditions, these; tensors that are reached unconditionally are left out."""
    known = branches(rules.flat)
    if not known.conditions:
        return Conditions((), {})
    masks = [EVERY] * len(rules.flat.dtypes)
    for tensor in carried.order:
        if carried.parents[tensor] == SEED:
            masks[tensor] = 0
    ops = [
        op
        for op in reversed(order)
        if op not in stopped and any(carried.parents[tensor] != UNSEEN for tensor in rules.flat.outputs(op))
    ]
    while _pass(rules, carried, known, ops, masks) and rules.flat.loop_inputs:
        pass
    return Conditions(known.conditions, {tensor: masks[tensor] for tensor in carried.order if masks[tensor]})


def unconditional(flat: FlatGraph, op: int, taken: AbstractSet[Condition]) -> AbstractSet[int]:
    """The tensors that an op is computed from by ways that enter none of the branches ``taken``."""
    known = branches(flat)
    entered = {edge for edge, bit in known.entered.items() if known.conditions[bit] in taken}
    seen, waiting = set(flat.inputs[op]), list(flat.inputs[op])
    while waiting:
        tensor = waiting.pop()
        producer = flat.producer[tensor]
        output = tensor - flat.first[producer]
        for index, source in enumerate(flat.inputs[producer]):
            edge = (producer, output if producer in known.by_output else index)
            if edge not in entered and source not in seen:
                seen.add(source)
                waiting.append(source)
    return seen


def _pass(rules: Rules, carried: Walk, known: Branches, ops: Sequence[int], masks: List[int]) -> bool:
    """One pass over the ops, consumers first; whether anything changed."""
    flat, changed = rules.flat, False
    for op in ops:
        carries = rules.row(op).carries
        for output, tensor in enumerate(flat.outputs(op)):
            if carried.parents[tensor] == UNSEEN:
                continue
            for index in carries[output]:
                source = flat.inputs[op][index]
                bit = known.entered.get((op, output if op in known.by_output else index))
                mask = masks[source] & (masks[tensor] | (0 if bit is None else 1 << bit))
                if mask != masks[source] and carried.parents[source] not in (UNSEEN, SEED):
                    masks[source] = mask
                    changed = True
    return changed
