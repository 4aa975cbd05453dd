"""From TensorFlow's answer about a kind to its row."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

from graphcut.questions import Asked, Question
from graphcut.reading.updates import written_inputs
from graphcut.reading.variables import READERS
from graphcut.rules.dependence import InputAnswer, input_answers
from graphcut.rules.rows import Row, assumed, raising
from graphcut.terms import BarrierKind

_BY_TYPE = {
    "StopGradient": BarrierKind.STOP_GRADIENT,
    "PreventGradient": BarrierKind.PREVENT_GRADIENT,
    "PyFunc": BarrierKind.PYTHON,
    "PyFuncStateless": BarrierKind.PYTHON,
    "EagerPyFunc": BarrierKind.PYTHON,
}


# The gradients of v1 arrays reach each other through the array itself, beside the tensors that this walk follows.
Answers = Tuple[Optional[InputAnswer], ...]


def row(question: Question, asked: Asked, trainable: FrozenSet[int]) -> Row:
    """The row that TensorFlow's answer gives for ops like ``question``'s."""
    outputs, inputs = len(question.outputs), len(question.inputs)
    if asked.failed is not None:
        return assumed(outputs, inputs, _trainable(question.inputs, trainable), asked.failed, BarrierKind.DTYPE)
    if asked.missing:
        return raising(outputs, inputs, _BY_TYPE.get(question.type, BarrierKind.NO_GRADIENT))
    answers = input_answers(asked)
    answers = tuple([answers[place] for place in asked.inputs]) if asked.inputs else answers
    connected = tuple(index for index, each in enumerate(answers) if each is not None)
    sparse = frozenset(index for index, each in enumerate(answers) if each is not None and each.sparse)
    passes = frozenset(index for index, each in enumerate(answers) if each is not None and each.passes)
    barriers = tuple(_barrier(question, asked, answers, index, trainable, connected) for index in range(inputs))
    carries = _carried(answers, asked.outputs or range(outputs))
    if question.type.startswith("TensorArray"):
        carries = (connected,) * outputs
    makes = frozenset(index for index, each in enumerate(answers) if each is not None and each.made)
    waits = frozenset(index for index in makes for each in answers[index : index + 1] if each is not None and each.reads)
    return Row((connected,) * outputs, carries, barriers, sparse=sparse, passes=passes, makes=makes, waits=waits)


def _trainable(dtypes: Tuple[int, ...], trainable: FrozenSet[int]) -> Tuple[int, ...]:
    return tuple(index for index, dtype in enumerate(dtypes) if not dtype or dtype % 100 in trainable)


def _carried(answers: Answers, outputs: Sequence[int]) -> Tuple[Tuple[int, ...], ...]:
    """For each output the inputs that it carries to."""
    found: Dict[int, List[int]] = {output: [] for output in outputs}
    for index, each in enumerate(answers):
        for output in each.outputs if each is not None else ():
            found[output].append(index)
    carried = {output: tuple(inputs) for output, inputs in found.items()}
    return tuple([carried[output] for output in outputs])


def _barrier(
    question: Question, asked: Asked, answers: Answers, index: int, trainable: FrozenSet[int], connected: Tuple[int, ...]
) -> BarrierKind:
    """The reason why ``index`` gets nothing, or nothing but zeros."""
    if asked.custom:
        return BarrierKind.CUSTOM_GRADIENT
    if answers[index] is not None:
        return BarrierKind.ZERO
    if question.type in _BY_TYPE:
        return _BY_TYPE[question.type]
    if written_inputs(question.type, question.inputs, question.outputs):
        return BarrierKind.STATE
    if connected:
        return BarrierKind.INPUT
    return _wholly_without(question, asked, index, trainable)


def without_gradient(question: Question, asked: Asked, others: bool) -> BarrierKind:
    """The barrier of an input that gets no gradient though it were a float; ``others``: some other input gets one."""
    if asked.custom:
        return BarrierKind.CUSTOM_GRADIENT
    if question.type in _BY_TYPE:
        return _BY_TYPE[question.type]
    return BarrierKind.INPUT if others else BarrierKind.NOT_DIFFERENTIABLE


def _wholly_without(question: Question, asked: Asked, index: int, trainable: FrozenSet[int]) -> BarrierKind:
    """The barrier of an op that gives no input a gradient. What is read of a variable of integers is one of its dtype."""
    if not asked.registered or question.inputs[index] % 100 not in trainable or question.type in READERS:
        return BarrierKind.DTYPE
    return BarrierKind.NOT_DIFFERENTIABLE
