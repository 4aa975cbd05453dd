"""Audits made by hand: graphs are text, verdicts are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, FrozenSet, Optional, Tuple

import networkx as nx

from graphcut.terms import Assumption, Barrier, Cut, Stop, VariableAudit, Verdict
from graphcut.why.reasons import Reason
from graphcut.why.routes import Step


@dataclass(frozen=True)
class FakeAudit:
    variables: Tuple[VariableAudit, ...] = ()
    loss: Tuple[str, ...] = ("loss:0",)
    loss_source: str = "asked"
    source: str = "function loss"
    loss_dtypes: Tuple[str, ...] = ("float32",)
    stops: Tuple[Stop, ...] = ()
    assumptions: Tuple[Assumption, ...] = ()
    graph: Any = nx.DiGraph()
    carrying: FrozenSet[str] = frozenset()
    known: Optional[Reason] = None

    def reason(self, variable: VariableAudit) -> Reason:
        """The reason that was given; else the path from the variable's end, and the cut, one barrier deep."""
        route = tuple(Step(op, "Op") for op in reversed(variable.path[:-1]))
        return self.known or Reason(route, variable.cut, len(variable.cut), 1)


def dag(text: str, dtype: str = "float32") -> Any:
    """A DAG from lines such as ``h = MatMul x w:0 ^control``; `` -> int32`` gives another dtype."""
    graph = nx.DiGraph(loop_edges=())
    for line in filter(None, (line.strip() for line in text.splitlines())):
        left, _, made = line.partition(" -> ")
        name, _, right = left.partition(" = ")
        kind, *inputs = right.split()
        tensors = tuple(each if ":" in each else each + ":0" for each in inputs if each[0] != "^")
        graph.add_node(name, type=kind, inputs=tensors, dtypes=((made or dtype),), shapes=(None,), function=None)
        for producer in dict.fromkeys(each.lstrip("^").split(":")[0] for each in inputs):
            uses = tuple((0, at) for at, tensor in enumerate(tensors) if tensor.split(":")[0] == producer)
            graph.add_edge(producer, name, tensors=uses, control=not uses)
    return graph


def variable(name: str, verdict: Verdict = Verdict.FLOWS, **fields: Any) -> VariableAudit:
    """A float32 [3, 2] variable of its own name."""
    given = {"tensor": name + ":0", "trainable": True, "dtype": "float32", "shape": (3, 2), "cut": (), "path": ()}
    rest = {"conditions": (), "unused": False, "sparse": False}
    return VariableAudit(name=name, verdict=verdict, **{**given, **rest, **fields})


def cut(op: str, barrier: Barrier = Barrier.STOP_GRADIENT, type: str = "StopGradient", **fields: Any) -> Cut:
    """A cut at input 0, deliberate where the barrier is."""
    given = {"input": 0, "deliberate": barrier.deliberate}
    return Cut(op=op, type=type, barrier=barrier, **{**given, **fields})
