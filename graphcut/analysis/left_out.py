"""The variables that a loss reads and that its gradient call did not ask for.

A variable is read if its handle or reference feeds the loss by tensors, whether a gradient can come back there or not; an op
that looks at a shape alone reads nothing. It is *frozen* if it is not trainable, or if a stop that somebody put there lies on
every route from it to the loss; else it was *forgotten*. What another gradient of the same step asks for is neither.
"""

from __future__ import annotations

from typing import Callable, Collection, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from graphcut.graph.dtypes import is_discrete
from graphcut.graph.flat import FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.targets import Target, join_partitions
from graphcut.graph.traverse import find_reachable
from graphcut.results import LeftOut, LeftOutReason

_SHAPE_ONLY = frozenset(["Shape", "ShapeN", "Size", "Rank", "VariableShape", "ZerosLike", "OnesLike"])
_STOPS = frozenset(["StopGradient", "PreventGradient"])


class StepFacts(NamedTuple):
    """What a step tells of the variables that one of its gradients did not ask for, by the ``id`` of live variables.

    ``updated``: what the step writes, ``None`` where nobody knows; ``asked``: what any gradient of the step asks for;
    ``untracked``: what the Keras model of the step does not list among its variables.
    """

    updated: Optional[FrozenSet[int]] = None
    asked: FrozenSet[int] = frozenset()
    untracked: FrozenSet[int] = frozenset()

    def is_updated(self, target: Target) -> Optional[bool]:
        """Whether the step writes a variable."""
        objects = map(id, target.variable.objects)
        return None if self.updated is None or not target.variable.objects else not self.updated.isdisjoint(objects)


def left_out(
    traced: LoadedGraph,
    losses: Sequence[int],
    targets: Sequence[Target],
    is_updated: Callable[[Target], Optional[bool]],
    step: StepFacts,
) -> Tuple[LeftOut, ...]:
    """Return the variables left out, in the graph's order.

    Args:
        traced: the graph.
        losses: the tensors of the loss.
        targets: what was asked for.
        is_updated: whether the graph itself updates a variable.
        step: what is known of the step, if it is one.
    """
    found = join_partitions(list(_read_and_not_asked(traced, losses, targets, step)))
    if not found:
        return ()
    flat = traced.flat
    open_ops = read_ops(flat, losses, _STOPS)
    return tuple(_left_out(each, flat, open_ops, is_updated, step) for each in found)


def read_ops(flat: FlatGraph, losses: Iterable[int], barred: Collection[str] = ()) -> FrozenSet[int]:
    """Return the ops that the loss is computed by; what lies behind an op of a type in ``barred`` is left out."""
    ends = _SHAPE_ONLY.union(barred)

    def producers(op: int) -> List[int]:
        return [flat.producer[tensor] for tensor in flat.inputs[op]] if flat.type(op) not in ends else []

    return frozenset(find_reachable((flat.producer[tensor] for tensor in losses), producers))


def _read_and_not_asked(
    traced: LoadedGraph, losses: Sequence[int], targets: Sequence[Target], step: StepFacts
) -> Iterator[Target]:
    flat = traced.flat
    asked = {tensor for each in targets for tensor in each.tensors}
    objects = step.asked.union(id(known) for each in targets for known in each.variable.objects)
    read = read_ops(flat, losses)
    for variable in traced.variables:
        if is_discrete(variable.dtype) or (traced.origin.live is not None and not variable.objects):
            continue
        tensors = tuple(tensor for name in variable.tensors for tensor in traced.names.tensors(name))
        is_read = any(flat.producer[tensor] in read for tensor in tensors)
        if is_read and asked.isdisjoint(tensors) and objects.isdisjoint(map(id, variable.objects)):
            yield Target(variable, tensors)


def _left_out(
    target: Target,
    flat: FlatGraph,
    open_ops: FrozenSet[int],
    is_updated: Callable[[Target], Optional[bool]],
    step: StepFacts,
) -> LeftOut:
    variable, objects = target.variable, set(map(id, target.variable.objects))
    is_open = any(flat.producer[tensor] in open_ops for tensor in target.tensors)
    is_frozen = variable.trainable is False or not is_open
    return LeftOut(
        name=variable.name,
        trainable=variable.trainable,
        reason=LeftOutReason.FROZEN if is_frozen else LeftOutReason.FORGOTTEN,
        is_updated=is_updated(target) if step.updated is None else step.is_updated(target),
        is_stopped=not is_open,
        is_untracked=not step.untracked.isdisjoint(objects),
    )
