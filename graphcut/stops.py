"""The ``StopGradient`` ops of a graph and their roles for one loss (design, definition 6).

The first that fits: *dead* (does not feed the loss), *redundant* (no variable upstream), *cuts* (in the cut of some
variable), *bypassed* (every variable upstream gets its gradient another way), *shadowed* (another barrier stops
everything before it does). Two passes, whatever the number of stops: bit masks of stops, united along the edges.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from graphcut.barriers.cuts import Cuts
from graphcut.findings import CUT, Findings
from graphcut.flow.feeding import ancestors
from graphcut.flow.judge import Flow
from graphcut.terms import BarrierKind, Role, Stop, Verdict

Place = Callable[[int], Tuple[Optional[str], bool]]
Judged = Sequence[Tuple[str, Tuple[int, ...], Verdict]]


def stops(findings: Findings, judged: Judged) -> Tuple[Stop, ...]:
    """Every stop, in the graph's order. ``judged`` holds name, tensors and verdict of each variable."""
    cuts = {verdict: findings.cuts(verdict) for verdict in {each[2] for each in judged} if verdict in CUT}
    return _listed(findings.flow, judged, cuts, findings.traced.place)


def _listed(flow: Flow, judged: Judged, cuts: Mapping[Verdict, Cuts], place: Place) -> Tuple[Stop, ...]:
    flat = flow.rules.flat
    found = [op for op in range(len(flat.names)) if flat.type(op) == "StopGradient"]
    if not found:
        return ()
    feeding = ancestors(flat, flow.losses)
    below = stops_below(flow, found)
    listed = []
    for bit, op in enumerate(found):
        upstream = [each for each in judged if any(below.get(tensor, 0) >> bit & 1 for tensor in each[1])]
        cutting = dict(_cutting(flow, op, upstream, cuts))
        role = _role(op in feeding, upstream, cutting)
        where, library = place(op)
        names = tuple(cutting) if role is Role.CUTS else ()
        listed.append(Stop(flat.names[op], role, role is Role.CUTS and any(cutting.values()), names, library, where))
    return tuple(listed)


def _role(feeds: bool, upstream: Judged, cutting: Mapping[str, bool]) -> Role:
    if not feeds:
        return Role.DEAD
    if not upstream:
        return Role.REDUNDANT
    if cutting:
        return Role.CUTS
    gets = all(verdict in (Verdict.FLOWS, Verdict.CONDITIONAL) for _, _, verdict in upstream)
    return Role.BYPASSED if gets else Role.SHADOWED


def _cutting(flow: Flow, op: int, upstream: Judged, cuts: Mapping[Verdict, Cuts]) -> List[Tuple[str, bool]]:
    """The variables whose cut the stop is in, and whether taking it away alone brings a gradient back."""
    found = []
    for name, tensors, verdict in upstream:
        known = cuts.get(verdict)
        for tensor in tensors if known is not None else ():
            if known is not None and known.holds(tensor, op, BarrierKind.STOP_GRADIENT):
                found.append((name, known.crossed[tensor] == 1))
                break
    return found


def stops_below(flow: Flow, found: Sequence[int]) -> Dict[int, int]:
    """For each tensor the stops that it feeds by data, as bits."""
    flat, first = flow.rules.flat, flow.rules.flat.first
    bits = {op: 1 << bit for bit, op in enumerate(found)}
    masks: Dict[int, int] = {}
    changed = True
    while changed:
        changed = False
        for op in reversed(flow.order):
            mask = bits.get(op, 0)
            for tensor in range(first[op], first[op + 1]):
                if tensor in masks:
                    mask |= masks[tensor]
            if mask:
                for tensor in flat.inputs[op]:
                    before = masks.get(tensor, 0)
                    if mask | before != before:
                        masks[tensor] = mask | before
                        changed = bool(flat.loop_inputs)
    return masks
