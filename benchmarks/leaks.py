"""What stays in a process that audits again and again: ``python -m benchmarks.leaks 3000 300`` prints the bytes of resident
memory after a tenth of the files and after all of them. A third number takes the first figure after so many files instead.

No file and no graph is like another: sizes, names, dtypes, shapes and ops differ. Half of the files are damaged. The collector
is left to itself.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile

import tensorflow as tf

import graphcut
from benchmarks.measure import resident

tf1 = tf.compat.v1
_UNARY = (tf.tanh, tf.sigmoid, tf.nn.relu, tf.exp, tf.stop_gradient, tf.round, tf.square)


def graph_of(number):
    """A graph that is like no other one; returns it and its variables."""
    draw = random.Random(number)
    with tf.Graph().as_default() as graph:
        width = draw.randrange(1, 50)
        hidden = tf1.placeholder(tf.float32, [None, width], name="x%d" % number)
        for layer in range(draw.randrange(1, 9)):
            kernel = tf1.Variable(tf.zeros([width, width]), name="kernel%d_%d" % (number, layer))
            hidden = draw.choice(_UNARY)(tf.matmul(hidden, kernel) * draw.random())
        tf.reduce_sum(hidden, name="loss")
        return graph, tf1.trainable_variables()


def content_of(number):
    """The bytes of a file; every other one is damaged: cut short, or with a few bytes changed."""
    data = bytearray(graph_of(number)[0].as_graph_def().SerializeToString())
    draw = random.Random(number)
    if number % 4 == 1:
        del data[draw.randrange(len(data)) :]
    elif number % 4 == 3:
        for _ in range(5):
            data[draw.randrange(len(data))] = draw.randrange(256)
    return bytes(data)


def audit_file(path):
    """Audit a file and read all of it; a damaged one may be refused."""
    try:
        audit = graphcut.audit(path, loss="loss")
        str(audit), [audit.explain(each.name) for each in audit]
    except graphcut.GraphcutError as error:
        str(error)


def audit_live(number):
    """Audit a live graph, every variable by object."""
    graph, variables = graph_of(number)
    audit = graphcut.audit(graph, loss="loss", variables=variables)
    [(audit[each].verdict, audit[each].cut, audit.explain(each)) for each in variables]


def grown(files, live, first=None):
    """Resident memory after the ``first`` files, by default a tenth of them, and after all."""
    every, early = max(files // live, 1), 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "graph.pb")
        for number in range(files):
            with open(path, "wb") as stream:
                stream.write(content_of(number))
            audit_file(path)
            if number % every == 0:
                audit_live(files + number)
            if number + 1 == (first or files // 10):
                early = resident()
    return early, resident()


if __name__ == "__main__":
    print(*grown(*map(int, sys.argv[1:])))
