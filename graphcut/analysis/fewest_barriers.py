"""The cut of a tensor: the barriers on the routes from the loss to it that cross the fewest (a 0-1 breadth-first search).

Routes and barriers are those of *connected* for a gradient that is ``None``, of *carries* for one that is always zero.
One search serves all tensors. The barriers of each tensor are a bit mask; one pass from the loss unites the masks along the
edges of shortest routes, so all cuts together cost no more than the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.barrier_edges import Edge, Edges, Fence
from graphcut.analysis.reachability import Relation, Walk
from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.dataflow import run_analysis
from graphcut.graph.traverse import settle_costs
from graphcut.results import BarrierKind

HANDFUL = 5
Place = Tuple[int, BarrierKind, int]


@dataclass(frozen=True)
class Cuts:
    """The shortest routes of one relation.

    An op counts once for each kind of barrier and tensor that it reads, at the first input where it reads the tensor.

    ``crossed`` maps each tensor with a route to the barriers it must cross,
    ``masks`` to the barriers on any of its shortest routes, as bits into ``fences``. ``shortest`` holds the edges of the
    shortest routes, each with its tensor nearer the loss, in search order.
    """

    fences: Sequence[Fence]
    crossed: Mapping[int, int]
    masks: Mapping[int, int]
    first_bits: int
    last_bits: int
    free_bits: int
    numbers: Mapping[Place, int]
    by_op: Mapping[Tuple[int, BarrierKind], Sequence[int]]
    shortest: Sequence[Tuple[int, Edge]] = ()

    @property
    def has_several_inputs(self) -> bool:
        """Return whether any op is a barrier at several of its inputs."""
        return len(self.by_op) < len(self.fences)

    def has_route(self, tensor: int) -> bool:
        """Return whether there is any route from the loss to the tensor."""
        return tensor in self.crossed

    def barriers_of(self, tensor: int) -> Tuple[Fence, ...]:
        """Return a few of the tensor's barriers: deliberate ones, then the others, each nearest the loss first."""
        mask = self.masks.get(tensor, 0)
        bits = [bit for part in self._parts(mask) for bit in lowest(part, HANDFUL)]
        return tuple(self.fences[bit] for bit in bits[:HANDFUL])

    def foremost(self, mask: int) -> int:
        """Return the bit of the barrier in ``mask`` that is to be named first; 0 if there is none."""
        part = next(filter(None, self._parts(mask)), 0)
        return part & -part

    def _parts(self, mask: int) -> Tuple[int, int, int]:
        return mask & self.first_bits, mask & ~self.first_bits & ~self.last_bits, mask & self.last_bits

    def bit_of(self, edge: Edge) -> int:
        """Return the bit of an edge's barrier; 0 if there is none."""
        return 0 if edge.fence is None else 1 << self.numbers[_place(edge.fence, edge.source)]

    def holds(self, tensor: int, op: int, barrier: BarrierKind) -> bool:
        """Return whether the tensor's cut has a barrier of that kind at an input of ``op``."""
        mask = self.masks.get(tensor, 0)
        return bool(mask) and any(mask >> number & 1 for number in self.by_op.get((op, barrier), ()))

    def size(self, tensor: int) -> int:
        """Return how many barriers the tensor's cut has."""
        return bin(self.masks.get(tensor, 0)).count("1")

    def costly(self, tensor: int) -> int:
        """Return how many ops in the cut must be removed; count only barriers that cost something to cross, each op once."""
        mask = self.masks.get(tensor, 0) & ~self.free_bits
        if not self.has_several_inputs:
            return bin(mask).count("1")
        return len({(self.fences[bit].op, self.fences[bit].kind) for bit in lowest(mask, len(self.fences))})


def _is_named_last(fence: Fence, behind_loops: AbstractSet[int]) -> bool:
    """Return whether a barrier explains less than others: filled-in zeros, or an op that turns a decision into numbers.

    An op that computes a loop's condition lies behind that condition, so it explains less, too.
    """
    if fence.kind is BarrierKind.ZERO_FILLED:
        return True
    return fence.entry and fence.op not in behind_loops


def _place(fence: Fence, source: int) -> Place:
    """Return the key that identifies a barrier; ``source`` is the tensor that the op reads there."""
    return fence.op, fence.kind, source


def lowest(mask: int, limit: int) -> List[int]:
    """Return the lowest bits that are set in a mask, up to a limit."""
    bits: List[int] = []
    while mask and len(bits) < limit:
        low = mask & -mask
        bits.append(low.bit_length() - 1)
        mask ^= low
    return bits


