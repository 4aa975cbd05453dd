"""Which gradients come as ``tf.IndexedSlices``: those whose every contribution does (``AggregateIndexedSlicesGradients``)."""

from __future__ import annotations

from typing import AbstractSet, Dict, FrozenSet, Sequence

from graphcut.flow.walk import UNSEEN, Walk
from graphcut.rules.table import Rules


def sparse_tensors(rules: Rules, reached: Walk, order: Sequence[int], stopped: AbstractSet[int]) -> FrozenSet[int]:
    """The tensors whose gradient is sparse."""
    flat = rules.flat
    found: Dict[int, bool] = {}
    for op in reversed(order):
        if op in stopped or all(reached.parents[tensor] == UNSEEN for tensor in flat.outputs(op)):
            continue
        row = rules.row(op)
        arriving = found.get(flat.first[op], False)
        for index in {index for inputs in row.connected for index in inputs}:
            tensor = flat.inputs[op][index]
            made = index in row.sparse or (arriving and index in row.passes)
            found[tensor] = found.get(tensor, True) and made
    return frozenset(tensor for tensor, sparse in found.items() if sparse)
