"""The route of a variable to the loss, folded in the middle: over live edges only, or across the barriers of its cut.

Of several shortest routes, it is one over the barrier that the cut names first. A node of a chain is a node of the
gradient flow (``flow_edges``). A tensor beyond a barrier has its number plus twice the number of tensors as its node, because
it may lead elsewhere there than where it is live.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from graphcut.analysis.barrier_edges import Fence
from graphcut.analysis.fewest_barriers import HANDFUL, Cuts, ranks
from graphcut.analysis.findings import CUT, Findings
from graphcut.analysis.raising_ops import links
from graphcut.analysis.reachability import UNSEEN, Walk
from graphcut.analysis.reasons.jump_pointers import END, Chains, Link, Part
from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.flat import FlatGraph
from graphcut.results import WITH_GRADIENT, BarrierKind, Verdict

_PLUMBING = frozenset(
    [
        "Identity",
        "ReadVariableOp",
        "_Arg",
        "_Retval",
        "_LoopVar",
        "Placeholder",
        "VarHandleOp",
        "Variable",
        "VariableV2",
        "Enter",
        "Exit",
        "Switch",
        "Merge",
        "NextIteration",
        "RefEnter",
        "RefExit",
        "RefSwitch",
        "RefMerge",
        "RefNextIteration",
        "RefIdentity",
        "Snapshot",
    ]
)


class Step(NamedTuple):
    """One op of a route, variable first. ``barrier``: no gradient passes it. ``left_out``: how many unnamed ops follow it."""

    op: str
    type: str
    kind: Optional[BarrierKind] = None
    left_out: int = 0


@dataclass(frozen=True)
class Routes:
    """The routes for one loss; the chains of a verdict are made when they are first needed."""

    findings: Findings
    chains: Dict[Verdict, Chains] = field(default_factory=dict)

    def of(self, tensor: int, verdict: Verdict) -> Tuple[Step, ...]:
        """Return the steps from a tensor to the loss, without ops that only pass a tensor on; empty if there is no route."""
        if verdict not in self.chains:
            self.chains[verdict] = _chains(self.findings, verdict)
        flow = self.findings.flow
        flat = flow.rules.flat
        named = self.findings.cuts(verdict).barriers_of(tensor)[:1] if verdict in CUT else ()
        parts = self.chains[verdict].parts(_start(flow, tensor, verdict), HANDFUL, *named)
        last = (parts[-1].far or parts[-1].near)[-1] % len(flat.dtypes)
        return tuple(_steps(flat, parts)) if last in flow.losses else ()


def _start(flow: GradientFlow, tensor: int, verdict: Verdict) -> int:
    """Return the node where a route starts. For an op that raises, it is the output of the tensor's op that feeds it."""
    if verdict in WITH_GRADIENT:
        return tensor
    flat = flow.rules.flat
    outputs = (tensor, *flow.results.get(flat.producer[tensor], ()), *flat.outputs(flat.producer[tensor]))
    raises = verdict is Verdict.RAISES
    return 2 * len(flat.dtypes) + (next((each for each in outputs if each in flow.feeding), tensor) if raises else tensor)


def _steps(flat: FlatGraph, parts: Sequence[Part]) -> Iterator[Step]:
    before = END
    for place, part in enumerate(parts):
        ends = part.fence is None
        for nodes, left_out in ((part.near, part.left_out), (part.far, 0)):
            ops = [flat.producer[node % len(flat.dtypes)] for node in nodes]
            shown = [op for op in ops[place == 0 and nodes is part.near :] if op != before and not is_plumbing(flat, op)]
            shown += ops[-1:] if ends and not left_out and not shown and before not in ops[-1:] else []
            for op in shown[:-1]:
                yield _step(flat, op)
            yield from (_step(flat, op, left_out) for op in shown[-1:])
        if part.fence is not None:
            before = part.fence.op
            rest = parts[place + 1 : place + 2]
            left_out = rest[0].left_out if rest and not rest[0].near else 0
            yield _step(flat, before, left_out, part.fence.kind)


