"""Measure the overhead of graphcut on eager training steps, while it watches or is installed."""

from __future__ import annotations

import gc
import time

import numpy as np
import tensorflow as tf

import graphcut
from benchmarks.measure import resident
from graphcut.backend.record import tapes


def step(width=64, layers=4):
    """A training step of a small dense network, which executes eagerly, and what it takes."""
    generator = np.random.RandomState(0)
    weights = [tf.Variable(generator.normal(0, 0.1, (width, width)).astype("float32")) for _ in range(layers)]
    biases = [tf.Variable(np.zeros(width, "float32")) for _ in range(layers)]
    batch = tf.constant(generator.normal(0, 1, (32, width)).astype("float32"))

    def taken():
        with tf.GradientTape() as tape:
            value = batch
            for weight, bias in zip(weights, biases):
                value = tf.nn.relu(value @ weight + bias)
            loss = tf.reduce_mean(value**2)
        for variable, gradient in zip(weights + biases, tape.gradient(loss, weights + biases)):
            variable.assign_sub(0.01 * gradient)

    return taken


def side_by_side(call, context, steps, rounds):
    """Return the seconds of the fastest step outside and inside a context, in alternating rounds.

    The fastest step counts, because other load only makes steps slower.
    """
    plain, inside = [], []
    for _ in range(rounds):
        plain.append(fastest(call, steps))
        with context():
            for _ in range(20):
                call()
            inside.append(fastest(call, steps))
    return min(plain), min(inside)


def fastest(call, steps):
    """Seconds of the fastest of so many calls."""
    gc.collect()
    best = float("inf")
    for _ in range(steps):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


class installed:
    """A context in which missing gradients are explained."""

    def __enter__(self):
        graphcut.install()

    def __exit__(self, *error):
        graphcut.uninstall()


def added_to_traced_step():
    """Seconds that a traced step spends in functions of graphcut while missing gradients would be explained.

    These are the wrappers of ``stop_recording``, which each call of a function enters once. They are measured by themselves:
    beside a whole step they drown in what else the machine does.
    """
    pause = tapes._PAUSING[-1]
    call = tf.function(step())
    call()

    def hundred():
        for _ in range(100):
            pause.stop_recording()

    plain = fastest(hundred, 1000)
    with installed():
        for _ in range(20):
            call()
        return (fastest(hundred, 1000) - plain) / 100


def grown(steps):
    """Bytes that a watch of so many eager steps holds at its end, and did after a tenth of them."""
    call = step(8, 2)
    call()
    with graphcut.watch():
        for _ in range(steps // 10):
            call()
        gc.collect()
        early = resident()
        for _ in range(steps - steps // 10):
            call()
        gc.collect()
        return resident() - early
