"""Gradients that constants make zero, and their neighbours that are not: TensorFlow's values decide."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict

v1 = tf.compat.v1
SHAPE = [2, 3]


def stacked(take):
    return lambda w, u: take(tf.stack([u, w]))


def drawn(w):
    return tf.square(w) + 1.0


CASES = {
    "xlogy": lambda w, u: tf.math.xlogy(tf.zeros_like(u), w) + u,
    "xdivy": lambda w, u: tf.math.xdivy(tf.zeros_like(u), w) + u,
    "one to the power": lambda w, u: tf.pow(tf.ones(SHAPE), w) + u,
    "two to the power": lambda w, u: tf.pow(tf.fill(SHAPE, 2.0), w) + u,
    "where true": lambda w, u: getattr(tf, "where_v2", tf.where)(tf.constant(True), u, w),
    "where all true": lambda w, u: v1.where(tf.constant([[True] * 3] * 2), u, w),
    "where all false": lambda w, u: v1.where(tf.constant([[False] * 3] * 2), w, u),
    "where mixed": lambda w, u: v1.where(tf.constant([[True, False, True]] * 2), w, u),
    "cumsum": stacked(lambda rows: tf.cumsum(rows)),
    "exclusive cumsum": stacked(lambda rows: tf.cumsum(rows, exclusive=True)),
    "exclusive cumsum from behind": lambda w, u: tf.cumsum(tf.stack([w, u]), exclusive=True, reverse=True),
    "exclusive cumsum of the first": lambda w, u: tf.cumsum(tf.stack([w, u]), exclusive=True),
    "gathered": stacked(lambda rows: tf.gather(rows, [0, 0])),
    "gathered once": stacked(lambda rows: tf.gather(rows, 0)),
    "gathered both": stacked(lambda rows: tf.gather(rows, [1, 0])),
    "gathered columns": lambda w, u: tf.gather(tf.concat([u, w], 1), [[0, 2], [1, 1]], axis=1),
    "gathered columns of both": lambda w, u: tf.gather(tf.concat([u, w], 1), [[0, 2], [1, 4]], axis=1),
    "gathered and sliced": stacked(lambda rows: tf.gather(rows, [0, 1])[0]),
    "gathered and the other": stacked(lambda rows: tf.gather(rows, [0, 1])[1]),
}
ZERO = {
    "xlogy", "xdivy", "one to the power", "where true", "where all true", "where all false", "exclusive cumsum",
    "exclusive cumsum from behind", "gathered", "gathered once", "gathered columns", "gathered and sliced",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_zero_exactly_where_tensorflow_s_values_are(case):
    with tf.Graph().as_default() as graph:
        w, u = (v1.placeholder(tf.float32, SHAPE, name) for name in "wu")
        loss = tf.reduce_sum(CASES[case](drawn(w), drawn(u)))
        gradient = v1.gradients(loss, w)[0]
        with v1.Session() as session:
            fed = {tensor: np.random.RandomState(1).normal(size=SHAPE) + 0.5 for tensor in (w, u)}
            values = session.run(gradient, fed)
    assert bool(np.any(values != 0)) is (case not in ZERO)
    found = graphcut.audit(graph, loss=loss, variables=["w:0", "u:0"])
    assert found["w:0"].verdict is (Verdict.ZERO if case in ZERO else Verdict.FLOWS)


@tf.RegisterGradient("GraphcutBothSides")
def _both_sides(op, gradient):
    return None, gradient, gradient


def test_a_gradient_of_ones_own_decides_for_itself():
    with tf.Graph().as_default() as graph:
        w, u = (v1.placeholder(tf.float32, SHAPE, name) for name in "wu")
        with graph.gradient_override_map({"Select": "GraphcutBothSides", "SelectV2": "GraphcutBothSides"}):
            loss = tf.reduce_sum(v1.where(tf.constant([[True] * 3] * 2), u, w))
    assert graphcut.audit(graph, loss=loss, variables=["w:0"])["w:0"].verdict is Verdict.FLOWS
