"""Ask TensorFlow for the gradients of a step at random points.

A step under test returns the gradients that it took, a list for each, so that they can be had by running it.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow as tf

import graphcut
from graphcut import Verdict

EAGER = tf.executing_eagerly()
VERSION = tuple(map(int, tf.__version__.split(".")[:2]))
LIVE = (Verdict.FLOWS, Verdict.CONDITIONAL)


class Truth(NamedTuple):
    """The answer for one source of one gradient: whether it is a tensor, and whether that was zero at every point."""

    tensor: bool
    zero: bool


def variable(value: Any, name: str, trainable: bool = True) -> Any:
    """A resource variable, in TensorFlow 1.15, too."""
    return (
        tf.compat.v1.get_variable(
            name + "_%d" % next(_NUMBERS), initializer=tf.constant(value), trainable=trainable, use_resource=True
        )
        if not EAGER
        else tf.Variable(value, name=name, trainable=trainable)
    )


_NUMBERS = iter(range(10**9))


def truths(step: Any, shapes: Sequence[Any], points: int = 3) -> List[List[Truth]]:
    """What the step's gradients are, for each that it returns."""
    function = tf.function(getattr(step, "python_function", step))
    values = [_values(function, shapes, seed) for seed in range(points)]
    return [
        [Truth(found[0] is not None, all(each is None or not np.any(each) for each in found)) for found in zip(*gradients)]
        for gradients in zip(*values)
    ]


def as_traced(step: Any) -> Any:
    """The step as a function whose trace is audited; a plain step is judged by what its loops answer eagerly."""
    return tf.function(step, autograph=False) if EAGER else step


def _values(function: Any, shapes: Sequence[Any], seed: int) -> List[List[Optional[np.ndarray]]]:
    random = np.random.RandomState(seed)
    given = [random.uniform(0.5, 2.0, shape).astype(np.float32) for shape in shapes]
    found = function(*map(tf.constant, given))
    lists = [list(map(_dense, each)) for each in found]
    if EAGER:
        return [[None if each is None else each.numpy() for each in gradients] for gradients in lists]
    with tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        return [[None if each is None else session.run(each) for each in gradients] for gradients in lists]


def _dense(gradient: Any) -> Any:
    return tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient


def audited(step: Any, *shapes: Any, points: int = 3) -> Sequence[graphcut.Audit]:
    """Audit a step and compare each verdict with TensorFlow's answer."""
    audits = graphcut.audit_step(step, *[tf.TensorSpec(shape, tf.float32) for shape in shapes])
    real = truths(step, shapes, points)
    assert len(audits) == len(real)
    for audit, row in zip(audits, real):
        for found, recorded, truth in zip(audit, audit.recorded, row):
            assert recorded == truth.tensor, found
            assert (found.verdict is Verdict.NONE) == (not truth.tensor), (found, truth)
            assert truth.zero or found.verdict in LIVE, (found, truth)
        assert audit.disagreements == ()
    return audits


def words(audit: graphcut.Audit) -> List[str]:
    """``["flows", "none: outside-tape"]``: verdict and first barrier of each row."""
    return [each.verdict.value + (": " + each.cut[0].kind.value if each.cut else "") for each in audit]
