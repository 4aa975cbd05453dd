"""What a gradient depends on: the scratch graph that TensorFlow's gradient function built, walked back.

A gradient *carries* from an output if it depends on that output's gradient, or on none and is not provably zero. An op
that reads only a shape is no dependence, nor is a tensor that is zero whatever is fed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

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
    is the gradient of the first output, handed on untouched. ``made``: it is no zero whatever the outputs' are;
    ``reads``: it reads one of these."""

    outputs: FrozenSet[int]
    sparse: bool = False
    passes: bool = False
    made: bool = False
    reads: bool = True


def input_answers(asked: Asked) -> Tuple[Optional[InputAnswer], ...]:
    """For each input what its gradient carries from; ``None`` where the function gave none."""
    if not any(asked.gradients):
        return (None,) * len(asked.gradients)
    answers = _Answers(flatten(CLASSES["Graph"].FromString(asked.graph)), asked)
    return tuple(None if gradient is None else answers.of(gradient) for gradient in asked.gradients)


class _Answers:
    """The scratch graph, with what all its answers need."""

    def __init__(self, flat: FlatGraph, asked: Asked) -> None:
        self.flat, self.custom = flat, asked.custom
        self.outputs = {name: output for output, name in enumerate(asked.given) if name is not None}
        self.tensors = _tensors_by_op(flat)
        self.given = {self.tensor(name): output for name, output in self.outputs.items()}
        known = frozenset(map(self.tensor, asked.zeros))
        self.zeros, self.every = zero_tensors(flat, known), frozenset(range(len(asked.given)))
        self.zeros_if_given = zero_tensors(flat, known.union(self.given))
        self.after = _after(flat, self.given)

    def tensor(self, name: str) -> int:
        """The tensor of a name such as ``op:1``."""
        op_name, _, number = name.rpartition(":")
        return self.tensors[op_name][int(number)]

    def of(self, gradient: Gradient) -> InputAnswer:
        if gradient.tensor in self.outputs:
            output = self.outputs[gradient.tensor]
            return InputAnswer(frozenset([output]), gradient.sparse, output == 0 and not gradient.sparse)
        tensor = self.tensor(gradient.tensor)
        found = frozenset(self._roots(tensor))
        made = (self.custom or not found) and tensor not in self.zeros_if_given
        return InputAnswer(self.every if made else found, gradient.sparse, made=made, reads=bool(found))

    def _roots(self, tensor: int) -> Iterator[int]:
        """The outputs whose gradients the values of ``tensor`` depend on."""
        seen, waiting = {tensor}, [tensor]
        while waiting:
            each = waiting.pop()
            if each in self.given:
                yield self.given[each]
            op = self.flat.producer[each]
            if each in self.zeros or self.flat.type(op) in _SHAPE_READERS:
                continue
            fresh = [source for source in self.flat.inputs[op] if source in self.after and source not in seen]
            seen.update(fresh)
            waiting.extend(fresh)


def _tensors_by_op(flat: FlatGraph) -> Dict[str, Sequence[int]]:
    """The outputs of each op; those of a call are its results'."""
    tensors: Dict[str, Sequence[int]] = {name: flat.outputs(op) for op, name in enumerate(flat.names)}
    tensors.update((flat.names[call.op], [flat.first[result] for result in call.results]) for call in flat.calls)
    return tensors


def _after(flat: FlatGraph, given: Iterable[int]) -> Set[int]:
    """The tensors that may depend on those given: walks back need to see no others."""
    readers: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        for tensor in inputs:
            readers.setdefault(tensor, []).append(op)
    found = set(given)
    waiting = list(found)
    while waiting:
        for op in readers.get(waiting.pop(), ()):
            fresh = [tensor for tensor in flat.outputs(op) if tensor not in found]
            found.update(fresh)
            waiting.extend(fresh)
    return found
