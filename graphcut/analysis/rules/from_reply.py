"""Find what a gradient depends on by walking back the scratch graph that TensorFlow's gradient function built.

A gradient *carries* from an output if it depends on that output's gradient, or if it depends on none and is not provably zero.
An op that reads only a shape makes no dependence, nor does a tensor that is zero whatever is fed.

This module also turns TensorFlow's answer about a kind of op into its gradient pattern.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from graphcut.analysis.rules.constant_zeros import zero_tensors
from graphcut.analysis.rules.oracle import GradientQuery, GradientReply, InputAnswer, InputGradient
from graphcut.analysis.rules.pattern import GradientPattern, assumed_pattern, raising_pattern
from graphcut.graph.dtypes import base_dtype
from graphcut.graph.flat import FlatGraph
from graphcut.graph.flatten.inline_calls import flatten
from graphcut.graph.messages import CLASSES
from graphcut.graph.metadata import SavedGradient
from graphcut.graph.op_types import READERS
from graphcut.graph.traverse import find_reachable, find_readers, walk_depth_first
from graphcut.graph.writing_ops import written_inputs
from graphcut.results import BarrierKind

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


def input_answers(reply: GradientReply) -> Tuple[Optional[InputAnswer], ...]:
    """Return, for each input, the outputs that its gradient carries from; ``None`` if the function gave no gradient."""
    if reply.answers is not None:
        return reply.answers
    if not any(reply.gradients):
        return (None,) * len(reply.gradients)
    answers = _Answers(flatten(CLASSES["RawGraph"].FromString(reply.graph), reply.op_defs), reply)
    return tuple(None if gradient is None else answers.of(gradient) for gradient in reply.gradients)


class _Answers:
    """The scratch graph, with the facts that all its answers need."""

    def __init__(self, flat: FlatGraph, reply: GradientReply) -> None:
        self.flat, self.custom = flat, reply.custom
        self.outputs = {name: output for output, name in enumerate(reply.upstream) if name is not None}
        self.tensors = _tensors_by_op(flat)
        self.upstream = {self.tensor(name): output for name, output in self.outputs.items()}
        zeros = frozenset(map(self.tensor, reply.zeros))
        self.zeros, self.every = zero_tensors(flat, zeros), frozenset(range(len(reply.upstream)))
        self.zeros_if_upstream_is = zero_tensors(flat, zeros.union(self.upstream))
        self.after = _dependents(flat, self.upstream)

    def tensor(self, name: str) -> int:
        """Return the tensor of a name such as ``op:1``."""
        op_name, _, number = name.rpartition(":")
        return self.tensors[op_name][int(number)]

    def of(self, gradient: InputGradient) -> InputAnswer:
        if gradient.tensor in self.outputs:
            output = self.outputs[gradient.tensor]
            return InputAnswer(frozenset([output]), gradient.sparse, output == 0 and not gradient.sparse)
        tensor = self.tensor(gradient.tensor)
        roots = frozenset(self._roots(tensor))
        is_independent = (self.custom or not roots) and tensor not in self.zeros_if_upstream_is
        return InputAnswer(
            self.every if is_independent else roots, gradient.sparse, independent=is_independent, reads=bool(roots)
        )

    def _roots(self, tensor: int) -> Iterator[int]:
        """Return the outputs whose gradients the values of ``tensor`` depend on."""
        return (self.upstream[each] for each in walk_depth_first([tensor], self._sources) if each in self.upstream)

    def _sources(self, tensor: int) -> Iterable[int]:
        op = self.flat.producer[tensor]
        if tensor in self.zeros or self.flat.type(op) in _SHAPE_READERS:
            return ()
        return [source for source in self.flat.inputs[op] if source in self.after]


def _tensors_by_op(flat: FlatGraph) -> Dict[str, Sequence[int]]:
    """Return the outputs of each op; for a call, the outputs of its results."""
    tensors: Dict[str, Sequence[int]] = {name: flat.outputs(op) for op, name in enumerate(flat.names)}
    tensors.update((flat.names[call.op], [flat.first_output[result] for result in call.results]) for call in flat.calls)
    return tensors


def _dependents(flat: FlatGraph, tensors: Iterable[int]) -> Set[int]:
    """Return the tensors that may depend on the given ones; backward walks can ignore all others."""
    readers = find_readers(flat)
    return find_reachable(tensors, lambda tensor: [each for op in readers.get(tensor, ()) for each in flat.outputs(op)])


_BY_TYPE = {
    "StopGradient": BarrierKind.STOP_GRADIENT,
    "PreventGradient": BarrierKind.PREVENT_GRADIENT,
    "PyFunc": BarrierKind.PYTHON,
    "PyFuncStateless": BarrierKind.PYTHON,
    "EagerPyFunc": BarrierKind.PYTHON,
}


# The gradients of v1 arrays reach each other through the array itself, not only through the tensors that this walk follows.
RecordedAnswers = Tuple[Optional[InputAnswer], ...]


def row(question: GradientQuery, reply: GradientReply, trainable: FrozenSet[int]) -> GradientPattern:
    """Return the gradient pattern of the op in ``question``, from TensorFlow's answer."""
    outputs, inputs = len(question.outputs), len(question.inputs)
    if reply.failed is not None:
        return assumed_pattern(outputs, inputs, _trainable(question.inputs, trainable), reply.failed, BarrierKind.DTYPE)
    if reply.missing:
        return raising_pattern(outputs, inputs, _BY_TYPE.get(question.type, BarrierKind.NO_GRADIENT))
    answers = input_answers(reply)
    answers = tuple([answers[place] for place in reply.inputs]) if reply.inputs else answers
    connected = tuple(index for index, each in enumerate(answers) if each is not None)
    sparse = frozenset(index for index, each in enumerate(answers) if each is not None and each.sparse)
    passes = frozenset(index for index, each in enumerate(answers) if each is not None and each.passes)
    barriers = tuple(_barrier(question, reply, answers, index, trainable, connected) for index in range(inputs))
    carries = _carried_inputs(answers, reply.outputs or range(outputs))
    if question.type.startswith("TensorArray"):
        carries = (connected,) * outputs
    makes = frozenset(index for index, each in enumerate(answers) if each is not None and each.independent)
    waits = frozenset(index for index in makes for each in answers[index : index + 1] if each is not None and each.reads)
    return GradientPattern(
        (connected,) * outputs, carries, barriers, sparse=sparse, passes=passes, independent_of_output=makes, waits=waits
    )


