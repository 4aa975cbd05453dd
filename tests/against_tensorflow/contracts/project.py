"""A project for tests of contracts."""

from __future__ import annotations

AGENTS = """
import tensorflow as tf

COUNT = []
COUNT.append(1)
tf.compat.v1.enable_v2_behavior()
encoder = tf.Variable(tf.ones([4, 3]), name="encoder/w")
head = tf.Variable(tf.ones([3, 1]), name="head/w")
frozen = tf.Variable(1.0, name="frozen/w", trainable=False)
spare = tf.Variable(1.0, name="spare/w")


TRACES = []


def stopped(x):
    TRACES.append("stopped")
    return tf.reduce_mean(tf.matmul(tf.stop_gradient(tf.matmul(x, encoder)), head)) * frozen


def whole(x):
    return tf.reduce_mean(tf.matmul(tf.matmul(x, encoder), head))


def step(x):
    TRACES.append("step")
    with tf.GradientTape(persistent=True) as tape:
        policy = whole(x)
        value = stopped(x)
    found = tape.gradient(policy, [encoder, head])
    head.assign_sub(0.1 * found[1])
    tape.gradient(value, [encoder, head, spare])


def several(x):
    TRACES.append("several")
    return {"policy": whole(x), "value": stopped(x)}


def plain(x):
    hidden = tf.matmul(x, encoder) * spare
    return tf.reduce_mean(tf.matmul(hidden, head))


def broken(x):
    raise ValueError("no data")
"""