def cuts(flow: GradientFlow, relation: Relation) -> Cuts:
    """Return the cuts of every tensor of the graph for one relation."""
    crossed, edges = _search(flow, relation)
    fences: List[Fence] = []
    numbers: Dict[Place, int] = {}
    by_op: Dict[Tuple[int, BarrierKind], List[int]] = {}
    for fence, source in ((edge.fence, edge.source) for _, edge in edges if edge.fence is not None):
        if _place(fence, source) not in numbers:
            by_op.setdefault((fence.op, fence.kind), []).append(len(fences))
            numbers[_place(fence, source)] = len(fences)
            fences.append(fence)
    shortest = [(tensor, edge) for tensor, edge in edges if crossed[tensor] + edge.cost == crossed[edge.source]]
    masks = _unite_masks(flow, shortest, numbers)
    behind_loops = frozenset(op for call in flow.rules.flat.calls if call.variables for op in call.results)
    first = sum(1 << bit for bit, fence in enumerate(fences) if fence.kind.deliberate)
    last = sum(1 << bit for bit, fence in enumerate(fences) if _is_named_last(fence, behind_loops))
    free = sum(1 << bit for bit, fence in enumerate(fences) if fence.is_free)
    return Cuts(tuple(fences), crossed, masks, first, last, free, numbers, by_op, shortest)


Search = Tuple[Dict[int, int], List[Tuple[int, Edge]]]


def _search(flow: GradientFlow, relation: Relation) -> Search:
    """Return each tensor's distance in barriers, and the edges that no gradient reaches, nearest the loss first.

    Zeros that TensorFlow fills in are not an op that you could remove, so they must not hide the barrier inside the loop or
    branch. If another route leads to the same tensor, the route through the zeros counts as many barriers as that route.
    """
    edges, walk = Edges(flow, relation), flow.walk_over(relation)
    crossed: Dict[int, int] = dict.fromkeys(tuple(flow.losses) + tuple(walk.order), 0)
    start = [tensor for tensor in crossed if tensor in flow.dead or not edges.is_open(tensor)]
    zeros: List[Edge] = []

    def without_zeros(tensor: int) -> Iterator[Edge]:
        for edge in edges(tensor):
            if _is_made_up(edge):
                zeros.append(edge)
            else:
                yield edge

    others, barred = _search_on(flow, walk, start, dict(crossed), without_zeros)
    if not zeros:
        return others, barred

    def weighed(tensor: int) -> Iterator[Edge]:
        for edge in edges(tensor):
            yield edge._replace(cost=max(1, others.get(edge.source, 0) - crossed[tensor])) if _is_made_up(edge) else edge

    return _search_on(flow, walk, start, crossed, weighed, others)


def _is_made_up(edge: Edge) -> bool:
    return edge.fence is not None and edge.fence.kind is BarrierKind.ZERO_FILLED


def _search_on(
    flow: GradientFlow,
    walk: Walk,
    start: Sequence[int],
    crossed: Dict[int, int],
    edges: Callable[[int], Iterable[Edge]],
    others: Mapping[int, int] = {},
) -> Search:
    """Continue the search from the tensors at distance 0, which are in ``crossed``; complete ``crossed``.

    Do not search through zeros that TensorFlow fills in if ``others`` has another route, so that the order follows that route.
    """
    barred: List[Tuple[int, Edge]] = []
    passing = flow.rules.passing

    def onward(tensor: int) -> Iterator[Tuple[int, int]]:
        is_inside = passing[tensor] and not crossed[tensor]
        for edge in edges(tensor):
            if edge.fence is not None or not (is_inside and walk.reaches(edge.source)):
                barred.append((tensor, edge))
            if not (_is_made_up(edge) and edge.source in others):
                yield edge.source, edge.cost

    settle_costs(crossed, start, onward)
    return crossed, barred


def _unite_masks(flow: GradientFlow, shortest: Sequence[Tuple[int, Edge]], numbers: Mapping[Place, int]) -> Dict[int, int]:
    """Return the masks, united from the loss outward.

    A tensor is visited again if it gained something after its mask was passed on (loops, assignments, zeros filled in).
    """
    rank, producer = ranks(flow), flow.rules.flat.producer
    masks: Dict[int, int] = {}
    sources: Dict[int, List[int]] = {}
    for tensor, (source, _, fence) in sorted(shortest, key=lambda each: -rank[producer[each[0]]]):
        sources.setdefault(tensor, []).append(source)
        if fence is not None:
            masks[source] = masks.get(source, 0) | 1 << numbers[_place(fence, source)]
    return run_analysis(masks, list(sources), sources.__getitem__)


def ranks(flow: GradientFlow) -> Sequence[int]:
    """Return the place of each op in the topological order."""
    if isinstance(flow.order, range):  # the graph is written in such an order
        return flow.order
    ranks = [0] * len(flow.order)
    for place, op in enumerate(flow.order):
        ranks[op] = place
    return ranks


def fence_of_raise(flow: GradientFlow, tensor: int) -> Optional[Fence]:
    """Return the barrier of the op that makes TensorFlow raise for a tensor, at the input that the tensor feeds."""
    raised = flow.raising_input(tensor)
    if raised is None:
        return None
    op, index = raised
    return Fence(op, index, flow.rules.row(op).raises or BarrierKind.NO_GRADIENT)
