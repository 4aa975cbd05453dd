"""From TensorFlow's answer about a kind to its row."""

from __future__ import annotations

from typing import FrozenSet, Optional, Tuple

from graphcut.questions import Asked, Question
from graphcut.rules.dependence import InputAnswer, input_answers
from graphcut.rules.rows import Row, assumed, raising
from graphcut.terms import Barrier

_BY_TYPE = {
    "StopGradient": Barrier.STOP_GRADIENT,
    "PreventGradient": Barrier.PREVENT_GRADIENT,
    "PyFunc": Barrier.PYTHON,
    "PyFuncStateless": Barrier.PYTHON,
    "EagerPyFunc": Barrier.PYTHON,
}


# The gradients of v1 arrays reach each other through the array itself, beside the tensors that this walk follows.
Answers = Tuple[Optional[InputAnswer], ...]


def row(question: Question, asked: Asked, trainable: FrozenSet[int]) -> Row:
    """The row that TensorFlow's answer gives for ops like ``question``'s."""
    outputs, inputs = len(question.outputs), len(question.inputs)
    if asked.failed is not None:
        return assumed(outputs, inputs, _trainable(question.inputs, trainable), asked.failed, Barrier.DTYPE)
    if asked.missing:
        return raising(outputs, inputs, _BY_TYPE.get(question.type, Barrier.NO_GRADIENT))
    answers = input_answers(asked)
    connected = tuple(index for index, each in enumerate(answers) if each is not None)
    sparse = frozenset(index for index, each in enumerate(answers) if each is not None and each.sparse)
    passes = frozenset(index for index, each in enumerate(answers) if each is not None and each.passes)
    barriers = tuple(_barrier(question, asked, answers, index, trainable) for index in range(inputs))
    carries = tuple(_carried(answers, output) for output in range(outputs))
    if question.type.startswith("TensorArray"):
        carries = (connected,) * outputs
    makes = frozenset(index for index, each in enumerate(answers) if each is not None and each.made)
    return Row((connected,) * outputs, carries, barriers, sparse=sparse, passes=passes, makes=makes)


def _trainable(dtypes: Tuple[int, ...], trainable: FrozenSet[int]) -> Tuple[int, ...]:
    return tuple(index for index, dtype in enumerate(dtypes) if not dtype or dtype % 100 in trainable)


def _carried(answers: Answers, output: int) -> Tuple[int, ...]:
    return tuple(index for index, each in enumerate(answers) if each is not None and output in each.outputs)


def _barrier(question: Question, asked: Asked, answers: Answers, index: int, trainable: FrozenSet[int]) -> Barrier:
    """The reason why ``index`` gets nothing, or nothing but zeros."""
    if asked.custom:
        return Barrier.CUSTOM_GRADIENT
    if answers[index] is not None:
        return Barrier.ZERO
    if question.type in _BY_TYPE:
        return _BY_TYPE[question.type]
    if question.type.startswith(("Assign", "Scatter", "ResourceScatter")):
        return Barrier.STATE
    if any(each is not None for each in answers):
        return Barrier.INPUT
    return _wholly_without(question, asked, index, trainable)


def _wholly_without(question: Question, asked: Asked, index: int, trainable: FrozenSet[int]) -> Barrier:
    """The barrier of an op that gives no input a gradient."""
    if not asked.registered or question.inputs[index] % 100 not in trainable:
        return Barrier.DTYPE
    return Barrier.NOT_DIFFERENTIABLE
