"""Judge tensors separately, alone or per gradient call, where v1 loops make their verdicts depend on each other.

``gradients_util._GradientsHelper`` considers only the ops *between* the loss and the tensors: those that a tensor reaches
through tensors that can carry a gradient (``_MarkReachedOps``), and that the loss is computed from (``_PendingCount``). Exits
of a v1 loop in between that get no gradient are filled with zeros, but a path from such an exit back to a tensor counts only
if it lies in between, too. So one tensor may get zeros because of another one.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, List, Mapping, Sequence, Set, Tuple

from graphcut.analysis.reachability import SEED, Fill, Walk, connected_inputs, walk
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.graph.flat import FlatGraph
from graphcut.graph.traverse import find_reachable, find_readers


def walk_for_tensors(
    rules: PatternLookup, seeds: Sequence[int], stopped: FrozenSet[int], fills: Mapping[int, Fill], tensors: Sequence[int]
) -> Walk:
    """Return the walk over *connected* that TensorFlow does if only the gradients of ``tensors`` are asked for."""
    flat = rules.flat
    ops = ops_between(rules, seeds, fills, tensors)
    outside = frozenset(range(len(flat.names))) - ops
    own = {flat.producer[tensor] for tensor in tensors}
    if len(own) > 1:  # as in ``gradients_util._StopOps``: the search goes through a tensor that is computed from another one
        own = {op for op in own if ops.isdisjoint(flat.producer[source] for source in flat.inputs[op])}
    return walk(rules, dict.fromkeys(seeds, SEED), stopped | outside | own, connected_inputs, fills)


def ops_between(
    rules: PatternLookup, seeds: Sequence[int], fills: Mapping[int, Fill], tensors: Sequence[int]
) -> FrozenSet[int]:
    """Return the ops between the loss and ``tensors``, with every exit of each v1 loop that has one among them."""
    flat = rules.flat
    reached = _reached_ops(rules, tensors)
    inner = _return_groups(flat)

    def producers(tensors: Iterable[int]) -> List[int]:
        return [flat.producer[tensor] for tensor in tensors if flat.producer[tensor] in reached]

    result = find_reachable(producers(seeds), lambda op: producers(flat.inputs[op] + inner.get(op, ())))
    exits = {flat.producer[exit] for op in result if flat.type(op) in ("Exit", "RefExit") for exit in _tensors(fills, op)}
    return frozenset(result | exits)


def _tensors(fills: Mapping[int, Fill], op: int) -> Tuple[int, ...]:
    return fills[op].tensors if op in fills else ()


def _reached_ops(rules: PatternLookup, tensors: Sequence[int]) -> FrozenSet[int]:
    """Return the ops that depend on ``tensors``; if a call is reached, all of it is."""
    flat = rules.flat
    consumers = find_readers(flat)
    whole = _argument_groups(flat)

    def onward(op: int) -> Set[int]:
        outputs = [output for output in flat.outputs(op) if rules.passing[output]]
        return {reader for output in outputs for each in consumers.get(output, ()) for reader in whole.get(each, (each,))}

    return frozenset(find_reachable((flat.producer[tensor] for tensor in tensors), onward))


def _argument_groups(flat: FlatGraph) -> Dict[int, Tuple[int, ...]]:
    """Return, for each argument of a call, all arguments and results of the call."""
    loops: Dict[int, Tuple[int, ...]] = {}
    for call in flat.calls:
        ends = [op for arguments in call.arguments for op in arguments] + list(call.variables)
        loops.update(dict.fromkeys(ends, tuple(ends) + call.results))
    return loops


def _return_groups(flat: FlatGraph) -> Dict[int, Tuple[int, ...]]:
    """Return, for each result of a call, everything that its bodies return and all inputs of the call, even unread ones."""
    loops: Dict[int, Tuple[int, ...]] = {}
    for call in flat.calls:
        returned = tuple(tensor for returns in call.returns for tensor in returns)
        loops.update(dict.fromkeys(call.results, returned + call.inputs))
    return loops
