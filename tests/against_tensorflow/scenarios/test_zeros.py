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


def as_complex(real):
    return tf.cast(real, tf.complex64)


def recomputed(function):
    def made(w, u):
        with v1.variable_scope(v1.get_variable_scope(), use_resource=True):
            return tf.recompute_grad(function)(w) + u

    return made


CASES = {
    "xlogy": lambda w, u: tf.math.xlogy(tf.zeros_like(u), w) + u,
    "xdivy": lambda w, u: tf.math.xdivy(tf.zeros_like(u), w) + u,
    "divided by zero, which gives zero": lambda w, u: tf.math.divide_no_nan(w, tf.zeros_like(u)) + u,
    "divided or zero": lambda w, u: tf.math.divide_no_nan(w, u),
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
    "sum before the first": lambda w, u: tf.cumsum(w, axis=1, exclusive=True)[:, 0] + u[:, 0],
    "sum before the second": lambda w, u: tf.cumsum(w, axis=1, exclusive=True)[:, 1] + u[:, 1],
    "imaginary part of a real": lambda w, u: tf.math.imag(as_complex(w)) + u,
    "real part of a real": lambda w, u: tf.math.real(as_complex(w)) + u,
    "imaginary part of a conjugate": lambda w, u: tf.math.imag(tf.math.conj(-as_complex(w))) + u,
    "imaginary part of the other": lambda w, u: tf.math.imag(tf.complex(w, u)),
    "imaginary part itself": lambda w, u: tf.math.imag(tf.complex(u, w)),
    "imaginary part of pieces": lambda w, u: tf.math.imag(tf.concat([as_complex(w), tf.complex(u, u)], 0)),
    "imaginary part of a product": lambda w, u: tf.math.imag(as_complex(w) * tf.complex(u, u)),
    "imaginary part of an exponential": lambda w, u: tf.math.imag(tf.exp(tf.complex(w, u))),
    "imaginary part of a real again": lambda w, u: tf.math.imag(as_complex(tf.math.real(tf.complex(u, w)))) + u,
    "recomputed": recomputed(lambda x: tf.sin(x) * 2.0),
    "recomputed behind a stop": recomputed(lambda x: tf.stop_gradient(x) * 2.0),
    "recomputed and rounded": recomputed(lambda x: tf.round(x) * x),
}
ZERO = {
    "xlogy", "xdivy", "one to the power", "where true", "where all true", "where all false", "exclusive cumsum",
    "divided by zero, which gives zero",
    "exclusive cumsum from behind", "gathered", "gathered once", "gathered columns", "gathered and sliced",
    "sum before the first", "imaginary part of a real", "imaginary part of a conjugate", "imaginary part of the other",
    "imaginary part of pieces", "imaginary part of a real again", "recomputed behind a stop",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_zero_exactly_where_tensorflow_s_values_are(case):
    with tf.Graph().as_default() as graph:
        w, u = (v1.placeholder(tf.float32, SHAPE, name) for name in "wu")
        loss = tf.reduce_sum(CASES[case](drawn(w), drawn(u)))
        gradient = v1.gradients(loss, w)[0]
    if gradient is None:  # TensorFlow 1.15 fills in no zeros for values that it computes again
        assert graphcut.audit(graph, loss=loss, variables="w:0")["w:0"].verdict is Verdict.NONE
        return
    with v1.Session(graph=graph) as session:
        fed = {tensor: np.random.RandomState(1).normal(size=SHAPE) + 0.5 for tensor in (w, u)}
        values = session.run(gradient, fed)
    assert bool(np.any(values != 0)) is (case not in ZERO)
    found = graphcut.audit(graph, loss=loss, variables=["w:0", "u:0"])
    assert found["w:0"].verdict is (Verdict.ZERO if case in ZERO else Verdict.FLOWS)


def test_a_file_without_the_shapes_of_its_ops_has_those_of_its_variables():
    with tf.Graph().as_default() as graph:
        w, u = (v1.get_variable(name, SHAPE, use_resource=True) for name in "wu")
        loss = tf.reduce_sum(tf.concat([w, u], 0)[SHAPE[0] :])
        assert "_output_shapes" not in str(graph.as_graph_def())
        with v1.Session(graph=graph) as session:
            gradient = v1.gradients(loss, w)[0]
            session.run(v1.global_variables_initializer())
            assert not np.any(session.run(gradient))
    for source, oracle in ((graph, None), (graph.as_graph_def(), None), (graph.as_graph_def(), "installed")):
        found = graphcut.audit(source, loss=loss.name, variables=["w", "u"], oracle=oracle)
        assert [each.verdict for each in found] == [Verdict.ZERO, Verdict.FLOWS]


@tf.RegisterGradient("GraphcutBothSides")
def _both_sides(op, gradient):
    return None, gradient, gradient


def test_a_gradient_of_ones_own_decides_for_itself():
    with tf.Graph().as_default() as graph:
        w, u = (v1.placeholder(tf.float32, SHAPE, name) for name in "wu")
        with graph.gradient_override_map({"Select": "GraphcutBothSides", "SelectV2": "GraphcutBothSides"}):
            loss = tf.reduce_sum(v1.where(tf.constant([[True] * 3] * 2), u, w))
    assert graphcut.audit(graph, loss=loss, variables=["w:0"])["w:0"].verdict is Verdict.FLOWS
