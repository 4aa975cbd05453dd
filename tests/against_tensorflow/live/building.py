"""Build small sources for the tests, under every TensorFlow, eagerly if there is eager execution."""

from __future__ import annotations

import contextlib

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
EAGER = tf.executing_eagerly()


@contextlib.contextmanager
def anywhere():
    """A place to make variables: eagerly, else (TensorFlow 1.15) a graph of its own."""
    if EAGER:
        yield
        return
    with tf.Graph().as_default():
        yield


def ones(name, *shape, trainable=True):
    """A resource variable."""
    return v1.Variable(np.ones(shape, np.float32), name=name, use_resource=True, trainable=trainable)


def spec(*shape, dtype=tf.float32, name=None):
    return tf.TensorSpec(shape, dtype, name)


class Pair:
    """``w`` learns, ``u`` stands before a stop."""

    def __init__(self):
        self.w, self.u = ones("w", 3), ones("u", 3)

    def loss(self, x):
        return tf.reduce_sum(x * self.w + tf.stop_gradient(x * self.u))


def placeholder_graph():
    """The same as a graph of TensorFlow 1: the graph, its loss, its variables."""
    with tf.Graph().as_default() as graph:
        pair = Pair()
        loss = tf.identity(pair.loss(v1.placeholder(tf.float32, [3], "x")), name="loss")
    return graph, loss, pair


def keras_model():
    """Two layers, the gradient stopped between them."""
    layers = tf.keras.layers
    first, second = layers.Dense(4), layers.Dense(1)
    model = tf.keras.Sequential([first, layers.Lambda(tf.stop_gradient), second])
    model.build((None, 3))
    return model, first, second


def words(audit):
    """Name and verdict of every row."""
    return {each.name: each.verdict.value for each in audit}
