"""One loss, all of it: the face of graphcut."""

from __future__ import annotations

import os
from typing import Any, Dict, FrozenSet, Iterable, Iterator, Optional, Sequence, Tuple, Union

import networkx as nx

from graphcut import sources
from graphcut.dag import collector_paused
from graphcut.findings import CUT, Findings
from graphcut.flow.judge import Flow, flow
from graphcut.losses import Loss, Stopped, chosen, stop_ops
from graphcut.rows import Target
from graphcut.rules.table import Rules
from graphcut.sources import Traced
from graphcut.stops import stops
from graphcut.targets import position, targets
from graphcut.terms import Assumption, Stop, VariableAudit


def audit(
    source: Any,
    *args: Any,
    loss: Any = None,
    variables: Any = None,
    stop_gradients: Any = (),
    signature: Optional[str] = None,
) -> Audit:
    """Which variables can still receive a gradient from the loss, and what cuts off the others.

    Args:
        source: what ``trace`` takes, or a DAG that ``trace`` made.
        *args: example arguments of a callable: arrays, tensors or ``tf.TensorSpec``.
        loss: a tensor, a tensor or op name, an output's key, or several of these (summed, as ``tf.gradients`` does). By
            default the function's one float output, else the loss that the graph's own backward part reveals, else the
            ``losses`` collection.
        variables: variables, tensors, names or ``fnmatch`` patterns. By default every trainable variable.
        stop_gradients: tensors that count as constants, as in ``tf.gradients``.
        signature: which signature of a SavedModel.

    Returns:
        An ``Audit`` with a verdict for each variable, each judged as if it were the only one asked for.

    Raises:
        GraphcutError: the source cannot be read, or a name is not in it; the message says what is near.
        TypeError: the loss is complex or a string, as in ``tf.gradients``.
    """
    with collector_paused():
        traced = sources.read(source, args, {}, signature)
        found = chosen(traced, loss)
        return Audit(traced, found, targets(traced, variables), stop_ops(traced, stop_gradients))


class Audit:
    """What one loss gives each variable. Built complete; the DAG and the list of stops are made when first asked for."""

    def __init__(self, traced: Traced, loss: Loss, asked: Sequence[Target], stopped: Stopped) -> None:
        self._traced, self._loss, self._targets, self._stopped = traced, loss, tuple(asked), stopped
        self._findings = Findings(traced, _flow(traced, loss, stopped))
        self.variables: Tuple[VariableAudit, ...] = tuple(self._findings.of(target) for target in asked)
        self._made: Dict[str, Any] = {}

    @property
    def loss(self) -> Tuple[str, ...]:
        """The names of the loss's tensors."""
        return tuple(self._traced.flat.tensor_name(tensor) for tensor in self._loss.tensors)

    @property
    def loss_source(self) -> str:
        """How the loss was chosen."""
        return self._loss.source

    @property
    def graph(self) -> nx.DiGraph:
        """The DAG, as ``trace`` gives it."""
        if "graph" not in self._made:
            self._made["graph"] = sources.to_dag(self._traced)
        dag: nx.DiGraph = self._made["graph"]
        return dag

    @property
    def stops(self) -> Tuple[Stop, ...]:
        """Every ``StopGradient`` op with its role for this loss, in the graph's order."""
        if "stops" not in self._made:
            judged = [(each.name, target.tensors, each.verdict) for each, target in zip(self.variables, self._targets)]
            needed = {
                verdict: self._findings.cuts(verdict)
                for verdict in {each.verdict for each in self.variables}
                if verdict in CUT
            }
            self._made["stops"] = stops(self._findings.flow, judged, needed, self._traced.place)
        made: Tuple[Stop, ...] = self._made["stops"]
        return made

    @property
    def assumptions(self) -> Tuple[Assumption, ...]:
        """The ops that could not be asked for and are taken to carry from float to float."""
        return self._findings.flow.rules.assumptions()

    @property
    def recorded(self) -> Tuple[bool, ...]:
        """For a recorded gradient, whether the tape gave each variable a tensor; empty otherwise."""
        return ()

    @property
    def carrying(self) -> FrozenSet[str]:
        """The ops that a gradient passes on a route from the loss to a variable that gets one."""
        found = self._findings.flow
        live = [
            tensor
            for each, target in zip(self.variables, self._targets)
            for tensor in target.tensors
            if found.carried.reaches(tensor)
        ]
        return frozenset(self._traced.flat.names[op] for op in _between(found, live))

    def __getitem__(self, key: Any) -> VariableAudit:
        """The row of a variable: by the object itself, its name with or without ``:0``, an op or a tensor name."""
        return self.variables[position(key, self._traced, self._targets)]

    def select(self, pattern: str) -> Tuple[VariableAudit, ...]:
        """The rows whose names match an ``fnmatch`` pattern such as ``encoder/*``."""
        from fnmatch import fnmatchcase

        return tuple(each for each in self.variables if fnmatchcase(each.name, pattern))

    def __iter__(self) -> Iterator[VariableAudit]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def __str__(self) -> str:
        from graphcut.report.text import table

        return table(self)

    def __repr__(self) -> str:
        return "<graphcut.Audit of %s: %d variables>" % (", ".join(self.loss), len(self.variables))

    def explain(self, key: Any) -> str:
        """What one variable gets, and why, in sentences."""
        from graphcut.report.explain import explain

        return explain(self, self[key])

    def draw(self, path: Union[str, os.PathLike[str]], engine: Optional[str] = None) -> None:
        """Draw the cut; the ending of ``path`` picks the format (``.svg``, ``.dot``, with the system's Graphviz others)."""
        from graphcut.drawing import draw

        draw(self, path, engine)

    def to_dot(self) -> str:
        """The picture as DOT; needs no engine."""
        from graphcut.drawing.dot import to_dot

        return to_dot(self)

    def to_dict(self) -> Dict[str, Any]:
        """Everything found, as plain values with the words of the enums."""
        from graphcut.report.json import to_dict

        return to_dict(self)

    def to_json(self) -> str:
        """The same as JSON."""
        from graphcut.report.json import to_json

        return to_json(self)


def _flow(traced: Traced, loss: Loss, stopped: Stopped) -> Flow:
    from graphcut.installation import tensorflow_needed

    with tensorflow_needed("to ask for the gradients of ops"):
        from graphcut.tracing import ask, installed
    around = installed.around(traced.origin)
    return flow(
        Rules(traced.flat, ask.asker(traced.origin.live), around, traced.shapes, stopped.symbolic),
        loss.tensors,
        stopped.ops,
        stopped.symbolic,
    )


def _between(found: Flow, live: Iterable[int]) -> FrozenSet[int]:
    """The ops on carrying routes that end at ``live``: one search forward over the edges that carry."""
    from graphcut.flow.between import between

    return between(found, live)
