"""Compute which elements of an input's gradient can be nonzero from those of the output's gradient.

A *move* maps a box of the output's gradient to the box of the input's gradient, or to ``None`` if the input gets only zeros.
Each follows what TensorFlow's gradient function computes in every version (``array_grad.py``, ``math_grad.py``,
``nn_grad.py``). An op without a move limits nothing.
"""

from __future__ import annotations

from typing import Callable, Dict, Optional

from graphcut.analysis.regions import complex_parts, slicing
from graphcut.analysis.regions.boxes import Box, renumber_axes
from graphcut.analysis.regions.slicing import StaticOpInfo

Move = Callable[[StaticOpInfo, int, int, Box], Optional[Box]]


def _same(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    return box


def _elementwise(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    return complex_parts.without_part(box)


def _broadcast(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """Return the limits along axes of the same, known length; a length of one may have been stretched."""
    before, after = info.inputs[index], info.outputs[output]
    if before is None or after is None:
        return {}
    less = len(after) - len(before)
    axes = {axis: axis - less for axis in box if less <= axis < len(after)}
    return renumber_axes(box, {axis: to for axis, to in axes.items() if after[axis] is not None and after[axis] == before[to]})


def _matmul(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    turned = bool(info.attrs[_TURNED[index]].b) if _TURNED[index] in info.attrs else False
    return renumber_axes(box, {index: 1 - index if turned else index})


_TURNED = ("transpose_a", "transpose_b")


def _complex(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Complex``: Each input is a part; the gradient is summed over broadcast axes."""
    piece = complex_parts.part(box, index)
    return None if piece is None else _broadcast(info, output, index, piece)


def _rows(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """Ops that treat each row of their first input separately."""
    return renumber_axes(box, {0: 0}) if index == 0 and len(info.inputs[0] or ()) > 1 else {}


MOVES: Dict[str, Move] = {
    "Pack": slicing.pack,
    "Unpack": slicing.unpack,
    "ConcatV2": slicing.concat,
    "Split": slicing.split,
    "SplitV": slicing.split_v,
    "Slice": slicing.slice_,
    "StridedSlice": slicing.strided_slice,
    "StridedSliceGrad": slicing.strided_slice_grad,
    "Pad": slicing.pad,
    "PadV2": slicing.pad,
    "MatMul": _matmul,
    "Cumsum": slicing.cumsum,
    "Gather": slicing.gather,
    "GatherV2": slicing.gather,
    "Cast": complex_parts.cast,
    "Real": complex_parts.real,
    "Imag": complex_parts.imag,
    "Complex": _complex,
}
# The types whose move reads constant values: axes, positions, sizes.
READS_CONSTANTS = frozenset(
    (
        "ConcatV2",
        "Split",
        "SplitV",
        "Slice",
        "StridedSlice",
        "StridedSliceGrad",
        "Pad",
        "PadV2",
        "Cumsum",
        "Gather",
        "GatherV2",
    )
)
MOVES.update(
    dict.fromkeys(
        [
            "Identity",
            "Snapshot",
            "Neg",
            "Conj",
            "CheckNumerics",
            "AddN",
            "_Arg",
            "_Retval",
            "Switch",
            "RefSwitch",
            "Merge",
            "RefMerge",
        ],
        _same,
    )
)
MOVES.update(
    dict.fromkeys(
        [
            "Relu",
            "Relu6",
            "Elu",
            "Selu",
            "LeakyRelu",
            "Softplus",
            "Softsign",
            "Tanh",
            "Sigmoid",
            "Exp",
            "Expm1",
            "Log",
            "Log1p",
            "Sqrt",
            "Rsqrt",
            "Square",
            "Abs",
            "Sin",
            "Cos",
            "Erf",
            "Reciprocal",
            "Inv",
        ],
        _elementwise,
    )
)
MOVES.update(
    dict.fromkeys(
        [
            "Add",
            "AddV2",
            "Sub",
            "Mul",
            "RealDiv",
            "Div",
            "DivNoNan",
            "MulNoNan",
            "Maximum",
            "Minimum",
            "SquaredDifference",
            "Pow",
            "Select",
            "SelectV2",
        ],
        _broadcast,
    )
)
MOVES.update(dict.fromkeys(["BiasAdd", "Conv2D", "Softmax", "LogSoftmax"], _rows))
# Ops that split tensors, and ops that join them: a gradient can be zero only in a graph with both. An exclusive sum joins
# zeros with the values that it moves on.
PARTING = frozenset(["Unpack", "Split", "SplitV", "Slice", "StridedSlice", "Cumsum", "Gather", "GatherV2"])
JOINING = frozenset(["Pack", "ConcatV2", "Pad", "PadV2", "StridedSliceGrad", "Cumsum"])
TAKES_PARTS = frozenset(["Real", "Imag"])
MAKES_COMPLEX = frozenset(["Cast", "Complex"])
