"""Small graphs for tests of questions, each built in a separate graph."""

from __future__ import annotations

import tensorflow as tf

import graphcut
from fixtures.scenarios.making import given, weights

v1 = tf.compat.v1


def audited(build, **kwargs):
    """The audit of the loss that ``build`` makes."""
    with tf.Graph().as_default():
        return graphcut.audit(tf.compat.v1.get_default_graph(), loss=build(), **kwargs)


def two_layers():
    """``first`` behind the stop ``hidden``, ``second`` before it."""
    hidden = tf.stop_gradient(tf.matmul(given("x", 2, 3), weights("first", 3, 4), name="features"), name="hidden")
    return tf.reduce_sum(tf.matmul(hidden, weights("second", 4, 1), name="scores"), name="loss")


def rounded_choice():
    """``scale`` behind a rounding, ``logits`` behind an argmax that is cast."""
    rounded = tf.round(weights("scale", 4), name="rounded")
    chosen = tf.cast(tf.argmax(weights("logits", 2, 4), 1, name="choice"), tf.float32, name="number")
    return tf.reduce_sum(rounded) * tf.reduce_sum(chosen) * tf.reduce_sum(weights("w", 4))


def called_twice():
    """One function, with a stop, called for ``a`` and for ``b``."""
    called = tf.function(lambda x: tf.stop_gradient(x * 2.0, name="inner"), autograph=False)
    return tf.reduce_sum(called(tf.identity(weights("a", 3))) * called(tf.identity(weights("b", 3))))
