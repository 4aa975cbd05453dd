"""Find what feeds an op: the forward half of ``_GradientsHelper``, which considers only ops between loss and variable."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.graph.flat import Call, FlatGraph
from graphcut.graph.op_types import HANDLES
from graphcut.graph.traverse import find_reachable
from graphcut.graph.variables import root

_RESOURCE = 20
_VARIABLES = HANDLES | {"Placeholder", "_Arg"}


def find_feeding_tensors(rules: PatternLookup, raising: Iterable[int]) -> Dict[int, Tuple[int, int]]:
    """Return the tensors that feed a raising op through tensors that can carry a gradient, each with that op and its input.

    TensorFlow differentiates the body of a call as a whole (``_GradientsHelper`` between all arguments and all results). If
    one argument feeds the raising op, every input of the call does, and a tensor that feeds one input of a call feeds all its
    results.
    """
    flat, passing = rules.flat, rules.passing
    inward = _call_inputs(flat)
    origins: Dict[int, Tuple[int, int]] = {}
    waiting: List[int] = []
    for op in raising:
        for index, tensor in enumerate(inward.get(op, flat.inputs[op])):
            if passing[tensor] and tensor not in origins:
                origins[tensor] = (op, index)
                waiting.append(tensor)
    _propagate_origins(rules, origins, waiting, inward)
    return origins


def links(rules: PatternLookup, origins: Mapping[int, Tuple[int, int]]) -> Dict[int, Optional[int]]:
    """Return, for each tensor that feeds a raising op, the next tensor towards the op; ``None`` for an input of the op.

    ``find_feeding_tensors`` gives the tensors.
    """
    flat = rules.flat
    inward = _call_inputs(flat)
    parents: Dict[int, Optional[int]] = {}
    for op in dict.fromkeys(op for op, _ in origins.values()):
        parents.update((each, None) for each in inward.get(op, flat.inputs[op]) if origins.get(each, (-1, 0))[0] == op)
    waiting = list(parents)
    for tensor in waiting:
        op = flat.producer[tensor]
        for source in inward.get(op, flat.inputs[op]):
            if source not in parents and origins.get(source) == origins[tensor]:
                parents[source] = tensor
                waiting.append(source)
    return parents


def feeding_tensors(rules: PatternLookup, tensors: Iterable[int]) -> FrozenSet[int]:
    """Return the tensors that feed ``tensors`` through tensors that can carry a gradient; include ``tensors``."""
    origins = dict.fromkeys(tensors, (-1, -1))
    _propagate_origins(rules, origins, list(origins), _call_inputs(rules.flat))
    return frozenset(origins)


def _propagate_origins(
    rules: PatternLookup, origins: Dict[int, Tuple[int, int]], waiting: List[int], inward: Mapping[int, Tuple[int, ...]]
) -> None:
    """Propagate the origin of each waiting tensor to the tensors that feed it."""
    flat, passing = rules.flat, rules.passing
    while waiting:
        tensor = waiting.pop()
        op = flat.producer[tensor]
        for source in inward.get(op, flat.inputs[op]):
            if passing[source] and source not in origins:
                origins[source] = origins[tensor]
                waiting.append(source)


def _call_inputs(flat: FlatGraph) -> Dict[int, Tuple[int, ...]]:
    """Return all inputs of the call, for each argument and each result of a call."""
    inward: Dict[int, Tuple[int, ...]] = {}
    for call in flat.calls:
        ends = [op for arguments in call.arguments for op in arguments]
        inward.update(dict.fromkeys(ends + list(call.results) + list(call.variables), call.inputs))
        inward.update(dict.fromkeys(_idle(flat, call), ()))
    return inward


def _idle(flat: FlatGraph, call: Call) -> List[int]:
    """Return the tensors of a v2 loop that stand for a resource other than a variable, such as a queue.

    ``while_v2._preprocess_grad`` makes no zeros for such a resource (``supports_default_grad``) and does not ask the body's
    gradient for it, so tensors that feed the loop do not reach the ops that read it.
    """
    handles = [index for index, op in enumerate(call.variables) if flat.dtypes[flat.first_output[op]] == _RESOURCE]
    idle = [
        index
        for index in handles
        if flat.type(flat.producer[root(flat, flat.inputs[call.variables[index]][0])]) not in _VARIABLES
    ]
    return [op for ops in (call.variables, *call.arguments) for op in (ops[index] for index in idle)]


def ancestors(flat: FlatGraph, tensors: Iterable[int]) -> FrozenSet[int]:
    """Return every op that the tensors depend on through data edges."""
    producer = flat.producer
    ops = (producer[tensor] for tensor in tensors)
    return frozenset(find_reachable(ops, lambda op: [producer[tensor] for tensor in flat.inputs[op]]))
