"""Find what the training part of a graph writes.

An *update* is a write that takes a gradient, an optimizer's op, or a write that runs in the same ``Session.run`` as one of
these, because it waits for the training op or the training op waits for it. Initial values, restored values and copies that
run separately are no updates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import AbstractSet, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Sequence, Set, Tuple

from graphcut.graph.backward_part import BackwardCall, backward_part
from graphcut.graph.dtypes import is_handle
from graphcut.graph.flat import FlatGraph
from graphcut.graph.float_walks import consumers, reachable_ops, upstream
from graphcut.graph.names import Names
from graphcut.graph.op_types import OPTIMIZERS
from graphcut.graph.traverse import find_reachable
from graphcut.graph.variables import root
from graphcut.graph.writing_ops import Write, writes
from graphcut.util.caching import cached_weakly


@dataclass(frozen=True)
class TrainingPart:
    """The variables that the training part of a graph writes.

    ``updated`` holds the handles and references that are updated, including slots; ``by_loss`` the handles that the gradients
    of each loss update; ``writes`` are all updates, ``ops`` those that take a gradient; ``aside`` are variables that only
    serve the updates of others: optimizer slots, accumulated gradients, learning rates.
    """

    updated: FrozenSet[int] = frozenset()
    writes: Tuple[Write, ...] = ()
    by_loss: Mapping[Tuple[int, ...], FrozenSet[int]] = field(default_factory=dict)
    ops: FrozenSet[int] = frozenset()
    aside: FrozenSet[int] = frozenset()


@cached_weakly
def training_part(flat: FlatGraph, names: Names) -> TrainingPart:
    """Return the training part of a graph; each graph is searched once."""
    part, every = backward_part(flat, names), writes(flat)
    optimizers = frozenset(each.op for each in every if flat.type(each.op).startswith(OPTIMIZERS))
    if not optimizers and not (part.calls and every):
        return TrainingPart()
    applied = frozenset(root(flat, flat.inputs[op][0]) for op in optimizers)
    trained = _trained_writes(flat, every, part.calls, part.forward, applied)
    ops = optimizers.union(each.op for writes in trained.values() for each in writes)
    together = _run_together(flat, ops)
    updates = tuple(each for each in every if each.op in together)
    updated = frozenset(each.handle for each in updates).union(_slots(flat, optimizers & together))
    by_loss: Dict[Tuple[int, ...], FrozenSet[int]] = {}
    for call, those in trained.items():
        handles = frozenset(each.handle for each in those if _is_variable(flat, each, optimizers))
        by_loss[call.loss] = by_loss.get(call.loss, frozenset()) | handles
    return TrainingPart(updated, updates, by_loss, ops, _other_variables(flat, ops, part.forward))


def _slots(flat: FlatGraph, optimizers: Iterable[int]) -> Iterator[int]:
    """Yield what an optimizer's op writes besides the variable, its first input: the slots that it takes as references."""
    for op in optimizers:
        for tensor in flat.inputs[op]:
            if is_handle(flat.dtypes[tensor]):
                yield root(flat, tensor)


def _is_variable(flat: FlatGraph, write: Write, optimizers: AbstractSet[int]) -> bool:
    return write.op not in optimizers or root(flat, flat.inputs[write.op][0]) == write.handle


def _trained_writes(
    flat: FlatGraph,
    every: Sequence[Write],
    calls: Sequence[BackwardCall],
    forward: AbstractSet[int],
    applied: AbstractSet[int],
) -> Dict[BackwardCall, List[Write]]:
    """Return the writes that each gradient reaches, also through accumulated gradients.

    A variable that an optimizer's op updates (``applied``) accumulates nothing: separate ops make its copies.
    """
    holders: Dict[int, List[int]] = {}
    writes: Dict[BackwardCall, List[Write]] = {}
    for call in calls:
        ops, handles = set(call.reached), set()  # type: Set[int], Set[int]
        while True:
            met = [each for each in every if each.op in ops]
            fresh = {each.handle for each in met if flat.producer[each.handle] not in forward} - handles - applied
            if not fresh:
                break
            handles |= fresh
            holders = holders or _holders(flat, every)
            ops |= reachable_ops(flat, [op for handle in fresh for op in holders.get(handle, ())])
        writes[call] = met
    return writes


def _holders(flat: FlatGraph, every: Sequence[Write]) -> Dict[int, List[int]]:
    """Return the ops that pass on the value of each variable.

    An op that only writes a variable, such as one that restores it, does not pass its value on.
    """
    followers, written = consumers(flat), {write.op for write in every}
    holders: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        handles = {root(flat, each) for each in inputs if is_handle(flat.dtypes[each])}
        if len(handles) > 1 or op not in written or op in followers:
            for handle in handles:
                holders.setdefault(handle, []).append(op)
    return holders


def _run_together(flat: FlatGraph, ops: Iterable[int]) -> Set[int]:
    """Return the ops that run whenever one of ``ops`` causes an op to run.

    They are ``ops``, the ops that wait for them, and all ops that these need. An op may wait through its constants: TensorFlow
    omits a control edge that an input already has.
    """

    def needed(op: int) -> List[int]:
        return [*(flat.producer[tensor] for tensor in flat.inputs[op]), *flat.controls[op]]

    followers: Dict[int, List[int]] = {}
    for op in range(len(flat.inputs)):
        for source in needed(op):
            followers.setdefault(source, []).append(op)
    return find_reachable(find_reachable(ops, lambda op: followers.get(op, ())), needed)


def _other_variables(flat: FlatGraph, ops: AbstractSet[int], forward: AbstractSet[int]) -> FrozenSet[int]:
    """Return the other variables that the updates read or write and that no differentiated loss reads."""
    others: Set[int] = set()
    first = {root(flat, flat.inputs[op][0]) for op in ops if flat.type(op).startswith(OPTIMIZERS)}
    for op in ops:
        for tensor in flat.inputs[op][1:]:
            others.add(root(flat, _value_of(flat, tensor)))
    if forward:
        near = upstream(flat, [tensor for op in ops for tensor in flat.inputs[op][1:]], forward)
        others.update(flat.first_output[op] for op in near if flat.outputs(op))
        others.update(root(flat, flat.inputs[op][0]) for op in ops)
    held = {tensor for tensor in others if flat.producer[tensor] in forward}
    return frozenset(others - held - first)


def _value_of(flat: FlatGraph, tensor: int) -> int:
    """Return the variable whose value a tensor is, if the tensor is a plain read (``beta1_power``)."""
    op = flat.producer[tensor]
    return flat.inputs[op][0] if flat.type(op) in ("ReadVariableOp", "Identity") and flat.inputs[op] else tensor
