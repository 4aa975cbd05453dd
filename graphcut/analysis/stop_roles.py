"""The ``StopGradient`` ops of a graph and their roles for one loss (design, definition 6).

The first that fits: *dead* (does not feed the loss), *redundant* (no variable upstream), *cuts* (in the cut of some
variable), *bypassed* (every variable upstream gets its gradient by another route), *shadowed* (another barrier blocks the
variables upstream that get none). A stop that cuts is *sole* if some variable gets a gradient that can be nonzero once this
stop alone is removed; barriers behind it that make zeros, and ops behind it that make their own gradient, are taken into
account. The number of passes does not depend on the number of stops: bit masks of stops are united along the edges.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.fewest_barriers import Cuts
from graphcut.analysis.findings import CUT, Findings
from graphcut.analysis.flow_edges import FILLED
from graphcut.analysis.raising_ops import ancestors, feeding_tensors
from graphcut.analysis.reachability import SEED, carries, connected_inputs, walk
from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.dataflow import run_analysis, tensors_from_loss
from graphcut.results import WITH_GRADIENT, BarrierKind, Role, Stop, Verdict

Place = Callable[[int], Tuple[Optional[str], bool]]
Judged = Sequence[Tuple[str, Tuple[int, ...], Verdict]]


def stops(findings: Findings, judged: Judged) -> Tuple[Stop, ...]:
    """Return every stop, in the graph's order. ``judged`` has the name, tensors and verdict of each variable."""
    cuts = {verdict: findings.cuts(verdict) for verdict in {each[2] for each in judged} if verdict in CUT}
    return _list_stops(findings.flow, judged, cuts, findings.traced.place)


def _list_stops(flow: GradientFlow, judged: Judged, cuts: Mapping[Verdict, Cuts], place: Place) -> Tuple[Stop, ...]:
    flat = flow.rules.flat
    ops = [op for op in range(len(flat.names)) if flat.type(op) == "StopGradient"]
    if not ops:
        return ()
    feeding = ancestors(flat, flow.losses)
    below = stops_below(flow, ops)
    restored = _restored_by(record_all(flow), ops)
    listed = []
    for bit, op in enumerate(ops):
        upstream = [each for each in judged if any(below.get(tensor, 0) >> bit & 1 for tensor in each[1])]
        sole = [name for name, tensors, verdict in judged if _is_restored(restored, bit, tensors, verdict)]
        cutting = list(dict.fromkeys([*_variables_cut_by(op, upstream, cuts), *sole]))
        feeds = op in feeding or any(map(flow.connected.reaches, flat.outputs(op)))
        role = _role(feeds, upstream, cutting)
        where, library = place(op)
        names = tuple(cutting) if role is Role.CUTS else ()
        listed.append(Stop(flat.names[op], role, role is Role.CUTS and bool(sole), names, library, where))
    return tuple(listed)


def _role(feeds: bool, upstream: Judged, cutting: Sequence[str]) -> Role:
    if not feeds:
        return Role.DEAD
    if not upstream:
        return Role.REDUNDANT
    if cutting:
        return Role.CUTS
    gets = all(verdict in WITH_GRADIENT for _, _, verdict in upstream)
    return Role.BYPASSED if gets else Role.SHADOWED


def _variables_cut_by(op: int, upstream: Judged, cuts: Mapping[Verdict, Cuts]) -> Iterator[str]:
    """Yield the variables whose cut the stop is in."""
    for name, tensors, verdict in upstream:
        cuts_of_verdict = cuts.get(verdict)
        if cuts_of_verdict is not None and any(
            cuts_of_verdict.holds(tensor, op, BarrierKind.STOP_GRADIENT) for tensor in tensors
        ):
            yield name


def _is_restored(restored: Mapping[int, int], bit: int, tensors: Sequence[int], verdict: Verdict) -> bool:
    """Return whether removing one stop gives a variable its gradient back."""
    return verdict in CUT and any(restored.get(tensor, 0) >> bit & 1 for tensor in tensors)


