"""Find gradients that are ``tf.IndexedSlices``: those whose every contribution is (``AggregateIndexedSlicesGradients``).

The branches of one conditional count as one contribution, which is sparse if any of them is: TensorFlow converts them
(``cond_v2._make_output_composite_tensors_match``, ``Merge`` in v1). The oracle is asked again, with all known facts, about two
kinds of op: an op that reads indices and a variable, because the axis decides whether the gradient of a gather is sparse; and
an op that reads indices and the output of an op with a user's gradient function, which may treat ``IndexedSlices`` and tensors
differently.
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
    """Yield the ops with a gradient that read both integers and a variable.

    They read the variable directly, or through an op with a user's gradient function.
    """
    flat = rules.flat
    indexed = {tensor for tensor, dtype in enumerate(flat.dtypes) if dtype in _INDICES}
    reached_ops = map(flat.producer.__getitem__, reached.order)
    for reader in dict.fromkeys([op for op in reached_ops if not indexed.isdisjoint(flat.inputs[op])]):
        if not rules.row(reader).sparse:
            trails = (trail(flat, each, "ReadVariableOp") for each in flat.inputs[reader] if each not in indexed)
            ops = (flat.producer[each] for tensors in trails for each in tensors)
            if any(flat.type(op) in _SOURCES or rules.is_users(op) for op in ops):
                yield reader
