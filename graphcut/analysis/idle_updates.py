"""Find the variables to which training only ever adds zeros: filled in for a gradient, or a gradient multiplied by zero.

Such a write leaves the variable as it is. The slots of an optimizer start at zero, so that a gradient that is always zero
leaves them so. Optimizers that change a variable without a gradient (Ftrl, the proximal ones, dual averaging) are left out.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, FrozenSet, Iterable

from graphcut.graph.flat import FlatGraph
from graphcut.graph.writing_ops import Write

# The input that is added, or the gradient that an optimizer's op takes, by the type without Resource and Sparse.
ADDED: Dict[str, int] = {
    "AssignAdd": 1,
    "AssignSub": 1,
    "AssignAddVariableOp": 1,
    "AssignSubVariableOp": 1,
    "ScatterAdd": 2,
    "ScatterSub": 2,
    "ApplyGradientDescent": 2,
    "ApplyMomentum": 3,
    "ApplyKerasMomentum": 3,
    "ApplyAdagrad": 3,
    "ApplyAdagradV2": 4,
    "ApplyAdadelta": 6,
    "ApplyAddSign": 6,
    "ApplyPowerSign": 6,
    "ApplyRMSProp": 7,
    "ApplyCenteredRMSProp": 8,
    "ApplyAdaMax": 8,
    "ApplyAdam": 9,
    "ApplyAdamWithAmsgrad": 10,
}


def idle_variables(flat: FlatGraph, updates: Iterable[Write], zeros: AbstractSet[int]) -> FrozenSet[int]:
    """Return the handles to which every update adds one of the tensors ``zeros``."""
    adds: Dict[int, bool] = {}
    for each in updates:
        adds[each.handle] = adds.get(each.handle, True) and _adds_zeros(flat, each.op, zeros)
    return frozenset(handle for handle, is_idle in adds.items() if is_idle)


def _adds_zeros(flat: FlatGraph, op: int, zeros: AbstractSet[int]) -> bool:
    position = ADDED.get(flat.type(op).replace("Resource", "").replace("Sparse", ""))
    return position is not None and flat.inputs[op][position] in zeros
