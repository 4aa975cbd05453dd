"""Whether graphcut and TensorFlow agree about every variable of a real model.

TensorFlow is asked once for all variables together, in a graph of its own where tracing makes that possible: on models
that raise nothing the answer is ``None`` for the same variables as when each is asked for alone. The numbers are taken
at three points: new values of the inputs and of the variables each time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence, Tuple

import numpy as np
import tensorflow as tf

import graphcut
from graphcut import Verdict

from .subject import Subject, moved, random_value, v1

POINTS = 3


@dataclass(frozen=True)
class Judgement:
    """What came of one subject: counts, and each disagreement in words. ``seconds`` is what the audit took."""

    audit: Any
    ops: int
    variables: int
    none: int
    zero: int
    disagreements: Tuple[str, ...]
    imprecise: Tuple[str, ...]
    assumed: int
    seconds: float


def judgements(subjects: Mapping[str, Subject]) -> Iterator[Tuple[str, Judgement]]:
    """A judgement for each loss. Everything is audited before TensorFlow adds gradients to a graph that losses share."""
    audits = {loss: _audited(subject) for loss, subject in subjects.items()}
    for loss, (audit, ops, seconds) in audits.items():
        yield loss, _judged(subjects[loss], audit, ops, seconds)


def _audited(subject: Subject) -> Tuple[Any, int, float]:
    started = time.time()
    audit = graphcut.audit(subject.source, *subject.specs, loss=subject.loss, variables=list(subject.variables))
    seconds = time.time() - started
    return audit, audit.graph.number_of_nodes(), seconds


def _judged(subject: Subject, audit: Any, ops: int, seconds: float) -> Judgement:
    rows, truth = [audit[variable] for variable in subject.variables], answers(subject)
    return Judgement(
        audit=audit,
        ops=ops,
        variables=len(rows),
        none=sum(row.verdict is Verdict.NONE for row in rows),
        zero=sum(row.verdict is Verdict.ZERO for row in rows),
        disagreements=tuple(disagreements(rows, truth)),
        imprecise=tuple(row.name for row, answer in zip(rows, truth) if imprecise(row, answer)),
        assumed=len(audit.assumptions),
        seconds=seconds,
    )


def disagreements(rows: Sequence[Any], truth: Sequence[Tuple[bool, bool]]) -> Iterator[str]:
    """Every variable about which a promise is broken."""
    for row, (tensor, nonzero) in zip(rows, truth):
        if tensor == (row.verdict is Verdict.NONE) or row.verdict is Verdict.RAISES:
            yield "%s: TensorFlow answers %s, graphcut %s" % (row.name, "a tensor" if tensor else "None", row.verdict.value)
        elif nonzero and row.verdict is Verdict.ZERO:
            yield "%s: a gradient that is not zero, graphcut says zero" % row.name


def imprecise(row: Any, answer: Tuple[bool, bool]) -> bool:
    """Does graphcut let a gradient through that was zero at every point?"""
    return row.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL) and not answer[1]


def answers(subject: Subject) -> Tuple[Tuple[bool, bool], ...]:
    """For each variable: did ``tf.gradients`` answer a tensor, and was it nonzero at any point."""
    connected, points = _in_session(subject) if subject.is_graph else _in_function(subject)
    found = iter(np.any([_finite(point) for point in points], axis=0))
    return tuple((tensor, bool(tensor and next(found))) for tensor in connected)


def _finite(point: Tuple[Any, Any]) -> Any:
    loss, nonzero = point
    assert np.all(np.isfinite(loss)), "the loss is %s: its gradients prove nothing" % loss
    return np.asarray(nonzero, dtype=bool)


def _in_function(subject: Subject) -> Tuple[Sequence[bool], Any]:
    connected = []

    def gradients(*args: Any) -> Any:
        loss = subject.source(*args)
        found = tf.gradients(loss, [inner(variable) for variable in subject.variables])
        connected[:] = [each is not None for each in found]
        return loss, nonzero(found)

    concrete = tf.function(gradients).get_concrete_function(*subject.specs)
    return connected, _points_of_function(subject, concrete)


def _points_of_function(subject: Subject, concrete: Any) -> Iterator[Any]:
    variables = [inner(variable) for variable in subject.variables]
    first = [variable.numpy() for variable in variables]
    for point in range(POINTS):
        generator = np.random.RandomState(point)
        for variable, value in zip(variables, first):
            variable.assign(moved(value, generator))
        args = [random_value(spec.dtype, spec.shape, subject.below, generator) for spec in subject.specs]
        yield tuple(each.numpy() for each in concrete(*[tf.constant(value) for value in args]))


def _in_session(subject: Subject) -> Tuple[Sequence[bool], Any]:
    with subject.source.as_default():
        found = v1.gradients(subject.loss, list(subject.variables))
        points = list(_points_of_session(subject, (subject.loss, nonzero(found))))
    return [each is not None for each in found], points


def _points_of_session(subject: Subject, fetches: Any) -> Iterator[Any]:
    holders = [op.outputs[0] for op in subject.source.get_operations() if op.type == "Placeholder"]
    with v1.Session(graph=subject.source) as session:
        session.run(v1.global_variables_initializer())
        first = session.run(list(subject.variables))
        for point in range(POINTS):
            generator = np.random.RandomState(point)
            values = {each.initializer.inputs[1]: moved(value, generator) for each, value in zip(subject.variables, first)}
            session.run([each.initializer for each in subject.variables], values)
            feeds = {each: random_value(each.dtype, each.shape, subject.below, generator) for each in holders}
            yield session.run(fetches, feeds)


def inner(variable: Any) -> Any:
    """The ``tf.Variable`` of a Keras 3 variable."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def nonzero(gradients: Sequence[Any]) -> Any:
    """Whether each gradient that there is has an element that is a number other than zero."""
    dense = [each.values if isinstance(each, tf.IndexedSlices) else each for each in gradients if each is not None]
    flags = [tf.reduce_any(tf.logical_and(tf.math.is_finite(each), tf.not_equal(each, 0))) for each in dense]
    return tf.stack(flags) if flags else tf.zeros([0], tf.bool)
