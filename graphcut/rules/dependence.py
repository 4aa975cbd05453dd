"""What a gradient depends on: the scratch graph that TensorFlow's gradient function built, walked back.

A gradient *carries* from an output if it depends on that output's gradient, or on none and is not provably zero. An op
that reads only a shape is no dependence, nor is a tensor that is zero whatever is fed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Tuple

from graphcut.dag import FlatGraph
from graphcut.questions import Asked, Gradient
from graphcut.reading.flatten import flatten
from graphcut.reading.messages import CLASSES
from graphcut.rules.zeros import zero_tensors

_SHAPE_READERS = frozenset(
    [
        "Shape",
        "ShapeN",
        "Rank",
        "Size",
        "ZerosLike",
        "OnesLike",
        "VariableShape",
        "TensorListLength",
        "TensorListElementShape",
    ]
)


@dataclass(frozen=True)
class InputAnswer:
    """The gradient of one input: the outputs it carries from, whether it is made as ``IndexedSlices``, and whether it
    is the gradient of the first output, handed on untouched. ``made``: it is no zero whatever the outputs' are."""

    outputs: FrozenSet[int]
    sparse: bool = False
    passes: bool = False
    made: bool = False


def input_answers(asked: Asked) -> Tuple[Optional[InputAnswer], ...]:
    """For each input what its gradient carries from; ``None`` where the function gave none."""
    if not any(asked.gradients):
        return (None,) * len(asked.gradients)
    flat = flatten(CLASSES["Graph"].FromString(asked.graph), {})
    return tuple(None if gradient is None else _answer(flat, gradient, asked) for gradient in asked.gradients)


def _answer(flat: FlatGraph, gradient: Gradient, asked: Asked) -> InputAnswer:
    if gradient.tensor in asked.given:
        output = asked.given.index(gradient.tensor)
        return InputAnswer(frozenset([output]), gradient.sparse, output == 0 and not gradient.sparse)
    given = {tensor_of(flat, name): output for output, name in enumerate(asked.given) if name is not None}
    tensor = tensor_of(flat, gradient.tensor)
    roots = _roots(flat, tensor, zero_tensors(flat))
    found = frozenset(output for each, output in given.items() if each in roots)
    without = asked.custom or not found
    made = without and tensor not in zero_tensors(flat, frozenset(given))
    return InputAnswer(frozenset(range(len(asked.given))) if made else found, gradient.sparse, made=made)


def tensor_of(flat: FlatGraph, name: str) -> int:
    """The tensor of a name such as ``op:1``."""
    op_name, _, number = name.rpartition(":")
    for call in flat.calls:
        if flat.names[call.op] == op_name:
            return flat.first[call.results[int(number)]]
    return flat.first[flat.names.index(op_name)] + int(number)


def _roots(flat: FlatGraph, tensor: int, zeros: FrozenSet[int]) -> FrozenSet[int]:
    """Every tensor that the values of ``tensor`` depend on."""
    seen, waiting = {tensor}, [tensor]
    while waiting:
        each = waiting.pop()
        op = flat.producer[each]
        if each in zeros or flat.type(op) in _SHAPE_READERS:
            continue
        fresh = [source for source in flat.inputs[op] if source not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return frozenset(seen)
