"""The variables that a loss reads and that its gradient call did not ask for.

A loss reads a variable if the variable's handle or reference feeds the loss through tensors, whether or not a gradient can
come back that way. An op that reads only a shape does not count. The variable is *frozen* if it is not trainable, or if every
route from it to the loss passes a deliberate stop; otherwise it was *forgotten*. A plain variable that the step's Keras model
does not track was forgotten even behind a stop, unless the step writes it or it is a copy, because the stop is not the reason
why the call left it out. A variable that another gradient of the same step asks for is neither, unless it is not trainable
when this gradient is taken, as in a script that freezes a layer for a while.

Two kinds are meant to move without a gradient: the *averages* of a batch normalization, which its layer writes with
``training=True``, and a *copy* of a network that learns, such as a target network or a teacher, which the step assigns to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import (
    Callable,
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from graphcut.analysis.graph_edits import readers_of
from graphcut.graph.dtypes import is_discrete
from graphcut.graph.flat import FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import READERS, STOPS
from graphcut.graph.targets import Target, join_partitions
from graphcut.graph.traverse import find_reachable, walk_depth_first
from graphcut.results import LeftOut, LeftOutReason

_SHAPE_ONLY = frozenset(["Shape", "ShapeN", "Size", "Rank", "VariableShape", "ZerosLike", "OnesLike"])
_FUSED, _FUSED_VARIANCE = frozenset(["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"]), 4
_NEXT = READERS | {"Identity", "Cast", "Reshape", "ExpandDims", "Squeeze", "BroadcastTo", "Add", "AddV2", "_Arg"}


class StepFacts(NamedTuple):
    """Facts about a step for one of its gradient calls. Each variable is given by the ``id`` of the live variable.

    ``updated``: the variables that the step writes, ``None`` if unknown; ``requested``: those that any gradient of the step
    asks for; ``untracked``: those that the step's Keras model does not list; ``raised``: the error that the step raises after
    this gradient, in one line.
    """

    updated: Optional[FrozenSet[int]] = None
    requested: FrozenSet[int] = frozenset()
    untracked: FrozenSet[int] = frozenset()
    raised: str = ""

    def is_updated(self, target: Target) -> Optional[bool]:
        """Return whether the step writes a variable."""
        objects = map(id, target.variable.objects)
        return None if self.updated is None or not target.variable.objects else not self.updated.isdisjoint(objects)


def left_out(
    traced: LoadedGraph,
    losses: Sequence[int],
    targets: Sequence[Target],
    is_updated: Callable[[Target], Optional[bool]],
    step: StepFacts,
) -> Tuple[LeftOut, ...]:
    """Return the variables that the loss reads but the gradient call left out, in the graph's order.

    Args:
        traced: the graph.
        losses: the tensors of the loss.
        targets: the variables that the call asked for.
        is_updated: whether the graph itself updates a variable.
        step: facts about the step, if the audit is of one.
    """
    candidates = join_partitions(list(_unrequested_variables(traced, losses, targets, step)))
    if not candidates:
        return ()
    flat = traced.flat
    open_ops = read_ops(flat, losses, STOPS)
    averages, copies = _averages(traced, candidates, targets), _copies(candidates, targets)
    rows = (
        replace(
            _left_out(each, flat, open_ops, is_updated, step),
            is_average=each.variable.name in averages,
            copy_of=copies.get(each.variable.name, ""),
        )
        for each in candidates
    )
    return tuple(replace(each, reason=LeftOutReason.FORGOTTEN) if _is_only_untracked(each) else each for each in rows)


def _is_only_untracked(row: LeftOut) -> bool:
    """Return whether a variable behind a stop is left out because its model does not track it."""
    is_meant = row.is_updated or row.is_average or row.copy_of or row.trainable is False
    return row.is_stopped and row.is_untracked and row.is_plain and not is_meant


def _averages(traced: LoadedGraph, result: Sequence[Target], targets: Sequence[Target]) -> FrozenSet[str]:
    """Return the averages of batch normalizations that have another variable in the gradient call.

    A variance that no gradient trains feeds a reciprocal root or a fused op; a mean has its scope and shape.
    """
    still = [each for each in result if each.variable.trainable is False]
    learning = {(_scope(each), each.variable.shape) for each in targets}
    candidates = [each for each in still if (_scope(each), each.variable.shape) in learning]
    if not candidates:
        return frozenset()
    readers = readers_of(traced.flat, lambda op, index: True)
    places = {(_scope(each), each.variable.shape) for each in candidates if _is_variance(traced.flat, readers, each)}
    return frozenset(each.variable.name for each in candidates if (_scope(each), each.variable.shape) in places)


def _is_variance(flat: FlatGraph, readers: Mapping[int, Iterable[Tuple[int, int]]], target: Target) -> bool:
    """Return whether a reciprocal root, after adding a small number, or a fused normalization reads a variable."""

    def behind(tensor: int) -> List[int]:
        passing = (op for op, _ in readers.get(tensor, ()) if flat.type(op) in _NEXT)
        return [output for op in passing for output in flat.outputs(op)]

    reads = (each for tensor in walk_depth_first(target.tensors, behind) for each in readers.get(tensor, ()))
    return any(flat.type(op) == "Rsqrt" or (flat.type(op) in _FUSED and index == _FUSED_VARIANCE) for op, index in reads)


def _copies(candidates: Sequence[Target], targets: Sequence[Target]) -> Dict[str, str]:
    """Return, for each variable of a copied network, its counterpart in the network that learns.

    A scope of layers is a copy of another one if all its kernels are, by name below the scope and by shape. Without such
    scopes, all left-out variables are a copy of all requested ones if their shapes agree one by one and they form at least two
    layers.
    """
    shapes = [[each.variable.shape for each in side] for side in (candidates, targets)]
    if shapes[0] == shapes[1] and sum(len(shape or ()) > 1 for shape in shapes[0]) > 1:
        return {each.variable.name: other.variable.name for each, other in zip(candidates, targets)}
    learning = {(_inner_name(each), each.variable.shape): each.variable.name for each in targets}
    groups: Dict[str, List[Target]] = {}
    for each in candidates:
        if "/" in _inner_name(each):
            groups.setdefault(_outer_scope(each), []).append(each)
    copies: Dict[str, str] = {}
    for group in groups.values():
        pairs = {each.variable.name: learning.get((_inner_name(each), each.variable.shape), "") for each in group}
        kernels = [each.variable.name for each in group if len(each.variable.shape or ()) > 1]
        if kernels and all(pairs[name] for name in kernels):
            copies.update((name, other) for name, other in pairs.items() if other)
    return copies


def _scope(target: Target) -> str:
    return target.variable.name.rpartition("/")[0]


def _outer_scope(target: Target) -> str:
    return target.variable.name.partition("/")[0]


def _inner_name(target: Target) -> str:
    return target.variable.name.partition("/")[2]


def read_ops(flat: FlatGraph, losses: Iterable[int], barred: Collection[str] = ()) -> FrozenSet[int]:
    """Return the ops that the loss is computed by, but not those behind an op of a type in ``barred``."""
    ends = _SHAPE_ONLY.union(barred)

    def producers(op: int) -> List[int]:
        return [flat.producer[tensor] for tensor in flat.inputs[op]] if flat.type(op) not in ends else []

    return frozenset(find_reachable((flat.producer[tensor] for tensor in losses), producers))


def _unrequested_variables(
    traced: LoadedGraph, losses: Sequence[int], targets: Sequence[Target], step: StepFacts
) -> Iterator[Target]:
    flat = traced.flat
    requested = {tensor for each in targets for tensor in each.tensors}
    own = {id(live_object) for each in targets for live_object in each.variable.objects}
    every = step.requested.union(own)
    read = read_ops(flat, losses)
    for variable in traced.variables:
        if is_discrete(variable.dtype) or (traced.origin.live is not None and not variable.objects):
            continue
        tensors = tuple(tensor for name in variable.tensors for tensor in traced.names.tensors(name))
        is_read = any(flat.producer[tensor] in read for tensor in tensors)
        others = own if variable.trainable is False else every
        if is_read and requested.isdisjoint(tensors) and others.isdisjoint(map(id, variable.objects)):
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
    updated = is_updated(target) if step.updated is None else step.is_updated(target)
    is_of_another = not step.requested.isdisjoint(objects)  # the op that writes it may belong to the gradient that asks for it
    return LeftOut(
        name=variable.name,
        trainable=variable.trainable,
        reason=LeftOutReason.FROZEN if is_frozen else LeftOutReason.FORGOTTEN,
        is_updated=None if is_of_another else updated,
        is_stopped=not is_open,
        is_untracked=not step.untracked.isdisjoint(objects),
        shape=variable.shape,
    )
