"""Walks over the data edges of a DAG, round its loops too."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Iterator, List, Mapping, Set

if TYPE_CHECKING:
    import networkx

Step = Callable[[str], Iterable[str]]
_WITHOUT_GRADIENT = ("int", "uint", "bool", "string", "qint", "quint")


@dataclass(frozen=True)
class DataEdges:
    """The edges of ``graph`` that are no control edges, the loop-carried ones (both ways) among them."""

    graph: networkx.DiGraph
    back: Mapping[str, List[str]]
    forth: Mapping[str, List[str]]

    def producers(self, op: str) -> Iterator[str]:
        """The ops whose output ``op`` reads."""
        yield from (each for each, _, control in self.graph.in_edges(op, data="control") if not control)
        yield from self.back.get(op, ())

    def consumers(self, op: str) -> Iterator[str]:
        """The ops that read an output of ``op``."""
        yield from (each for _, each, control in self.graph.out_edges(op, data="control") if not control)
        yield from self.forth.get(op, ())

    def float_producers(self, op: str) -> Iterator[str]:
        """As ``producers``, where the dtype can carry a gradient."""
        return (each for each in self.producers(op) if self.can_carry(each, op))

    def float_consumers(self, op: str) -> Iterator[str]:
        """As ``consumers``, where the dtype can carry a gradient."""
        return (each for each in self.consumers(op) if self.can_carry(op, each))

    def can_carry(self, producer: str, consumer: str) -> bool:
        """Whether some tensor of the edge has a dtype that a gradient can have; loop-carried ones are taken to."""
        edge = self.graph.get_edge_data(producer, consumer)
        dtypes = self.graph.nodes[producer].get("dtypes") or ()
        outputs = [output for output, _ in edge["tensors"]] if edge else []
        known = [dtypes[output] for output in outputs if output < len(dtypes)]
        return not known or not all(str(dtype).startswith(_WITHOUT_GRADIENT) for dtype in known)


def data_edges(graph: networkx.DiGraph) -> DataEdges:
    """The data edges of a DAG that graphcut made."""
    back: Dict[str, List[str]] = {}
    forth: Dict[str, List[str]] = {}
    for producer, consumer, *_ in graph.graph.get("loop_edges", ()):
        back.setdefault(consumer, []).append(producer)
        forth.setdefault(producer, []).append(consumer)
    return DataEdges(graph, back, forth)


def reached(starts: Iterable[str], step: Step) -> Set[str]:
    """``starts`` and all that ``step`` leads to from there."""
    return set(towards(starts, step))


def towards(targets: Iterable[str], step: Step) -> Dict[str, str]:
    """For each op that ``step`` leads to from ``targets``, the next op on a shortest way back; a target's is itself."""
    following = {target: target for target in targets}
    waiting = deque(following)
    while waiting:
        op = waiting.popleft()
        for other in step(op):
            if other not in following:
                following[other] = op
                waiting.append(other)
    return following
