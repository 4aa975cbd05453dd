"""The losses whose gradients a graph itself computes.

``tf.gradients`` seeds each loss by a ``Fill`` (``gradients/grad_ys_0``; ``gradients/Fill`` of ``gradients/grad_ys_0``, before
TensorFlow 1.6 of ``gradients/Const``), which reads the loss's shape or is read by the gradient of the loss's op,
``gradients/NAME_grad/…``. Gradients that somebody trains with reach an optimizer or an assignment, or nobody takes them:
those of a gradient penalty feed the loss.
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Mapping, Sequence, Set, Tuple

from graphcut.dag import FlatGraph
from graphcut.reading.names import Names
from graphcut.reading.totals import total

_SEED = re.compile(r"^(?P<scope>.*)grad_ys_\d+$|^(?P<old>(.*/)?gradients(_\d+)?/)Const$")
_TRAINING = ("Apply", "ResourceApply", "SparseApply", "ResourceSparseApply", "Assign")
FLOATS = frozenset((1, 2, 14, 19))


def differentiated(flat: FlatGraph, names: Names) -> Tuple[Tuple[int, ...], ...]:
    """Each loss as its tensors. Those that only serve another are left out: a gradient penalty's, a gradient function's."""
    scopes: Dict[str, List[int]] = {}
    for op, scope in _seeds(flat):
        scopes.setdefault(scope, []).append(op)
    outer = [scope for scope in scopes if not any(scope != other and scope.startswith(other) for other in scopes)]
    losses = {scope: _loss(flat, names, scopes[scope], scope) for scope in _in_training(flat, outer)}
    served = _served(flat, losses) if len(losses) > 1 else set()
    return tuple(dict.fromkeys(loss for scope, loss in losses.items() if loss and scope not in served))


def _in_training(flat: FlatGraph, scopes: Sequence[str]) -> List[str]:
    """The scopes whose gradients are trained with; where there are none, those whose gradients nobody takes."""
    if not scopes:
        return []
    consumers: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        for tensor in inputs:
            if flat.dtypes[tensor] % 100 in FLOATS:  # the gradient of a loop hands it lists
                consumers.setdefault(flat.producer[tensor], []).append(op)
    below = {scope: _downstream(flat, consumers, scope) for scope in scopes}
    trained = [scope for scope, ops in below.items() if any(flat.type(op).startswith(_TRAINING) for op in ops)]
    return trained or [scope for scope, ops in below.items() if all(flat.names[op].startswith(scope) for op in ops)]


def _downstream(flat: FlatGraph, consumers: Mapping[int, Sequence[int]], scope: str) -> Set[int]:
    waiting, seen = [op for op, name in enumerate(flat.names) if name.startswith(scope)], set()
    while waiting:
        op = waiting.pop()
        if op not in seen:
            seen.add(op)
            waiting.extend(consumers.get(op, ()))
    return seen


def _loss(flat: FlatGraph, names: Names, seeds: Sequence[int], scope: str) -> Tuple[int, ...]:
    found = (_shape_of(flat, op) or total(flat, _read_by(flat, names, op, scope)) for op in seeds)
    return tuple(dict.fromkeys(tensor for tensors in found for tensor in tensors))


def _served(flat: FlatGraph, losses: Dict[str, Tuple[int, ...]]) -> Set[str]:
    """The scopes whose gradients feed the loss of another."""
    found: Set[str] = set()
    for scope, loss in losses.items():
        above = [flat.names[op] for op in _upstream(flat, loss)]
        found.update(other for other in losses if other != scope and any(name.startswith(other) for name in above))
    return found


def _upstream(flat: FlatGraph, tensors: Sequence[int]) -> Set[int]:
    waiting, seen = [flat.producer[tensor] for tensor in tensors], set()
    while waiting:
        op = waiting.pop()
        if op not in seen:
            seen.add(op)
            waiting.extend(flat.producer[tensor] for tensor in flat.inputs[op])
    return seen


def _seeds(flat: FlatGraph) -> Iterator[Tuple[int, str]]:
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type == "Fill"}
    for op in (op for op, kind in enumerate(flat.kinds) if kind in kinds and flat.contexts[op] < 0):
        names = [flat.names[op]] + [flat.names[flat.producer[tensor]] for tensor in flat.inputs[op][1:]]
        match = next((found for found in map(_SEED.match, names) if found), None)
        if match:
            yield op, match.group("scope") or match.group("old") or ""


def _shape_of(flat: FlatGraph, op: int) -> List[int]:
    """The tensor whose shape the seed is filled to."""
    shape = flat.producer[flat.inputs[op][0]] if flat.inputs[op] else op
    return [flat.inputs[shape][0]] if flat.type(shape) == "Shape" else []


def _read_by(flat: FlatGraph, names: Names, op: int, scope: str) -> List[int]:
    """The outputs of the forward ops whose gradient ops read the seed."""
    backward = [(name[len(scope) :], inputs) for name, inputs in zip(flat.names, flat.inputs) if name.startswith(scope)]
    readers = [name for name, inputs in backward if flat.first[op] in inputs and "_grad/" in name]
    used = {tensor for _, inputs in backward for tensor in inputs}
    forward = dict.fromkeys(name.partition("_grad/")[0] for name in readers)
    return [tensor for name in forward for tensor in _only_float(flat, names.tensors(name), used)]


def _only_float(flat: FlatGraph, tensors: Tuple[int, ...], used: Set[int]) -> List[int]:
    """An op's one float output. Where it has more, the one that no gradient uses: the rest is there for the gradients."""
    floats = [tensor for tensor in tensors if flat.dtypes[tensor] in FLOATS]
    if len(floats) > 1:
        floats = [tensor for tensor in floats if tensor not in used]
    return floats if len(floats) == 1 else []
