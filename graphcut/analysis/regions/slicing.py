"""The moves of the ops that join tensors and split them (``array_grad.py``).

A *move* maps a box of the output's gradient to the box of the input's gradient, or to ``None`` if the input gets only zeros.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Tuple

from graphcut.analysis.regions.boxes import END, Box, limit_axis, move_axis, renumber_axes
from graphcut.analysis.regions.strided_slice import Integers, spans
from graphcut.graph.flat import Shape


class StaticOpInfo(NamedTuple):
    """An op with its attributes, the shapes of its inputs and outputs, and its constant integer inputs."""

    attrs: Mapping[str, Any]
    inputs: Tuple[Shape, ...]
    outputs: Tuple[Shape, ...]
    constants: Tuple[Integers, ...]


def _rank(shape: Shape) -> int:
    """Return the rank, or a number larger than any rank if it is unknown."""
    return 99 if shape is None else len(shape)


def _axis(value: Optional[int], shape: Shape) -> Optional[int]:
    """Resolve an axis that may count from the end; ``None`` if the rank is unknown."""
    if value is None or (value < 0 and shape is None):
        return None
    return value if value >= 0 else value + _rank(shape)


def _attr(info: StaticOpInfo, name: str) -> int:
    return int(info.attrs[name].i) if name in info.attrs else 0


def _only_value(info: StaticOpInfo, index: int) -> Optional[int]:
    value = info.constants[index]
    return value[0] if value is not None and len(value) == 1 else None


def _size(shape: Shape, axis: int) -> Optional[int]:
    return shape[axis] if shape is not None and axis < len(shape) else None


def pack(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Pack``: The gradient of each input is a piece."""
    axis = _axis(_attr(info, "axis"), info.outputs[0])
    if axis is None:
        return {}
    piece = limit_axis(box, axis, index, index + 1)
    return None if piece is None else renumber_axes(piece, {each: each - (each > axis) for each in piece if each != axis})


def unpack(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Unpack``: The gradient of each output is a piece, between zeros."""
    axis = _axis(_attr(info, "axis"), info.inputs[0])
    if axis is None:
        return {}
    return {**renumber_axes(box, {each: each + (each >= axis) for each in box}), axis: (output, output + 1)}


def concat(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``ConcatV2``: The gradient of each input is a piece."""
    last = len(info.inputs) - 1
    shape = next((each for each in info.inputs[:last] if each is not None), None)
    axis = _axis(_only_value(info, last), shape)
    if axis is None:
        return {}
    before = [_size(each, axis) for each in info.inputs[:index]]
    start, size = sum(each or 0 for each in before), _size(info.inputs[index], axis)
    piece = limit_axis(box, axis, start, END if size is None or None in before else start + size)
    if piece is not None and None in before:
        return renumber_axes(piece, {each: each for each in piece if each != axis})
    return None if piece is None else move_axis(piece, axis, -start)


def split(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Split``: The gradient of each output is a piece, between zeros."""
    axis = _axis(_only_value(info, 0), info.inputs[1])
    size = _size(info.inputs[1], axis) if axis is not None else None
    if axis is None or size is None:
        return {}
    piece = size // max(len(info.outputs), 1)
    return limit_axis(move_axis(box, axis, output * piece), axis, output * piece, (output + 1) * piece)


def split_v(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``SplitV``: The same for pieces of given lengths."""
    axis, sizes = _axis(_only_value(info, 2), info.inputs[0]), info.constants[1]
    if axis is None or sizes is None or min(sizes[: output + 1], default=-1) < 0:
        return {}
    start = sum(sizes[:output])
    return limit_axis(move_axis(box, axis, start), axis, start, start + sizes[output])


def slice_(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Slice``: The gradient is padded with zeros."""
    begin, size = info.constants[1], info.constants[2]
    piece: Optional[Box] = box if begin is not None else {}
    for axis, start in enumerate(begin or ()):
        length = size[axis] if size is not None and axis < len(size) else -1
        if piece is not None:
            piece = limit_axis(move_axis(piece, axis, start), axis, start, END if length < 0 else start + length)
    return piece


def _begin_end_strides(info: StaticOpInfo) -> Tuple[Integers, Integers, Integers]:
    return info.constants[1], info.constants[2], info.constants[3]


def strided_slice(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``StridedSlice``: The gradient is padded with zeros."""
    bounds = spans(info.attrs, info.inputs[0], *_begin_end_strides(info))
    if bounds is None:
        return {}
    piece: Optional[Box] = renumber_axes(box, {there: here for here, there in bounds.axes.items()})
    for axis, (low, high) in bounds.ranges.items():
        if piece is not None:
            piece = limit_axis(move_axis(piece, axis, bounds.moved.get(axis, 0)), axis, low, high)
    return piece


def strided_slice_grad(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``StridedSliceGrad``: The gradient of the padded tensor is a slice."""
    bounds = spans(info.attrs, info.constants[0] or info.outputs[0], *_begin_end_strides(info))
    if bounds is None:
        return {}
    piece: Optional[Box] = box
    for axis, (low, high) in bounds.ranges.items():
        piece = None if piece is None else limit_axis(piece, axis, low, high)
        piece = None if piece is None else move_axis(piece, axis, -bounds.moved.get(axis, 0))
    return None if piece is None else renumber_axes(piece, bounds.axes)


def pad(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Pad``: The gradient of the padded tensor is a slice."""
    paddings = info.constants[1]
    piece: Optional[Box] = box if paddings is not None else {}
    for axis, before in enumerate((paddings or ())[::2]):
        size = _size(info.inputs[0], axis)
        piece = None if piece is None else limit_axis(piece, axis, before, END if size is None else before + size)
        piece = None if piece is None else move_axis(piece, axis, -before)
    return piece


def cumsum(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``Cumsum``: The gradient of an element sums those of later elements, and its own unless the sum is exclusive."""
    axis = _axis(_only_value(info, 1), info.inputs[0])
    if axis is None or index:
        return {}
    exclusive = int("exclusive" in info.attrs and info.attrs["exclusive"].b)
    low, high = box.get(axis, (0, END))
    if "reverse" in info.attrs and info.attrs["reverse"].b:
        low, high = low + exclusive, END
    else:
        size = _size(info.inputs[0], axis)
        low, high = 0, (high if size is None else min(high, size)) - exclusive * (size is not None or high != END)
    return limit_axis({each: range_ for each, range_ in box.items() if each != axis}, axis, low, high)


def gather(info: StaticOpInfo, output: int, index: int, box: Box) -> Optional[Box]:
    """``GatherV2``: The gradient of the first input is nonzero only at the indices."""
    axis = _axis(_only_value(info, 2), info.inputs[0]) if len(info.inputs) > 2 else 0
    places, shape = info.constants[1], info.inputs[1]
    if index or axis is None or shape is None or not places or min(places) < 0 or _attr(info, "batch_dims"):
        return {}
    more = len(shape) - 1
    start, stop = box.get(axis, (0, END)) if not more else (0, END)
    rows = places[start:stop]
    moved_axes = {each: each - (more if each > axis else 0) for each in box if each < axis or each > axis + more}
    return {**renumber_axes(box, moved_axes), axis: (min(rows), max(rows) + 1)} if rows else None
