"""Find what a loss reads instead of a variable that it does not depend on.

A value that was computed from the variable before the step is a constant for the loss: a kernel that ``build`` made, a tensor
in a closure, another variable's initial value. A value does not show what it was computed from, so every value with as many
elements as the variable is reported. For the output of a layer, it is the output of another call of that layer.
"""

from __future__ import annotations

from functools import reduce
from operator import mul
from typing import Any, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from graphcut.analysis.left_out import read_ops
from graphcut.analysis.reasons.reason import Instead
from graphcut.graph.flat import FlatGraph, Shape
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import READERS
from graphcut.graph.targets import Target
from graphcut.graph.traverse import find_reachable
from graphcut.graph.variables import root
from graphcut.results import LeftOut, LeftOutReason

_NEAR = 4  # ops between a layer's output and the ops that read its variables
_NAMED = 3


def read_instead(
    traced: LoadedGraph, losses: Sequence[int], target: Target, left_out: Sequence[LeftOut], source: Any
) -> Tuple[Instead, ...]:
    """Return the values that the loss reads and that were perhaps meant to be computed from a target.

    Args:
        traced: the graph.
        losses: the tensors of the loss.
        target: the variable or tensor that is unused.
        left_out: the variables that the loss reads but the gradient call left out.
        source: the function that was traced, or ``None``.
    """
    read = read_ops(traced.flat, losses)
    if target.tensors and traced.index.by_name(target.variable.name) is None:
        return tuple(_other_calls(traced, read, target.tensors[0]))
    if target.variable.trainable is False:
        return ()
    values = [*_values(traced, read, target, source), *_variables(traced, target, left_out)]
    return tuple(values[:_NAMED])


def _values(traced: LoadedGraph, read: FrozenSet[int], target: Target, source: Any) -> Iterator[Instead]:
    if source is None or traced.origin.live is None:
        return
    from graphcut.backend.live import eager_values

    flat = traced.flat
    live_ops = (traced.origin.operation(flat.function(op), flat.names[op].rpartition("!")[2]) for op in sorted(read))
    operations = [each for each in live_ops if each is not None]
    for name, shape in eager_values.held_values(traced.origin.live, operations, source):
        if _size(shape) == _size(target.variable.shape):
            yield Instead(kind="value", name=name, shape=shape)


def _variables(traced: LoadedGraph, target: Target, left_out: Sequence[LeftOut]) -> Iterator[Instead]:
    for each in left_out:
        variable = traced.index.by_name(each.name)
        if (
            variable is not None
            and each.reason is LeftOutReason.FORGOTTEN
            and _size(variable.shape) == _size(target.variable.shape)
        ):
            yield Instead(kind="variable", name=each.name, shape=variable.shape)


def _size(shape: Shape) -> Optional[int]:
    return None if shape is None or None in shape else reduce(mul, [each or 0 for each in shape], 1)


def _other_calls(traced: LoadedGraph, read: FrozenSet[int], tensor: int) -> Iterator[Instead]:
    """Yield the ops of other calls of the same layer that the loss is computed from."""
    flat = traced.flat
    op = flat.producer[tensor]
    own = _weights(flat, op)
    if not own:
        return
    for each in sorted(read):
        if each != op and flat.type(each) == flat.type(op) and _weights(flat, each) == own:
            yield Instead(kind="call", name=flat.names[each], where=traced.place(each)[0])
            return


def _weights(flat: FlatGraph, op: int) -> FrozenSet[int]:
    """Return the variables that the nearest upstream op with variables reads."""
    for _ in range(_NEAR):
        read = [_handle_of(flat, tensor) for tensor in flat.inputs[op]]
        result = frozenset(each for each in read if each is not None)
        if result or not flat.inputs[op]:
            return result
        op = flat.producer[flat.inputs[op][0]]
    return frozenset()


def _handle_of(flat: FlatGraph, tensor: int) -> Optional[int]:
    """Return the handle of the variable whose value a tensor is."""
    ops: List[int] = list(find_reachable([flat.producer[tensor]], lambda op: _sources(flat, op)))
    handles = (flat.inputs[op][0] for op in ops if flat.type(op) in READERS and flat.inputs[op])
    return next((root(flat, handle) for handle in handles), None)


def _sources(flat: FlatGraph, op: int) -> Sequence[int]:
    return [flat.producer[flat.inputs[op][0]]] if flat.type(op) in ("Identity", "Cast") and flat.inputs[op] else ()
