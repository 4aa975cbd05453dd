"""Measure the cost of a graph file in a new process without TensorFlow.

``python -m benchmarks.file audit graph.pb loss`` prints seconds of CPU, the bytes that the result keeps, and the peak.
``load`` instead of ``audit`` measures the minimum work to load the graph.
"""

from __future__ import annotations

import sys
import time

import networkx as nx

import graphcut
from benchmarks.measure import ROOT, grown
from graphcut.graph.messages import CLASSES


def load(path, loss):
    """Parse the file into a DiGraph of names and edges."""
    dag = nx.DiGraph()
    with open(path, "rb") as stream:
        nodes = CLASSES["Graph"].FromString(stream.read()).node
    for node in nodes:
        dag.add_node(node.name)
        dag.add_edges_from((each, node.name) for each in node.input)
    return dag


def audit(path, loss):
    """All verdicts and cuts, by the gradient table."""
    found = graphcut.audit(path, loss=loss, oracle="2.15")
    return found, [(each.verdict, each.cut) for each in found]


def timed(call):
    """Return the result of a call, and add its seconds to a list."""
    spent = []

    def run():
        start = time.process_time()
        kept = call()
        spent.append(time.process_time() - start)
        return kept

    return run, spent


if __name__ == "__main__":
    call = {"audit": audit, "load": load}[sys.argv[1]]
    if call is audit:
        audit(ROOT + "/fixtures/documents/003.pb", "loss")  # what is loaded and asked once is no part of it
    run, spent = timed(lambda: call(*sys.argv[2:]))
    memory = grown(run)
    print(spent[0], memory.kept, memory.peak)
