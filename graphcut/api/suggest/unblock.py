"""Which barriers to take out so that a variable gets a gradient: the fewest.

A 0-1 breadth-first search over the edges of ``barriers.edges``, from all that carries already, where crossing a barrier
costs one. Zeros that TensorFlow filled in and assignments are no barriers that could be taken out. Where the way leads
into an op without a gradient that the variable feeds, that op is taken out as well. The answer is confirmed by an audit of
the edited graph.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict, FrozenSet, List, Optional, Sequence, Tuple

from graphcut.analysis.barrier_edges import Edge, Edges, Fence
from graphcut.analysis.reachability import carries
from graphcut.analysis.request import AuditRequest
from graphcut.analysis.verdicts import Flow
from graphcut.api.analyze import judged
from graphcut.api.select.resolve_places import rows
from graphcut.api.select.resolve_variables import TargetIndex
from graphcut.api.suggest.code_line import opening_line
from graphcut.api.what_if import without
from graphcut.errors import GraphcutError, printable
from graphcut.graph.targets import Target
from graphcut.results import BarrierKind, Suggestion, Verdict

_GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)
Route = Tuple[Fence, ...]


def suggested(inquiry: AuditRequest, flow: Flow, audited: TargetIndex, key: Any) -> Tuple[Suggestion, ...]:
    """The barriers to take out, nearest the loss first; see ``Audit.suggest_unblock``."""
    (target,) = rows(audited, [key])[:1] or (None,)
    taken: List[Fence] = []
    after = flow
    while target is not None and not any(after.verdict(tensor) in _GETS for tensor in target.tensors):
        fresh = [fence for fence in _next(after, target) if fence.op not in {each.op for each in taken}]
        if not fresh:
            raise _impossible(target)
        taken += fresh
        after = judged(without(inquiry, flow, frozenset(fence.op for fence in taken)))
    return tuple(_suggestion(inquiry, fence) for fence in taken)


def _impossible(target: Target) -> GraphcutError:
    return GraphcutError(
        "nothing that could be taken out leads from %s to the loss\n"
        "It is unused, or gets there only by an assignment, or as another result of a call: compute the loss from it."
        % printable(target.variable.name)
    )


def _next(flow: Flow, target: Target) -> Sequence[Fence]:
    """What to take out next: an op that raises, else the barriers on the route that crosses the fewest."""
    for tensor in target.tensors:
        if flow.verdict(tensor) is Verdict.RAISES:
            op, index = flow.feeding[tensor]
            return (Fence(op, index, flow.rules.row(op).raises or BarrierKind.NO_GRADIENT),)
    return min((route for route in routes(flow, frozenset(target.tensors)) if route), key=len, default=())


def routes(flow: Flow, ends: FrozenSet[int]) -> Sequence[Route]:
    """For each of ``ends`` the barriers of a route that crosses the fewest."""
    edges = Edges(flow, carries)
    starts = dict.fromkeys([*flow.losses, *flow.carried.order])
    crossed: Dict[int, int] = dict.fromkeys(starts, 0)
    came: Dict[int, Tuple[int, Optional[Fence]]] = {}
    queue: Deque[Tuple[int, int]] = deque((tensor, 0) for tensor in starts)
    while queue:
        tensor, cost = queue.popleft()
        for edge in edges(tensor) if crossed[tensor] == cost else ():
            total = cost + edge.cost
            if _is_open(flow, tensor, edge) and total < crossed.get(edge.source, total + 1):
                crossed[edge.source] = total
                came[edge.source] = (tensor, edge.fence if edge.cost else None)
                (queue.append if edge.cost else queue.appendleft)((edge.source, total))
    return [_route(came, end) for end in ends if end in came]


def _is_open(flow: Flow, tensor: int, edge: Edge) -> bool:
    """Whether an edge has no barrier, or one that could be taken out: no zeros made up, no assignment elsewhere."""
    if edge.fence is None or edge.fence.kind not in (BarrierKind.ZERO_FILLED, BarrierKind.STATE):
        return True
    return edge.fence.kind is BarrierKind.STATE and edge.fence.op == flow.rules.flat.producer[tensor]


def _route(came: Dict[int, Tuple[int, Optional[Fence]]], tensor: int) -> Route:
    fences: List[Fence] = []
    while tensor in came:
        tensor, fence = came[tensor]
        if fence is not None:
            fences.append(fence)
    return tuple(reversed(fences))


def _suggestion(inquiry: AuditRequest, fence: Fence) -> Suggestion:
    flat = inquiry.traced.flat
    where, _ = inquiry.traced.place(fence.op)
    tensor = flat.tensor_name(flat.first[fence.op])
    return Suggestion(tensor, flat.names[fence.op], where, opening_line(inquiry.traced, fence, where))
