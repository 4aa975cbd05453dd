"""Compute the range that a ``StridedSlice`` takes from each axis (``tensorflow/core/util/strided_slice_op.cc``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from graphcut.analysis.regions.boxes import END, Range
from graphcut.graph.flat import Shape

Integers = Optional[Tuple[int, ...]]


@dataclass
class Spans:
    """The ranges that a slice takes.

    ``ranges`` maps an axis of the sliced tensor to its range. ``axes`` maps the axes with a stride of one to the
    axis of the slice, and ``moved`` to where they start.
    """

    ranges: Dict[int, Range] = field(default_factory=dict)
    axes: Dict[int, int] = field(default_factory=dict)
    moved: Dict[int, int] = field(default_factory=dict)


def spans(attrs: Mapping[str, Any], shape: Shape, begin: Integers, end: Integers, strides: Integers) -> Optional[Spans]:
    """Return the spans of a slice of a tensor of that shape; ``None`` if they are unknown."""
    if begin is None or end is None or strides is None or not len(begin) == len(end) == len(strides):
        return None
    words = [_word(attrs, index) for index in range(len(begin))]
    if "ellipsis" in words and shape is None:
        return None
    result, before, after = Spans(), 0, 0
    for index, word in enumerate(words):
        if word == "ellipsis":
            count = len(shape or ()) - sum(each in ("range", "shrink") for each in words)
            result.axes.update((before + each, after + each) for each in range(count))
            before, after = before + count, after + count
        elif word == "new":
            after += 1
        elif word == "shrink":
            _take_one(result, before, begin[index], _dim(shape, before))
            before += 1
        else:
            ends = _ends(attrs, index, begin[index], end[index], _dim(shape, before))
            _take(result, before, after, ends, strides[index])
            before, after = before + 1, after + 1
    result.axes.update(_remaining_axes(shape, before, after))
    return result


def _dim(shape: Shape, axis: int) -> Optional[int]:
    return shape[axis] if shape is not None and axis < len(shape) else None


def _remaining_axes(shape: Shape, before: int, after: int) -> List[Tuple[int, int]]:
    """Return the axes that the slice does not mention; of an unknown rank, more than there are."""
    return [(before + each, after + each) for each in range(max(len(shape) - before, 0) if shape is not None else 16)]


def _word(attrs: Mapping[str, Any], index: int) -> str:
    for word, mask in (("ellipsis", "ellipsis_mask"), ("new", "new_axis_mask"), ("shrink", "shrink_axis_mask")):
        if mask in attrs and attrs[mask].i >> index & 1:
            return word
    return "range"


def _ends(attrs: Mapping[str, Any], index: int, begin: int, end: int, dim: Optional[int]) -> Tuple[Optional[int], int]:
    """Return the start of a range (``None`` if unknown) and the latest possible stop."""
    start, stop = (mask in attrs and bool(attrs[mask].i >> index & 1) for mask in ("begin_mask", "end_mask"))
    high = None if stop else _from_start(end, dim)
    return 0 if start else _from_start(begin, dim), END if high is None else high


def _take(spans: Spans, axis: int, after: int, ends: Tuple[Optional[int], int], stride: int) -> None:
    """Add one range; the axis stays unlimited if the slice runs backwards or its start is unknown."""
    low, high = ends
    if stride > 0 and low is not None:
        spans.ranges[axis] = low, high
        if stride == 1:
            spans.axes[axis], spans.moved[axis] = after, low


def _take_one(spans: Spans, axis: int, place: int, dim: Optional[int]) -> None:
    """Add an axis with a single index."""
    low = _from_start(place, dim)
    if low is not None:
        spans.ranges[axis] = low, low + 1


def _from_start(index: int, dim: Optional[int]) -> Optional[int]:
    """Return an index counted from the start; ``None`` if the length is needed and unknown."""
    if index >= 0:
        return index
    return None if dim is None else max(dim + index, 0)