def record_all(flow: GradientFlow) -> GradientFlow:
    """Return the flow as if the tape recorded the ops and watched the variables that it skips only because of a stop.

    Without the stop, the tape would record them. What it skips for another reason stays unrecorded.
    """
    left_out = frozenset(op for op, barrier in flow.bounds.items() if barrier is None)
    unwatched = frozenset(tensor for tensor, barrier in flow.rules.unwatched.items() if barrier is None)
    if not left_out and not unwatched:
        return flow
    rules = flow.rules.watch(unwatched)
    stopped, live = flow.stopped - left_out, [tensor for tensor in flow.carried.order if flow.carried.parents[tensor] == SEED]
    starts = [tensor for tensor in flow.connected.order if flow.connected.parents[tensor] == SEED]
    return replace(
        flow,
        rules=rules,
        stopped=stopped,
        bounds={op: barrier for op, barrier in flow.bounds.items() if op in stopped},
        connected=walk(rules, dict.fromkeys(starts, SEED), stopped, connected_inputs, flow.fills),
        carried=walk(rules, dict.fromkeys(live, SEED), stopped, carries, {}),
    )


def _restored_by(flow: GradientFlow, stops: Sequence[int]) -> Dict[int, int]:
    """Return, for each node without a gradient, as bits, the stops each of which alone blocks the gradient."""
    edges, flat, size = flow.edges, flow.rules.flat, flow.edges.size
    masks: Dict[int, int] = {}
    reached = (flow.carried.reaches, flow.connected.reaches)
    for bit, op in enumerate(stops):
        source = flat.inputs[op][0]
        for faint in (0, 1) if op not in flow.stopped and flow.rules.passing[source] else ():
            if reached[faint](flat.first_output[op]) and not reached[faint](source):
                masks[source + faint * size] = masks.get(source + faint * size, 0) | 1 << bit
    late = bool(masks)
    while late:
        late = False
        for op in reversed(flow.order):
            for node in (node for tensor in flat.outputs(op) for node in (tensor, tensor + size) if node in masks):
                for other, index in edges.onward(node):
                    mask = masks.get(other, 0) | masks[node]
                    if not reached[other >= size](other % size) and mask != masks.get(other, 0):
                        masks[other] = mask
                        late |= index == FILLED or bool(flat.loop_inputs)
    for tensor, mask in _raised_without(flow, masks).items():
        masks[tensor] = masks.get(tensor, 0) & ~mask
    return masks


def _raised_without(flow: GradientFlow, masks: Mapping[int, int]) -> Dict[int, int]:
    """Return, for each tensor, the stops whose removal makes TensorFlow raise at an op without a gradient behind them."""
    flat = flow.rules.flat
    raising: Dict[int, int] = {}
    ops = {flat.producer[node % len(flat.dtypes)] for node in masks}
    for op in (op for op in ops if flow.rules.row(op).raises is not None and op not in flow.stopped):
        nodes = [node for tensor in flat.outputs(op) for node in (tensor, tensor + len(flat.dtypes))]
        mask = reduce(or_, [masks.get(node, 0) for node in nodes])
        for tensor in feeding_tensors(flow.rules, flat.inputs[op]):
            raising[tensor] = raising.get(tensor, 0) | mask
    return raising


def stops_below(flow: GradientFlow, stops: Sequence[int]) -> Dict[int, int]:
    """Return, for each tensor, as bits, the stops that it feeds through data edges."""
    flat = flow.rules.flat
    masks: Dict[int, int] = {}
    for bit, op in enumerate(stops):
        for tensor in flat.inputs[op]:
            masks[tensor] = masks.get(tensor, 0) | 1 << bit
    order = list(tensors_from_loss(flat, reversed(flow.order)))
    return run_analysis(masks, order, lambda tensor: flat.inputs[flat.producer[tensor]])
