"""Which ops and edges of a DAG belong in the picture of a cut.

Kept are the loss, the audited variables, the *live* routes (a gradient passes), and for each barrier the *lost* route
(a gradient comes from the loss and ends at the barrier) and the data routes *behind* it (from the variables to the
barrier). All else is left out: constants, shapes, predicates, initializers, control edges. Edges point as the gradient
does, from consumer to producer. Nothing is judged here: what is cut and what carries is looked up.

Limits: between two live ops every data edge that could carry is drawn; of the lost routes only a shortest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping, Optional, Set, Tuple

import networkx as nx

from graphcut.drawing.barricades import Barricade, Edge, barred_edges, branch_edges, op_of, variable_op
from graphcut.drawing.boxes import Line
from graphcut.drawing.walks import DataEdges, data_edges, reached, towards

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts


@dataclass(frozen=True)
class Kept:
    """The ops to draw, by why; ``lost`` maps each op between loss and barrier to the next one towards the loss."""

    ends: Set[str]
    live: Set[str]
    behind: Set[str]
    lost: Mapping[str, str]
    barred: Mapping[Edge, List[Barricade]]

    def line(self, consumer: str, producer: str) -> Optional[Line]:
        """What the edge stands for; ``None`` where it is not drawn."""
        if (consumer, producer) in self.barred:
            return Line.CUT
        if self.lost.get(producer) == consumer:
            return Line.LOST
        if consumer in self.live and producer in self.live:
            return Line.LIVE
        inside = consumer in self.behind and consumer not in self.live
        return Line.BEHIND if inside and producer in self.behind else None


def routes(facts: Facts) -> nx.MultiDiGraph:
    """The ops to draw, in the order of the graph, and the edges between them, from the loss down, keyed by ``Line``.

    A node has ``ops``, the ops it stands for: itself. An edge has ``barricades`` (on a cut), ``conditions`` (on a
    branch) and ``loop`` (it comes round a loop).
    """
    data, conditions = data_edges(facts.graph), branch_edges(facts)
    kept = _kept(facts, data)
    ops = kept.ends | kept.live | kept.behind | set(kept.lost) | {op for edge in kept.barred for op in edge}
    picture: nx.MultiDiGraph = nx.MultiDiGraph()
    missing = [op for op in map(variable_op, facts.variables) if op not in facts.graph]
    picture.add_nodes_from((op, {"ops": (op,)}) for op in [op for op in facts.graph if op in ops] + missing)
    for edge, line in _lines(kept, data, list(picture)):
        barred, branches = tuple(kept.barred.get(edge, ())), tuple(conditions.get(edge, ()))
        loop = line is not Line.CUT and not facts.graph.has_edge(edge[1], edge[0])
        picture.add_edge(*edge, key=line, barricades=barred, conditions=branches, loop=loop)
    return picture


def _lines(kept: Kept, data: DataEdges, ops: List[str]) -> Iterator[Tuple[Edge, Line]]:
    drawn = set(ops)
    for consumer in ops:
        for producer in data.producers(consumer) if consumer in data.graph else ():
            line = kept.line(consumer, producer) if producer in drawn else None
            if line and (line is Line.CUT or data.can_carry(producer, consumer) or line is Line.BEHIND):
                yield (consumer, producer), line
    for consumer, producer in kept.barred:
        if not _joined(data, consumer, producer):
            yield (consumer, producer), Line.CUT
    for producer, consumer in kept.lost.items():
        if not _joined(data, consumer, producer):
            yield (consumer, producer), Line.LOST


def _joined(data: DataEdges, consumer: str, producer: str) -> bool:
    return any(each == producer for each in data.producers(consumer))


def _kept(facts: Facts, data: DataEdges) -> Kept:
    losses = {op for op in map(op_of, facts.loss) if op in facts.graph}
    variables = {op for op in map(variable_op, facts.variables) if op in facts.graph}
    live = {op for op in facts.carrying if op in facts.graph}
    barred = barred_edges(facts)
    lost, hidden = _ways_to_loss(data, losses | live, barred)
    behind = _behind(data, variables, {producer for _, producer in barred}) | hidden
    return Kept(losses | variables, live, behind, lost, barred)


def _behind(data: DataEdges, variables: Set[str], producers: Set[str]) -> Set[str]:
    """The ops on data routes from a variable to a barrier; on integer tensors only where there is no other route."""
    near = reached(producers, data.float_producers) & reached(variables, data.float_consumers)
    missing = producers - near
    if not missing:
        return near
    return near | (reached(missing, data.producers) & reached(variables, data.consumers))


def _ways_to_loss(
    data: DataEdges, targets: Set[str], barred: Mapping[Edge, List[Barricade]]
) -> Tuple[Dict[str, str], Set[str]]:
    """A shortest way from each barrier to a live op or the loss; of barriers behind others, the ops on that way."""

    def open_producers(op: str) -> Iterator[str]:
        return (each for each in data.float_producers(op) if (op, each) not in barred)

    ordered = sorted(targets)
    open_ways, any_ways = towards(ordered, open_producers), towards(ordered, data.producers)
    lost: Dict[str, str] = {}
    hidden: Dict[str, str] = {}
    for op in dict.fromkeys(op for op, _ in barred):
        if op in open_ways:
            _follow(op, open_ways, lost)
        elif op in any_ways:
            _follow(op, any_ways, hidden)
        else:
            lost.update(_assigned(data, op, targets))
    return lost, set(hidden)


def _follow(op: str, ways: Mapping[str, str], taken: Dict[str, str]) -> None:
    """Add to ``taken`` the steps from ``op`` to where its way ends or joins one taken before."""
    while ways[op] != op and op not in taken:
        taken[op] = ways[op]
        op = ways[op]


def _assigned(data: DataEdges, op: str, targets: Set[str]) -> Dict[str, str]:
    """For an op that leads to no loss but by changing a variable: the variable."""
    first = next(data.producers(op), None)
    return {op: first} if first in targets else {}
