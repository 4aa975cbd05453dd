"""Which gradients are ``tf.IndexedSlices``: those of which every contribution is (``AggregateIndexedSlicesGradients``).

The branches of one conditional count as one contribution, sparse where any of them is: TensorFlow makes them alike
(``cond_v2._make_output_composite_tensors_match``, ``Merge`` in v1). An op that reads indices beside a variable is asked
again with all that is known of it, because whether a gather is sparse hangs on its axis; so is one that reads indices beside
what comes from an op whose gradient function is the user's, which may tell ``IndexedSlices`` from tensors.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, FrozenSet, Iterator, Sequence, Tuple

from graphcut.analysis.reachability import UNSEEN, Walk
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.pattern import GradientPattern
from graphcut.graph.flat import FlatGraph
from graphcut.graph.op_types import VARIABLES
from graphcut.graph.variables import trail

_SOURCES = VARIABLES.union(("Placeholder", "_Arg"))
_INDICES = (3, 9)


def sparse_tensors(rules: PatternLookup, reached: Walk, order: Sequence[int], stopped: AbstractSet[int]) -> FrozenSet[int]:
    """Return the tensors whose gradient is sparse."""
    flat, parents = rules.flat, reached.parents
    exact = {op: rules.exact_row(op) for op in _indexed_reads(rules, reached) if op not in stopped}
    if not any(row.sparse for row in exact.values()) and not any(row.sparse for row in rules.met()):
        return frozenset()
    live = [op for op in order if op not in stopped and any(parents[each] != UNSEEN for each in flat.outputs(op))]
    return _sweep(rules, live[::-1], exact)


def _sweep(rules: PatternLookup, live: Sequence[int], exact: Dict[int, GradientPattern]) -> FrozenSet[int]:
    """Pass once over the ops, consumers first; ``sparse`` maps tensors to whether all contributions so far are sparse."""
    flat = rules.flat
    branches = _branches(flat)
    sparse: Dict[int, bool] = {}
    grouped: Dict[Tuple[int, int], bool] = {}
    for op in live:
        row = exact.get(op) or rules.row(op)
        arriving = any(sparse.get(tensor, False) for tensor in flat.outputs(op))
        for index in sorted({index for inputs in set(row.connected) for index in inputs}):
            tensor = flat.inputs[op][index]
            is_sparse = index in row.sparse or (arriving and index in row.passes)
            if op in branches:
                key = (branches[op], tensor)
                is_sparse = grouped[key] = grouped.get(key, False) or is_sparse
                others = [value for (_, each), value in grouped.items() if each == tensor]
                sparse[tensor] = all(others)
            else:
                sparse[tensor] = sparse.get(tensor, True) and is_sparse
    return frozenset(tensor for tensor, each in sparse.items() if each)


def _branches(flat: FlatGraph) -> Dict[int, int]:
    """Return the arguments of conditionals, each with its call."""
    numbers: Dict[int, int] = {}
    for call in flat.calls:
        if call.predicate is not None:
            numbers.update((op, call.op) for arguments in call.arguments for op in arguments)
    return numbers


def _indexed_reads(rules: PatternLookup, reached: Walk) -> Iterator[int]:
    """Yield the ops with a gradient that read integers beside a variable.

    The variable may be read as it stands, or through an op with a gradient function of the user's.
    """
    flat = rules.flat
    indexed = {tensor for tensor, dtype in enumerate(flat.dtypes) if dtype in _INDICES}
    for reader in dict.fromkeys(flat.producer[tensor] for tensor in reached.order):
        if not indexed.isdisjoint(flat.inputs[reader]) and not rules.row(reader).sparse:
            trails = (trail(flat, each, "ReadVariableOp") for each in flat.inputs[reader] if each not in indexed)
            ops = (flat.producer[each] for tensors in trails for each in tensors)
            if any(flat.type(op) in _SOURCES or rules.is_users(op) for op in ops):
                yield reader
