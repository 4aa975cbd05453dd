"""What one call adds to a fresh process: ``python -m benchmarks.memory audit 3000`` prints bytes kept and at the peak."""

from __future__ import annotations

import sys

import tensorflow as tf

import graphcut
from benchmarks.graphs import residual
from benchmarks.measure import grown


def audit(graph, loss):
    return graphcut.audit(graph, loss=loss)


def dag(graph, loss):
    found = graphcut.audit(graph, loss=loss)
    return found, found.graph


def gradients(graph, loss):
    with graph.as_default():
        return tf.compat.v1.gradients(loss, tf.compat.v1.trainable_variables())


if __name__ == "__main__":
    call = {"audit": audit, "dag": dag, "gradients": gradients}[sys.argv[1]]
    call(*residual(3))  # what is loaded and asked once is no part of it
    graph, loss = residual(int(sys.argv[2]))
    print(*grown(lambda: call(graph, loss)))
