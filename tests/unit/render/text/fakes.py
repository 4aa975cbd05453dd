"""Audits made by hand: graphs are text, verdicts are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Mapping, Optional, Sequence, Tuple

import networkx as nx

from graphcut.analysis.reasons.reason import Reason
from graphcut.analysis.reasons.routes import Step
from graphcut.graph.dtypes import DTYPES
from graphcut.graph.flat import FlatGraph, Kind
from graphcut.render.picture.select_ops import float_producers
from graphcut.results import Assumption, Barrier, BarrierKind, Disagreement, Stop, VariableAudit, Verdict


@dataclass(frozen=True)
class FakeAudit:
    variables: Tuple[VariableAudit, ...] = ()
    loss: Tuple[str, ...] = ("loss:0",)
    loss_source: str = "asked"
    source: str = "function loss"
    hypothesis: str = ""
    oracle: str = "TensorFlow 2.21.0 (installed)"
    loss_dtypes: Tuple[str, ...] = ("float32",)
    stops: Tuple[Stop, ...] = ()
    assumptions: Tuple[Assumption, ...] = ()
    recorded: Tuple[bool, ...] = ()
    disagreements: Tuple[Disagreement, ...] = ()
    left_out: Tuple[Any, ...] = ()
    is_recorded: bool = False
    raised: str = ""
    graph: Any = nx.DiGraph()
    carrying: FrozenSet[str] = frozenset()
    unreached: FrozenSet[str] = frozenset()
    known: Optional[Reason] = None
    shape: Any = None
    idioms: Mapping[str, str] = field(default_factory=dict)
    code_names: Mapping[str, str] = field(default_factory=dict)
    made: Dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def loss_keys(self) -> Tuple[str, ...]:
        """No output has a key."""
        return ("",) * len(self.loss)

    def reason(self, variable: VariableAudit) -> Reason:
        """Return the given reason; by default the path from the variable on, and the cut, one barrier deep."""
        route = tuple(Step(op, "Op") for op in reversed(variable.path[:-1]))
        return self.known or Reason(route, variable.cut, len(variable.cut), 1)

    @property
    def flat(self) -> FlatGraph:
        if "flat" not in self.made:
            self.made["flat"] = flat_of(self.graph)
        found: FlatGraph = self.made["flat"]
        return found

    @property
    def passing(self) -> Mapping[int, Tuple[int, ...]]:
        if "passing" not in self.made:
            self.made["passing"] = self._passing()
        found: Mapping[int, Tuple[int, ...]] = self.made["passing"]
        return found

    def _passing(self) -> Mapping[int, Tuple[int, ...]]:
        """Every edge of floats between ops that a gradient passes."""
        flat = self.flat
        live = {op for op, name in enumerate(flat.names) if name in self.carrying}
        return {op: tuple(each for each in dict.fromkeys(float_producers(flat, op)) if each in live) for op in live}

    @property
    def reached(self) -> FrozenSet[int]:
        return frozenset(op for op, name in enumerate(self.flat.names) if name not in self.unreached)

    @property
    def left_out_ops(self) -> Mapping[int, Any]:
        names = list(self.flat.names)
        return {names.index(each.name): each for each in self.left_out if each.name in names}

    def shapes(self, op: int) -> Sequence[Any]:
        return [self.shape for _ in self.flat.outputs(op)]

    def place_of(self, op: str) -> Optional[str]:
        """Return no line: nothing here was read from code."""
        return None

    def place(self, op: int) -> Tuple[Optional[str], bool]:
        return None, False


def flat_of(graph: Any) -> FlatGraph:
    """The columns of a DAG made by ``dag``, loop-carried edges as the last inputs of their ops."""
    numbers = {dtype: number for number, dtype in DTYPES.items()}
    kinds = [Kind(told.get("type", "Placeholder"), (), _dtypes(told, numbers)) for _, told in graph.nodes(data=True)]
    first = [0]
    for kind in kinds:
        first.append(first[-1] + len(kind.outputs))
    at = {name: op for op, name in enumerate(graph)}
    inputs = [[tensor for _, tensor in sorted(_inputs(graph, name, at, first))] for name in graph]
    loops: Dict[int, Tuple[int, ...]] = {}
    for producer, consumer in graph.graph.get("loop_edges", ()):
        loops[at[consumer]] = loops.get(at[consumer], ()) + (len(inputs[at[consumer]]),)
        inputs[at[consumer]].append(first[at[producer]])
    made = [op for op, kind in enumerate(kinds) for _ in kind.outputs]
    return FlatGraph(
        list(graph), list(range(len(kinds))), kinds, [tuple(each) for each in inputs], [()] * len(kinds), first, made,
        [dtype for kind in kinds for dtype in kind.outputs], [-1] * len(kinds), (), (), loops,
    )  # fmt: skip


def _dtypes(told: Mapping[str, Any], numbers: Mapping[str, int]) -> Tuple[int, ...]:
    return tuple(numbers[each] for each in told.get("dtypes", ("float32",)))


def _inputs(graph: Any, name: str, at: Mapping[str, int], first: Sequence[int]) -> Any:
    for producer, _, tensors in graph.in_edges(name, data="tensors"):
        yield from ((index, first[at[producer]] + output) for output, index in tensors)


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


def cut(op: str, barrier: BarrierKind = BarrierKind.STOP_GRADIENT, type: str = "StopGradient", **fields: Any) -> Barrier:
    """A cut at input 0, deliberate where the barrier is."""
    given = {"input": 0, "deliberate": barrier.deliberate}
    return Barrier(op=op, type=type, kind=barrier, **{**given, **fields})
