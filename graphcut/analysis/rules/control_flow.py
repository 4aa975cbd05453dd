"""Gradient patterns of the ops whose gradient TensorFlow computes from the surrounding graph, not from the op alone.

Each rule is a function from a flat graph and an op to a pattern, or to ``None`` if it does not apply to the op. The rules are
tried in the order of ``RULES``. Sources: ``control_flow_grad.py``, ``cond_v2.py``, ``while_v2.py``, ``gradients_util.py``.
"""

from __future__ import annotations

from typing import Callable, Optional, Tuple

from graphcut.analysis.rules.pattern import GradientPattern, blocked_pattern, dense, pass_all
from graphcut.graph.attrs import attributes
from graphcut.graph.flat import FlatGraph
from graphcut.results import BarrierKind

Rule = Callable[[FlatGraph, int], Optional[GradientPattern]]


def source(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """Return the pattern of an op without inputs: it ends every route, and TensorFlow never asks for its gradient."""
    if flat.inputs[op]:
        return None
    return pass_all(len(flat.outputs(op)), 0, ())


def argument(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """``_Arg`` and ``_LoopVar`` pass every gradient on: to the caller, to the first value and to the last iteration."""
    if flat.type(op) not in ("_Arg", "_LoopVar"):
        return None
    row = pass_all(1, len(flat.inputs[op]), tuple(range(len(flat.inputs[op]))))
    return row if len(flat.inputs[op]) == 1 else dense(row)


def result(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """``_Retval`` passes the gradient to every branch that may give the result, never to a predicate."""
    if flat.type(op) != "_Retval":
        return None
    kind = flat.kind_table[flat.kinds[op]]
    branches = int(attributes(kind)["branches"].i)
    inputs = len(flat.inputs[op])
    return dense(pass_all(1, inputs, tuple(range(branches)), BarrierKind.INPUT))


def switch(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """``Switch`` passes the gradient of either side to its data (``_SwitchGrad``), nothing to the predicate."""
    if flat.type(op) not in ("Switch", "RefSwitch"):
        return None
    return pass_all(2, 2, (0,), BarrierKind.DTYPE if is_loop_switch(flat, op) else BarrierKind.INPUT)


def is_loop_switch(flat: FlatGraph, op: int) -> bool:
    """Return whether a ``Switch`` leaves a loop, not a conditional: its predicate is a ``LoopCond``."""
    return flat.type(flat.producer[flat.inputs[op][1]]) == "LoopCond"


def merge(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """``Merge`` passes the gradient of its value to every input (``_MergeGrad``)."""
    if flat.type(op) not in ("Merge", "RefMerge"):
        return None
    every = tuple(range(len(flat.inputs[op])))
    return GradientPattern((every, ()), (every, ()), (BarrierKind.DTYPE,) * len(every), passes=frozenset(every))


def frame(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """``Enter``, ``Exit`` and ``NextIteration`` pass the gradient on."""
    if flat.type(op) not in ("Enter", "RefEnter", "Exit", "RefExit", "NextIteration", "RefNextIteration"):
        return None
    return pass_all(1, 1, (0,))


def condition(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """Return the pattern of a v1 loop's condition, which only decides what the ``Switch`` ops pass on."""
    return blocked_pattern(1, 1, BarrierKind.INPUT) if flat.type(op) == "LoopCond" else None


RULES: Tuple[Rule, ...] = (source, argument, result, switch, merge, frame, condition)
STRUCTURAL = frozenset(
    [
        "_Arg",
        "_LoopVar",
        "_Retval",
        "Switch",
        "RefSwitch",
        "Merge",
        "RefMerge",
        "Enter",
        "RefEnter",
        "Exit",
        "RefExit",
        "NextIteration",
        "RefNextIteration",
        "LoopCond",
    ]
)


def structural(flat: FlatGraph, op: int) -> Optional[GradientPattern]:
    """Return the pattern that follows from the surrounding graph, or ``None`` for a plain op."""
    return next((row for row in (rule(flat, op) for rule in RULES) if row is not None), None)
