"""The variant tensors whose elements have no gradient: lists of integers, as far as ``element_dtype`` tells."""

from __future__ import annotations

from typing import FrozenSet

from graphcut.dag import VARIANT, FlatGraph
from graphcut.reading.attrs import attributes


def inert(flat: FlatGraph) -> FrozenSet[int]:
    """Variant tensors whose elements are of a dtype without a gradient, as far as ``element_dtype`` tells."""
    variants = [tensor for tensor, dtype in enumerate(flat.dtypes) if dtype == VARIANT]
    return frozenset(tensor for tensor in variants if _element(flat, tensor) not in (0, 1, 2, 8, 14, 18, 19, 20, 21))


def _element(flat: FlatGraph, tensor: int) -> int:
    """The dtype of a variant's elements, followed back to the op that made it; 0 where unknown."""
    seen = set()
    while tensor not in seen:
        seen.add(tensor)
        op = flat.producer[tensor]
        values = attributes(flat.kind_table[flat.kinds[op]])
        if "element_dtype" in values:
            return int(values["element_dtype"].type)
        variants = [each for each in flat.inputs[op] if flat.dtypes[each] == VARIANT]
        if not variants:
            return 0
        tensor = variants[0]
    return 0
