"""Which ops and edges of a DAG belong in the picture of a cut.

Kept are the loss, the audited variables, the *live* routes (a gradient passes), and for each barrier the *lost* route
(a gradient comes from the loss and ends at the barrier) and the data routes *behind* it (from the variables to the
barrier). All else is left out: constants, shapes, predicates, initializers, control edges. Edges point as the gradient
does, from consumer to producer. Nothing is judged here: what is cut and what carries is looked up.

Limits: between two live ops every data edge that could carry is drawn; of the lost routes only the shortest.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterable, Iterator, Mapping, Optional, Sequence, Set

import networkx as nx

from graphcut.drawing.barricades import Edge, barred_edges, branch_edges, op_of, variable_op

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts

Step = Callable[[str], Iterable[str]]
_WITHOUT_GRADIENT = ("int", "uint", "bool", "string", "qint", "quint")


class Line(enum.Enum):
    """What an edge of the picture stands for."""

    LIVE = "live"
    LOST = "lost"
    CUT = "cut"
    BEHIND = "behind"


@dataclass(frozen=True)
class Kept:
    """The ops to draw, by why; an op may be in several."""

    losses: FrozenSet[str]
    variables: FrozenSet[str]
    live: FrozenSet[str]
    behind: FrozenSet[str]
    barred: Mapping[Edge, Sequence[Any]]
    towards_loss: Mapping[str, str]


def routes(facts: Facts) -> nx.DiGraph[Any]:
    """The ops to draw, in the order of the graph, and the edges between them, from the loss down.

    An edge has ``line``, ``barricades`` (on a cut) and ``conditions`` (on a branch).
    """
    data, kept, conditions = _data_edges(facts.graph), _kept(facts), branch_edges(facts)
    ops = kept.losses | kept.variables | kept.live | kept.behind | {op for op, _ in kept.barred} | set(kept.towards_loss)
    picture = nx.DiGraph()
    picture.add_nodes_from(op for op in facts.graph if op in ops)
    for consumer in list(picture):
        for producer in data.producers(consumer):
            line = _line(kept, consumer, producer) if producer in ops else None
            if line:
                edge = (consumer, producer)
                barred, conditional = tuple(kept.barred.get(edge, ())), tuple(conditions.get(edge, ()))
                picture.add_edge(*edge, line=line, barricades=barred, conditions=conditional)
    return picture