def of_saved_gradient(saved: Optional[SavedGradient]) -> Optional[GradientReply]:
    """Return the answer of a custom gradient that the file holds; ``None`` if the file holds none."""
    if saved is None:
        return None
    gradients = tuple(None if each is None else InputGradient(each, False) for each in saved.gradients)
    return GradientReply(saved.graph, saved.upstream, gradients, custom=True)


def _trainable(dtypes: Tuple[int, ...], trainable: FrozenSet[int]) -> Tuple[int, ...]:
    return tuple(index for index, dtype in enumerate(dtypes) if not dtype or base_dtype(dtype) in trainable)


def _carried_inputs(answers: RecordedAnswers, outputs: Sequence[int]) -> Tuple[Tuple[int, ...], ...]:
    """Return, for each output, the inputs that it carries to."""
    result: Dict[int, List[int]] = {output: [] for output in outputs}
    for index, each in enumerate(answers):
        for output in each.outputs if each is not None else ():
            result[output].append(index)
    carried = {output: tuple(inputs) for output, inputs in result.items()}
    return tuple([carried[output] for output in outputs])


def _barrier(
    question: GradientQuery,
    reply: GradientReply,
    answers: RecordedAnswers,
    index: int,
    trainable: FrozenSet[int],
    connected: Tuple[int, ...],
) -> BarrierKind:
    """Return the reason why input ``index`` gets nothing or only zeros."""
    if reply.custom:
        return BarrierKind.CUSTOM_GRADIENT
    if answers[index] is not None:
        return BarrierKind.ZERO
    if question.type in _BY_TYPE:
        return _BY_TYPE[question.type]
    if written_inputs(question.type, question.inputs, question.outputs):
        return BarrierKind.STATE
    if connected:
        return BarrierKind.INPUT
    return _wholly_without(question, reply, index, trainable)


def without_gradient(question: GradientQuery, reply: GradientReply, others: bool) -> BarrierKind:
    """Return the barrier of a float input that gets no gradient; ``others``: some other input gets one."""
    if reply.custom:
        return BarrierKind.CUSTOM_GRADIENT
    if question.type in _BY_TYPE:
        return _BY_TYPE[question.type]
    return BarrierKind.INPUT if others else BarrierKind.NOT_DIFFERENTIABLE


def _wholly_without(question: GradientQuery, reply: GradientReply, index: int, trainable: FrozenSet[int]) -> BarrierKind:
    """Return the barrier of an op none of whose inputs gets a gradient.

    For an op that reads an integer variable, it is ``dtype``.
    """
    if not reply.registered or base_dtype(question.inputs[index]) not in trainable or question.type in READERS:
        return BarrierKind.DTYPE
    return BarrierKind.NOT_DIFFERENTIABLE
