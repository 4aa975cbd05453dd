"""Training steps from public bug reports: which gradients are ``None`` and which variables change in TensorFlow.

Each runs once, eagerly and as a ``tf.function``, and is compared with ``audit_step`` and ``watch`` on another copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.share import own_share
from tests.against_tensorflow.steps.judge import EAGER, VERSION

pytestmark = pytest.mark.skipif(
    not EAGER or VERSION < (2, 11), reason="written for the optimizers of TensorFlow 2.11 and later"
)

X = tf.constant([[0.5, 1.0, 1.5], [1.0, 0.5, 0.7]])
Y = tf.constant([[1.0], [0.3]])


class Subject:
    """The variables that a step is about, by their names, and the answers of its tapes."""

    w: Any
    u: Any
    k: Any
    b: Any

    def __init__(self):
        self.answers = []
        self.optimizer = tf.keras.optimizers.SGD(0.1)
        shapes = {"w": [3, 2], "u": [2, 1], "k": [3, 2], "b": []}
        random = np.random.RandomState(0)
        for name, shape in shapes.items():
            setattr(self, name, tf.Variable(random.uniform(0.2, 1.0, shape).astype("float32"), name=name))
        self.variables = [self.w, self.u, self.k, self.b]
        self.optimizer.build(self.variables)

    def train(self, tape, loss):
        """Take the gradient of a loss, and apply what comes."""
        gradients = tape.gradient(loss, self.variables)
        self.answers.append([each is not None for each in gradients])
        pairs = [pair for pair in zip(gradients, self.variables) if pair[0] is not None]
        if pairs:
            self.optimizer.apply_gradients(pairs)


def of_loss(loss):
    """A step that trains on a loss, which is computed under the tape."""

    def step(s):
        with tf.GradientTape() as tape:
            value = loss(s)
        s.train(tape, value)

    step.__name__ = loss.__name__
    return step


def vq_vae(s):
    z = X @ s.w
    index = tf.argmin(tf.reduce_sum((z[:, None] - s.k[None]) ** 2, -1), 1)
    code = tf.gather(s.k, index)
    return tf.reduce_mean(((z + tf.stop_gradient(code - z)) @ s.u - Y) ** 2) + tf.reduce_mean(
        (tf.stop_gradient(code) - z) ** 2
    )


def accuracy(s):
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(X @ s.w, 1), [0, 1]), tf.float32)) + s.b


def sampled_action(s):
    action = tf.one_hot(tf.random.categorical(X @ s.w, 1)[:, 0], 2)
    return -tf.reduce_mean(action @ s.u)


def hard_gumbel(s):
    soft = tf.nn.softmax(X @ s.w)
    hard = tf.one_hot(tf.argmax(soft, 1), 2)
    return tf.reduce_mean((tf.stop_gradient(hard - soft) + soft) @ s.u)


def dice_of_rounded(s):
    p = tf.round(tf.sigmoid(X @ s.w @ s.u))
    return 1.0 - 2.0 * tf.reduce_sum(p * Y) / (tf.reduce_sum(p) + tf.reduce_sum(Y)) + s.b


def mask_of_a_variable(s):
    return tf.reduce_sum(tf.where(X @ s.w > s.b, X @ s.k, 0.0))


def sorted_by_another(s):
    return tf.reduce_sum(tf.gather(s.u, tf.argsort((X @ s.w)[0])))


def through_numpy(s):
    return tf.reduce_sum(tf.numpy_function(np.square, [X @ s.w], tf.float32)) * s.b


def through_py_function(s):
    return tf.reduce_sum(tf.py_function(lambda each: each * each, [X @ s.w], tf.float32)) + s.b


def decoded_greedily(s):
    token, total = X, tf.constant(0.0)
    for _ in range(2):
        logits = token @ s.w
        total += tf.reduce_mean(logits @ s.u)
        token = tf.one_hot(tf.argmax(logits, 1), 3)
    return total


def recurrent_with_detached_outputs(s):
    state, outputs = tf.zeros([2, 2]), tf.TensorArray(tf.float32, 3)
    for index in tf.range(3):
        state = tf.tanh(X @ s.w + state)
        outputs = outputs.write(index, tf.stop_gradient(state))
    return tf.reduce_sum(outputs.stack() @ s.u)


def state_that_nobody_reads(s):
    state, other = X @ s.w, X @ s.k
    for _ in tf.range(2):
        state, other = state * 2.0, other * s.b
    return tf.reduce_sum(state @ s.u)


def stepwise_anomaly(s):
    value = X @ s.w
    if tf.reduce_any(tf.math.is_nan(value)):
        value = tf.zeros_like(value)
    return tf.reduce_sum(value @ tf.stop_gradient(s.u))


def spectral(s):
    spectrum = tf.abs(tf.signal.rfft(tf.transpose(X @ s.w)))
    return tf.reduce_sum(spectrum) + tf.cast(tf.linalg.matrix_rank(s.k), tf.float32)


def of_scattered_values(s):
    sparse = tf.SparseTensor([[0, 0], [1, 2]], s.u[:, 0] * 1.0, [2, 3])
    return tf.reduce_sum(tf.sparse.sparse_dense_matmul(sparse, s.w))


def quantized(s):
    return tf.reduce_sum(tf.quantization.fake_quant_with_min_max_args(X @ s.w) @ s.u) + tf.reduce_sum(tf.floor(s.k))


def copied_to_a_variable(s):
    s.k.assign(s.w * s.b)
    return tf.reduce_sum((X @ s.k) @ s.u)


@tf.custom_gradient
def straight_through(x, scale):
    return tf.round(x * scale) / scale, lambda dy: (dy, None)


def scaled_straight_through(s):
    return tf.reduce_sum(straight_through(X @ s.w, s.b))


def teacher_and_student(s):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((X @ s.w - tf.stop_gradient(X @ s.k)) ** 2)
    s.train(tape, loss)
    s.k.assign(0.9 * s.k + 0.1 * s.w)


def made_before_the_tape(s):
    z = X @ s.w
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(z @ s.u)
    s.train(tape, loss)


def paused(s):
    with tf.GradientTape() as tape:
        z = X @ s.w
        with tape.stop_recording():
            other = z @ s.u
        loss = tf.reduce_sum(z) + tf.reduce_sum(other)
    s.train(tape, loss)


def gradient_penalty(s):
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(X)
            out = tf.tanh(X @ s.w) @ s.u + s.b
        slope = inner.gradient(out, X)
        loss = tf.reduce_mean((tf.norm(slope, axis=1) - 1.0) ** 2)
    s.answers.append([slope is not None])
    s.train(tape, loss)


def inner_loop(s):
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            loss = tf.reduce_mean((X @ s.w @ s.u - Y) ** 2)
        slope = inner.gradient(loss, s.w)
        fast = s.w - s.b * tf.stop_gradient(slope)
        outer = tf.reduce_mean((X @ fast @ s.u - Y) ** 2)
    s.answers.append([slope is not None])
    s.train(tape, outer)


def only_half_is_applied(s):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(X @ s.w @ s.u)
    gradients = tape.gradient(loss, s.variables)
    s.answers.append([each is not None for each in gradients])
    s.optimizer.apply_gradients([(gradients[0], s.w)])
    s.u[:1].assign(s.u[:1] * 0.5)


LOSSES = (
    vq_vae, accuracy, sampled_action, hard_gumbel, dice_of_rounded, mask_of_a_variable, sorted_by_another, through_numpy,
    through_py_function, decoded_greedily, recurrent_with_detached_outputs, state_that_nobody_reads, stepwise_anomaly,
    spectral, of_scattered_values, quantized, copied_to_a_variable, scaled_straight_through,
)  # fmt: skip
WHOLE = (
    teacher_and_student, made_before_the_tape, paused, gradient_penalty, inner_loop, only_half_is_applied,
)  # fmt: skip
STEPS = (*map(of_loss, LOSSES), *WHOLE)


def bound(made, traced):
    """A step with variables of its own."""
    subject = Subject()
    step = lambda: made(subject)  # noqa: E731 - without a name of its own
    return subject, tf.function(step) if traced else step


def check(audits, subject, before):
    """Hold the audits of a step against what another copy of it answered and moved."""
    assert [[each.verdict is not Verdict.NONE for each in audit] for audit in audits] == subject.answers
    assert [each for audit in audits for each in audit.disagreements] == []
    moved = [not np.array_equal(old, each.numpy()) for old, each in zip(before, subject.variables)]
    for each, has_moved in zip(audits[-1], moved):
        assert each.verdict is Verdict.ZERO or each.is_updated in (None, has_moved), each


@pytest.mark.parametrize("traced", (False, True), ids=("plain", "traced"))
@pytest.mark.parametrize("made", own_share(STEPS), ids=lambda made: made.__name__)
def test_a_reported_step_is_judged_as_it_trains(made, traced):
    subject, step = bound(made, traced)
    before = [each.numpy() for each in subject.variables]
    step()
    check(graphcut.audit_step(bound(made, traced)[1]), subject, before)
    with graphcut.watch() as watched:
        bound(made, traced)[1]()
    check(watched.audits, subject, before)
