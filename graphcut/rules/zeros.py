"""Which tensors are all zeros whatever is fed. Sound, not complete: in doubt a tensor is not zero.

A product with zero counts as zero, as everywhere in automatic differentiation: infinities are left out of account.
"""

from __future__ import annotations

from typing import AbstractSet, Callable, Dict, FrozenSet, Sequence

from graphcut.dag import FlatGraph
from graphcut.reading.attrs import is_zero

Zero = Callable[[Sequence[bool]], bool]


def _first(inputs: Sequence[bool]) -> bool:
    return bool(inputs) and inputs[0]


def _second(inputs: Sequence[bool]) -> bool:
    return len(inputs) > 1 and inputs[1]


def _always(inputs: Sequence[bool]) -> bool:
    return True


def _branches(inputs: Sequence[bool]) -> bool:
    return len(inputs) == 3 and inputs[1] and inputs[2]


def _pieces(inputs: Sequence[bool]) -> bool:
    return len(inputs) > 1 and all(inputs[:-1])


# What makes the output of each op type zero. These are facts of arithmetic, not of gradients: they hold in every version.
ZERO_WHEN: Dict[str, Zero] = {
    "ZerosLike": _always,
    "Fill": _second,
    "SelectV2": _branches,
    "Select": _branches,
    "ConcatV2": _pieces,
}
ZERO_WHEN.update(
    dict.fromkeys(["Mul", "MulNoNan", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D"], any)
)
ZERO_WHEN.update(dict.fromkeys(["Add", "AddV2", "AddN", "Sub", "Pack"], all))
ZERO_WHEN.update(
    dict.fromkeys(
        [
            "Identity",
            "Snapshot",
            "Reshape",
            "Cast",
            "Neg",
            "Sum",
            "Mean",
            "Tile",
            "BroadcastTo",
            "Transpose",
            "ExpandDims",
            "Squeeze",
            "StopGradient",
            "PreventGradient",
            "Slice",
            "StridedSlice",
            "Pad",
            "Conj",
            "Real",
            "Imag",
            "Complex",
            "RealDiv",
            "Div",
            "DivNoNan",
            "Square",
            "Sqrt",
            "Abs",
            "Sign",
            "Relu",
            "Tanh",
            "Sin",
            "_Arg",
        ],
        _first,
    )
)


def zero_tensors(flat: FlatGraph, assumed: AbstractSet[int] = frozenset()) -> FrozenSet[int]:
    """The first outputs known to hold nothing but zeros, with those of ``assumed``; one pass in the graph's order."""
    zeros = set(assumed)
    tests = [is_zero(kind) if kind.type == "Const" else ZERO_WHEN.get(kind.type) for kind in flat.kind_table]
    for op, kind in enumerate(flat.kinds):
        test = tests[kind]
        if test and (test is True or test([tensor in zeros for tensor in flat.inputs[op]])):
            zeros.add(flat.first[op])
    return frozenset(zeros)
