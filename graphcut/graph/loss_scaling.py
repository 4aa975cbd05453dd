"""The loss in front of a loss scale: what an optimizer for mixed precision was given.

``MixedPrecisionLossScaleOptimizer`` and its relatives differentiate ``loss * scale``, so that small gradients of half
precision do not vanish, and multiply each gradient by ``1 / scale``. The product is an op of the optimizer: the gradients
that train are those of its factor.
"""

from __future__ import annotations

from typing import AbstractSet, Iterator, Optional, Tuple

from graphcut.graph.flat import FlatGraph
from graphcut.graph.float_walks import consumers
from graphcut.graph.op_types import VARIABLES
from graphcut.graph.variables import root

_PRODUCTS = ("Mul",)
_QUOTIENTS = ("RealDiv", "Reciprocal", "Inv")
_COPIES = ("Cast", "Identity", "ReadVariableOp")
_LONGEST = 6


def without_scale(flat: FlatGraph, losses: Tuple[int, ...], gradients: AbstractSet[int]) -> Tuple[int, ...]:
    """Return the losses. A scale by which the gradients (given as ops) are divided again is removed."""
    return tuple(_factor(flat, loss, gradients) for loss in losses)


def _factor(flat: FlatGraph, loss: int, gradients: AbstractSet[int]) -> int:
    op = flat.producer[loss]
    if flat.type(op) not in _PRODUCTS:
        return loss
    first, second = flat.inputs[op]
    for factor, scale in ((first, second), (second, first)):
        source = _scale(flat, scale)
        if source is not None and _scale(flat, factor) is None and _is_undone(flat, source, gradients):
            return factor
    return loss


def _scale(flat: FlatGraph, tensor: int) -> Optional[int]:
    """Return the constant or the variable that a tensor is a copy of; ``None`` for what is computed."""
    for _ in range(_LONGEST):
        op = flat.producer[tensor]
        if flat.type(op) == "Const" or flat.type(op) in VARIABLES:
            return root(flat, tensor)
        if flat.type(op) not in _COPIES or not flat.inputs[op]:
            return None
        tensor = flat.inputs[op][0]
    return None


def _is_undone(flat: FlatGraph, scale: int, gradients: AbstractSet[int]) -> bool:
    """Return whether a gradient is multiplied by a quotient that the graph computes of the scale."""
    readers = consumers(flat)
    for op in _quotients(flat, scale):
        ends = [op]
        ends += [each for each in readers.get(op, ()) if flat.type(each) == "Cast"]
        products = [each for end in ends for each in readers.get(end, ()) if flat.type(each) in _PRODUCTS]
        if any(flat.producer[tensor] in gradients for each in products for tensor in flat.inputs[each]):
            return True
    return False


def _quotients(flat: FlatGraph, scale: int) -> Iterator[int]:
    """Yield the ops that divide a constant by the scale, or by a constant of the same value."""
    kinds = {number for number, kind in enumerate(flat.kind_table) if kind.type in _QUOTIENTS}
    for op in (op for op, kind in enumerate(flat.kinds) if kind in kinds):
        above, divisor = [_scale(flat, each) for each in flat.inputs[op][:-1]], _scale(flat, flat.inputs[op][-1])
        constant = all(each is not None and flat.type(flat.producer[each]) == "Const" for each in above)
        if constant and divisor is not None and _are_equal(flat, divisor, scale):
            yield op


def _are_equal(flat: FlatGraph, one: int, other: int) -> bool:
    """Return whether both are the same variable, or constants of the same value."""
    first, second = (flat.kind_table[flat.kinds[flat.producer[each]]] for each in (one, other))
    return one == other or first.type == second.type == "Const" and set(first.attrs) == set(second.attrs)
