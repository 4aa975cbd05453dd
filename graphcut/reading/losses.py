"""The loss that is meant when none is named, and how it was found."""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Set, Tuple

from graphcut.dag import FlatGraph
from graphcut.errors import GraphcutError, printable
from graphcut.reading.names import Names
from graphcut.reading.source import Origin

_SEED = re.compile(r"^(?P<scope>.*)grad_ys_\d+$")
_FLOATS = frozenset((1, 2, 14, 19))
Chosen = Tuple[Tuple[int, ...], str]


def default_loss(flat: FlatGraph, names: Names, origin: Origin) -> Chosen:
    """The tensors of the loss and the words that say how it was chosen; an error with the candidates where none is."""
    return (
        _only_output(names, origin)
        or _differentiated(flat, names)
        or _collected(names, origin)
        or _refused(flat, names, origin)
    )


def _only_output(names: Names, origin: Origin) -> Optional[Chosen]:
    tensors = [tensor for name in origin.outputs.values() for tensor in names.tensors(name)]
    floats = [tensor for tensor in dict.fromkeys(tensors) if names.flat.dtypes[tensor] % 100 in _FLOATS]
    if len(floats) == 1:
        return tuple(floats), "the only float output"
    return (tuple(tensors), "the only output") if len(tensors) == 1 else None


def _differentiated(flat: FlatGraph, names: Names) -> Optional[Chosen]:
    """The tensor whose gradient the graph itself computes: ``tf.gradients`` seeds it by a ``Fill`` (``gradients/grad_ys_0``,
    in TF 1 ``gradients/Fill``), which reads the loss's shape or is read by the gradient of the loss's op,
    ``gradients/NAME_grad/…``."""
    seeds = dict(_seeds(flat))
    if not seeds:
        return None
    scope = min(seeds.values(), key=lambda each: (len(each), each))
    chosen = [op for op, each in seeds.items() if each == scope]
    found = [tensor for op in chosen for tensor in (_shape_of(flat, op) or _read_by(flat, names, op, scope))]
    return (tuple(dict.fromkeys(found)), "the graph's own backward part") if found else None


def _seeds(flat: FlatGraph) -> Iterator[Tuple[int, str]]:
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type == "Fill"}
    for op in (op for op, kind in enumerate(flat.kinds) if kind in kinds and flat.contexts[op] < 0):
        names = [flat.names[op]] + [flat.names[flat.producer[tensor]] for tensor in flat.inputs[op][1:]]
        match = next((found for found in map(_SEED.match, names) if found), None)
        if match:
            yield op, match.group("scope")


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
    floats = [tensor for tensor in tensors if flat.dtypes[tensor] in _FLOATS]
    if len(floats) > 1:
        floats = [tensor for tensor in floats if tensor not in used]
    return floats if len(floats) == 1 else []


def _collected(names: Names, origin: Origin) -> Optional[Chosen]:
    tensors = [tensor for name in origin.collected for tensor in names.tensors(name)]
    return (tuple(tensors), "the losses collection") if tensors else None


def _refused(flat: FlatGraph, names: Names, origin: Origin) -> Chosen:
    outputs = ["%s (%s)" % (printable(key), name) for key, name in origin.outputs.items()]
    named = outputs or [printable(flat.tensor_name(tensor)) for tensor in ends(flat)]
    shown = ", ".join(named[:6]) + (" and %d more" % (len(named) - 6) if len(named) > 6 else "")
    raise GraphcutError(
        "no loss was named and none can be told from %s\nName it with loss=; candidates: %s"
        % (printable(origin.label), shown or "none, nothing here is a float")
    )


def ends(flat: FlatGraph) -> List[int]:
    """The float tensors that nothing reads, those with *loss* in their name first."""
    read = {tensor for inputs in flat.inputs for tensor in inputs}
    free = [
        tensor
        for tensor, dtype in enumerate(flat.dtypes)
        if dtype in _FLOATS and tensor not in read and flat.inputs[flat.producer[tensor]]
    ]
    return sorted(free, key=lambda tensor: "loss" not in flat.names[flat.producer[tensor]].lower())
