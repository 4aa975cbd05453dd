"""The backward walk from the loss over one of two relations, *connected* or *carries* (see ``rules.rows``).

*Connected* follows ``tf.gradients`` (``gradients_util._GradientsHelper``): as soon as one output of a call, one variable
of a loop or one exit of a v1 loop has a gradient, TensorFlow fills the trainable others with zeros. Filled tensors are
connected and carry nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Callable, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from graphcut.dag import FlatGraph
from graphcut.rules.rows import Row
from graphcut.rules.structural import is_loop_switch
from graphcut.rules.table import Rules, is_symbolic

UNSEEN, SEED = -2, -1
Relation = Callable[[Row], Tuple[Tuple[int, ...], ...]]


def connected(row: Row) -> Tuple[Tuple[int, ...], ...]:
    """For each output the inputs that TensorFlow gives a gradient, be it zeros."""
    return row.connected


def carries(row: Row) -> Tuple[Tuple[int, ...], ...]:
    """For each output the inputs whose gradient is not provably zero."""
    return row.carries


class Fill(NamedTuple):
    """Tensors that TensorFlow fills with zeros together; ``group`` is the call or the ``LoopCond`` that binds them."""

    group: int
    tensors: Tuple[int, ...]


@dataclass(frozen=True)
class Walk:
    """``parents[tensor]`` is the tensor nearer to the loss, ``SEED`` for the loss, ``UNSEEN`` where nothing arrives.

    ``order`` holds the tensors reached, nearest first; ``raising`` the ops met that make TensorFlow raise.
    """

    parents: Sequence[int]
    order: Sequence[int]
    raising: Tuple[int, ...]

    def reaches(self, tensor: int) -> bool:
        """Whether the walk arrived at a tensor."""
        return self.parents[tensor] != UNSEEN

    def path(self, tensor: int) -> List[int]:
        """The tensors from the loss to ``tensor``; empty where the walk did not arrive."""
        path = []
        while tensor not in (UNSEEN, SEED):
            path.append(tensor)
            tensor = self.parents[tensor]
        return path[::-1] if tensor == SEED else []


def walk(
    rules: Rules, seeds: Iterable[int], stopped: AbstractSet[int], relation: Relation, fills: Mapping[int, Fill]
) -> Walk:
    """Walk from ``seeds`` (tensors) towards the inputs; nothing passes the ops in ``stopped``."""
    flat, passing = rules.flat, rules.passing
    parents = [UNSEEN] * len(flat.dtypes)
    order = list(dict.fromkeys(seeds))
    raising: Dict[int, None] = {}
    fired = set()
    for tensor in order:
        parents[tensor] = SEED
    producer, first, inputs, row_of = flat.producer, flat.first, flat.inputs, rules.row
    for tensor in order:
        op = producer[tensor]
        if op in stopped:
            continue
        row = row_of(op)
        if row.raises is not None:
            raising[op] = None
        given = inputs[op]
        for index in relation(row)[tensor - first[op]]:
            source = given[index]
            if parents[source] == UNSEEN and passing[source]:
                parents[source] = tensor
                order.append(source)
        if op in fills and fills[op].group not in fired:
            fired.add(fills[op].group)
            fresh = [source for source in fills[op].tensors if parents[source] == UNSEEN and passing[source]]
            order.extend(dict.fromkeys(fresh))
            for source in fresh:
                parents[source] = tensor
    return Walk(parents, order, tuple(raising))


def fills(rules: Rules) -> Dict[int, Fill]:
    """For each op whose gradient makes TensorFlow fill others with zeros, the tensors that are filled."""
    flat = rules.flat
    filled: Dict[int, Fill] = {}
    for call in flat.calls:
        tensors = (
            [flat.first[op] for op in call.variables]
            if call.variables
            else [each for returns in call.returns for each in returns]
        )
        if is_symbolic(call.type) or (rules.around.fills_branches and call.predicate is not None):
            tensors += call.inputs
        filled.update(dict.fromkeys(call.results, Fill(call.op, tuple(tensors))))
    filled.update(_exits(flat))
    return filled


def _exits(flat: FlatGraph) -> Dict[int, Fill]:
    """The exits of each v1 loop, told by the ``LoopCond`` that their ``Switch`` reads."""
    loops: Dict[int, List[int]] = {}
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type in ("Exit", "RefExit")}
    for op in (op for op, kind in enumerate(flat.kinds) if kind in kinds):
        switch = flat.producer[flat.inputs[op][0]]
        if flat.type(switch) in ("Switch", "RefSwitch") and is_loop_switch(flat, switch):
            loops.setdefault(flat.inputs[switch][1], []).append(op)
    return {
        op: Fill(flat.producer[loop], tuple(flat.first[each] for each in exits))
        for loop, exits in loops.items()
        for op in exits
    }


def feeding(rules: Rules, raising: Iterable[int]) -> Dict[int, Tuple[int, int]]:
    """The tensors that feed a raising op by tensors that can carry a gradient, each with that op and its input.

    TensorFlow takes the body of a call whole (``_GradientsHelper`` between all arguments and all results): once an argument
    feeds the raising op, every input of the call does, and what feeds one input of a call feeds all its results.
    """
    flat, passing = rules.flat, rules.passing
    inward = _call_inputs(flat)
    origins: Dict[int, Tuple[int, int]] = {}
    waiting: List[int] = []
    for op in raising:
        for index, tensor in enumerate(flat.inputs[op]):
            if passing[tensor] and tensor not in origins:
                origins[tensor] = (op, index)
                waiting.append(tensor)
    while waiting:
        tensor = waiting.pop()
        op = flat.producer[tensor]
        for source in inward.get(op, flat.inputs[op]):
            if passing[source] and source not in origins:
                origins[source] = origins[tensor]
                waiting.append(source)
    return origins


def _call_inputs(flat: FlatGraph) -> Dict[int, Tuple[int, ...]]:
    """For each argument and each result of a call, all that the call is handed."""
    inward: Dict[int, Tuple[int, ...]] = {}
    for call in flat.calls:
        ends = [op for arguments in call.arguments for op in arguments]
        inward.update(dict.fromkeys(ends + list(call.results) + list(call.variables), call.inputs))
    return inward


def ancestors(flat: FlatGraph, tensors: Iterable[int]) -> FrozenSet[int]:
    """Every op that the tensors are computed from, by data."""
    seen = {flat.producer[tensor] for tensor in tensors}
    waiting = list(seen)
    while waiting:
        fresh = {flat.producer[tensor] for tensor in flat.inputs[waiting.pop()]} - seen
        seen |= fresh
        waiting.extend(fresh)
    return frozenset(seen)