def _step(flat: FlatGraph, op: int, left_out: int = 0, barrier: Optional[BarrierKind] = None) -> Step:
    return Step(flat.names[op], flat.type(op), barrier, left_out)


def is_plumbing(flat: FlatGraph, op: int) -> bool:
    """Return whether an op only passes a tensor on, into a function or out of a variable."""
    return flat.type(op) in _PLUMBING


def _chains(findings: Findings, verdict: Verdict) -> Chains:
    flow = findings.flow
    flat, size = flow.rules.flat, len(flow.rules.flat.dtypes)
    plumbing = [kind.type in _PLUMBING for kind in flat.kind_table]
    walk = flow.sure if verdict is Verdict.NONE else flow.connected if verdict is Verdict.RAISES else flow.carried
    nearer = flow.edges.nearer if walk is flow.carried else walk.parents.__getitem__
    beyond = (
        _links_to_raising(flow)
        if verdict is Verdict.RAISES
        else _links_across_barriers(flow, findings.cuts(verdict), walk)
        if verdict in CUT
        else {}
    )

    def link(node: int) -> Link:
        if node < 2 * size:
            return Link(max(nearer(node), END))
        following = beyond.get(node - 2 * size)
        if following is None:
            return Link(END)
        inside = walk.parents[following.parent] != UNSEEN
        return Link(following.parent if inside else following.parent + 2 * size, following.fence)

    return Chains(link, lambda node: not plumbing[flat.kinds[flat.producer[node % size]]])


def _links_across_barriers(flow: GradientFlow, cuts: Cuts, walk: Walk) -> Mapping[int, Link]:
    """Return the next tensor on a shortest route, across the barrier that is named first, for tensors without a gradient."""
    places = _places(flow, cuts)
    links: Dict[int, Link] = {}
    foremost: Set[int] = set()
    masks, parents = cuts.masks, walk.parents
    wanted = {mask: cuts.foremost(mask) for mask in {0, *masks.values()}}
    for tensor, edge in cuts.shortest:
        source, cost, fence = edge
        if source in foremost or parents[source] != UNSEEN or (not cost and places[tensor] >= places[source]):
            continue
        first, leads = wanted[masks.get(source, 0)], False
        if first:
            leads = bool(first & (masks.get(tensor, 0) if fence is None else cuts.bit_of(edge) | masks.get(tensor, 0)))
        if leads or source not in links:
            links[source] = Link(tensor, None if fence is None or fence.is_free else fence)
        if leads:
            foremost.add(source)
    return links


def _places(flow: GradientFlow, cuts: Cuts) -> Sequence[int]:
    """Return an order of the tensors in which a route without barriers never goes back, so that no route is endless.

    The order is the graph's own from the loss on; in a graph with loops, the order in which the search reached the tensors.
    """
    rank, producer = ranks(flow), flow.rules.flat.producer
    places = [-rank[op] for op in producer]
    if any(not cost and places[tensor] >= places[source] for tensor, (source, cost, _) in cuts.shortest):
        places = [1] * len(producer)
        for place, (tensor, _) in enumerate(reversed(cuts.shortest)):
            places[tensor] = -place
    return places


def _links_to_raising(flow: GradientFlow) -> Mapping[int, Link]:
    """Return the next tensor towards the op that raises, and across that op at the end, for each tensor that feeds it."""
    flat = flow.rules.flat
    result: Dict[int, Link] = {}
    for source, tensor in links(flow.rules, flow.feeding).items():
        op, index = flow.feeding[source]
        if tensor is None:
            reached = next((each for each in flat.outputs(op) if flow.connected.reaches(each)), flat.first_output[op])
            result[source] = Link(reached, Fence(op, index, flow.rules.row(op).raises or BarrierKind.NO_GRADIENT))
        else:
            result[source] = Link(tensor)
    return result
