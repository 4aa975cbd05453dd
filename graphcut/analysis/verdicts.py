"""The verdicts for one loss: TensorFlow's answer for each tensor, as if it were the only one asked for.

``RAISES`` beats the others; ``NONE``: *connected* does not lead to the tensor; ``ZERO``: *connected* does, *carries* does not;
``CONDITIONAL``: one branch lies on every carrying path; else ``FLOWS`` (which may be generous: not provably cut).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis import raising_ops as feeding
from graphcut.analysis import reachability as walking
from graphcut.analysis.branch_conditions import Conditions, conditions
from graphcut.analysis.flow_edges import GradientEdges
from graphcut.analysis.reachability import SEED, Fill, Walk
from graphcut.analysis.regions.disjoint import find_zero_edges
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.sparse_gradients import sparse_tensors
from graphcut.analysis.v1_loops import walk_for_tensors
from graphcut.graph.traverse import topological_order
from graphcut.results import BarrierKind, Verdict


@dataclass(frozen=True)
class GradientFlow:
    """Everything computed for one loss: both walks, what feeds raising ops, conditions, and sparse gradients.

    ``bounds`` holds the barrier of each op in ``stopped``; ``None`` if the op has no barrier of its own. ``sure`` is
    *connected* without the zeros that fill integers and the exits of v1 loops; tensors that only such zeros connect are judged
    alone, or with the others of ``together``. ``dead`` are the losses whose gradient starts from zeros: they connect, but
    carry nothing.
    """

    rules: PatternLookup
    losses: Tuple[int, ...]
    seeds: Tuple[int, ...]
    stopped: FrozenSet[int]
    fills: Mapping[int, Fill]
    connected: Walk
    carried: Walk
    feeding: Mapping[int, Tuple[int, int]]
    sure: Walk
    conditions: Conditions
    sparse: FrozenSet[int]
    order: Sequence[int]
    results: Mapping[int, Tuple[int, ...]]
    bounds: Mapping[int, Optional[BarrierKind]]
    dead: FrozenSet[int] = frozenset()
    together: Tuple[int, ...] = ()
    walks: Dict[Tuple[int, ...], Walk] = field(default_factory=dict)

    def verdict(self, tensor: Optional[int]) -> Verdict:
        """Return TensorFlow's answer for one tensor; ``None`` stands for a variable that is not in the graph."""
        if tensor is None:
            return Verdict.NONE
        raised = self.raising_input(tensor)
        if tensor in self.seeds:
            if raised is not None and len(self.seeds) > 1:
                return Verdict.RAISES
            return self._verdict_of_gradient(tensor) if tensor in self.dead else Verdict.FLOWS
        if tensor in self.losses and self.rules.is_discrete(tensor):
            return Verdict.FLOWS
        if not self.connected.reaches(tensor) and raised is None:
            return Verdict.NONE
        if not self._is_sure(tensor, raised):
            return self._verdict_alone(tensor)
        return self._verdict_of_gradient(tensor) if raised is None else Verdict.RAISES

    def walk_for(self, tensors: Tuple[int, ...]) -> Walk:
        """Return the walk that TensorFlow does if the gradients of these tensors are asked for in one call."""
        if tensors not in self.walks:
            self.walks[tensors] = walk_for_tensors(self.rules, self.seeds, self.stopped, self.fills, tensors)
        return self.walks[tensors]

    def raising_input(self, tensor: int) -> Optional[Tuple[int, int]]:
        """Return the op that raises because of a tensor, and the input that the tensor feeds.

        TensorFlow considers everything that the tensor's op feeds through any output (``_MarkReachedOps``). A tape goes
        through everything that it recorded, whatever the requested variables (``tape.h``, ``ComputeGradient``).
        """
        op = self.rules.flat.producer[tensor]
        if not self.feeding:
            return None
        if self.rules.is_taped:
            flat = self.rules.flat
            own = next((each for tensor, each in self.feeding.items() if flat.contexts[flat.producer[tensor]] < 0), None)
            named = (each for each in self.feeding.values() if self.rules.row(each[0]).raises is not None)
            return None if own is None else next(named, own)
        outputs = [tensor, *self.results.get(op, ()), *self.rules.flat.outputs(op)]
        return next((self.feeding[each] for each in outputs if each in self.feeding), None)

    @property
    def edges(self) -> GradientEdges:
        """Return the edges that a gradient takes."""
        return GradientEdges(self.rules, self.stopped, self.fills, self.connected, self.carried)

    def carries_to(self, tensor: int) -> bool:
        """Return whether a gradient that can be nonzero arrives at a tensor; at the loss, it always does."""
        own = tensor in self.seeds or (tensor in self.losses and self.rules.is_discrete(tensor))
        return self.carried.reaches(tensor) or (own and tensor not in self.dead)

    def path(self, tensor: int) -> List[int]:
        """Return the tensors from the loss to a tensor at which a nonzero gradient can arrive; empty if none can."""
        return self.edges.path(tensor) or ([tensor] if self.carries_to(tensor) else [])

    def walk_over(self, relation: walking.Relation) -> Walk:
        """Return the walk over a relation, without tensors that only filled-in zeros connect."""
        return self.sure if relation is walking.connected_inputs else self.carried

    def _is_sure(self, tensor: int, raised: Optional[Tuple[int, int]]) -> bool:
        """Return whether the walks for all tensors decide the verdict of this one.

        They do not if only zeros at the exits of v1 loops connect it, or if TensorFlow does not look at what it feeds because
        of its dtype.
        """
        flat = self.rules.flat
        if not self.rules.passing[tensor] and flat.type(flat.producer[tensor]) != "_Retval":
            return False
        if self.connected is self.sure:
            return True
        if raised is None:
            return self.sure.reaches(tensor)
        return raised[0] in self.sure.raising or self.rules.row(raised[0]).raises is None

    def _verdict_alone(self, tensor: int) -> Verdict:
        """Return the verdict of a tensor that is judged alone, or together with the others of its gradient call."""
        if tensor in self.together and self.rules.passing[tensor]:
            walk = self.walk_for(self.together)
        else:
            walk = walk_for_tensors(self.rules, self.seeds, self.stopped, self.fills, (tensor,))
        if walk.raising:
            return Verdict.RAISES
        return self._verdict_of_gradient(tensor) if walk.reaches(tensor) else Verdict.NONE

    def _verdict_of_gradient(self, tensor: int) -> Verdict:
        """Return the verdict of a tensor for which TensorFlow has a gradient."""
        if not self.carries_to(tensor):
            return Verdict.ZERO
        return Verdict.CONDITIONAL if tensor in self.conditions else Verdict.FLOWS


def compute_flow(
    rules: PatternLookup,
    losses: Iterable[int],
    stopped: FrozenSet[int],
    symbolic: FrozenSet[int] = frozenset(),
    reasons: Mapping[int, Optional[BarrierKind]] = {},
    dead: FrozenSet[int] = frozenset(),
    together: Tuple[int, ...] = (),
) -> GradientFlow:
    """Compute everything about one loss.

    ``losses`` are tensors; those that cannot carry a gradient are ignored; ``stopped`` the ops that count as constants;
    ``symbolic`` the calls that ``stop_gradients=`` names (see ``resolve_loss.stop_ops``); ``reasons`` the barriers of ops in
    ``stopped`` that are no ``stop_gradients=``; ``dead`` are losses whose gradient starts from zeros. ``together`` are the
    tensors of a call that was recorded: TensorFlow differentiates them in one call, and starts from integers, too. A user's
    gradient function may answer differently for ``IndexedSlices``, so it is asked again where these arrive, through up to a
    few such functions in a row; beyond that, graphcut assumes that it receives tensors.
    """
    flow = _flow(rules, tuple(losses), stopped, symbolic, reasons, dead, together)
    for _ in range(_ROUNDS):
        slices = flow.rules.slices(flow.sparse)
        if not slices:
            break
        rules = rules.with_slices(slices)
        flow = _flow(rules, tuple(losses), stopped, symbolic, reasons, dead, together)
    return flow


_ROUNDS = 16


def _flow(
    rules: PatternLookup,
    losses: Tuple[int, ...],
    stopped: FrozenSet[int],
    symbolic: FrozenSet[int],
    reasons: Mapping[int, Optional[BarrierKind]],
    dead: FrozenSet[int],
    together: Tuple[int, ...],
) -> GradientFlow:
    """Return the gradient flow for rules that are already complete."""
    seeds = tuple(tensor for tensor in losses if rules.passing[tensor] or (together and rules.is_discrete(tensor)))
    rules = rules.start_from([tensor for tensor in seeds if not rules.passing[tensor]])
    starts = {tensor: SEED for tensor in seeds if not _feeds_itself(rules, tensor)}
    fills = walking.fills(rules, symbolic)
    connected = walking.walk(rules, starts, stopped, walking.connected_inputs, fills)
    certain = _certain_zeros(rules, fills)
    sure = connected if certain == fills else walking.walk(rules, starts, stopped, walking.connected_inputs, certain)
    order = topological_order(rules.flat)
    live = {tensor: SEED for tensor in starts if tensor not in dead}
    alike = (
        live == starts and not fills and not connected.independent and all(row.connected == row.carries for row in rules.met())
    )
    rules, connected, carried = _drop_zero_pieces(rules, connected, live, stopped, order, alike)
    bounds = {op: reasons.get(op, BarrierKind.STOP_ARGUMENT) for op in stopped}
    return GradientFlow(
        rules, losses, seeds, stopped, fills, connected, carried,
        feeding.find_feeding_tensors(rules, connected.raising + walking.empty_calls(rules, connected, stopped)),
        sure,
        conditions(GradientEdges(rules, stopped, fills, connected, carried), order),
        sparse_tensors(rules, connected, order, stopped),
        order,
        _results(rules),
        bounds,
        dead,
        together,
    )  # fmt: skip


def _drop_zero_pieces(
    rules: PatternLookup,
    connected: Walk,
    live: Mapping[int, int],
    stopped: FrozenSet[int],
    order: Sequence[int],
    alike: bool,
) -> Tuple[PatternLookup, Walk, Walk]:
    """Return the rules with the pieces that carry zeros, and the walks over *connected* and *carries*.

    ``alike``: both relations are the same. A gradient that a guessed function makes counts only where nothing else arrives. So
    zeros of pieces make more of these gradients count, which in turn makes fewer pieces zero; the computation repeats until
    nothing is added.
    """
    walk = _walk_with_assumed_gradients(rules, connected, live, stopped)
    carried = connected if alike else _walk_from_assumed(rules, walk, live, stopped)
    while True:
        zeros = find_zero_edges(rules, carried, _gradient_origins(walk, live), stopped, order)
        if not zeros:
            return rules, walk, carried
        limited = rules.without(zeros)
        again = _walk_with_assumed_gradients(limited, connected, live, stopped).independent
        if all(tensor in walk.independent for tensor in again):
            return limited, walk, _walk_from_assumed(limited, walk, live, stopped)
        walk = replace(walk, independent={**again, **walk.independent})
        carried = _walk_from_assumed(rules, walk, live, stopped)


def _gradient_origins(connected: Walk, live: Mapping[int, int]) -> Dict[int, int]:
    """Return where gradients that can be nonzero begin: at the losses, and at ops that make a gradient of their own."""
    return {**live, **{tensor: nearer for tensor, nearer in connected.independent.items() if tensor not in live}}


def _walk_from_assumed(rules: PatternLookup, connected: Walk, live: Mapping[int, int], stopped: FrozenSet[int]) -> Walk:
    return walking.walk(rules, _gradient_origins(connected, live), stopped, walking.carries, {})


def _walk_with_assumed_gradients(
    rules: PatternLookup, connected: Walk, live: Mapping[int, int], stopped: FrozenSet[int]
) -> Walk:
    """Return the walk without assumed own gradients of ops at which a gradient arrives anyway.

    A guessed gradient function may be nonzero even if the upstream gradient is zero: an output is then both in
    ``independent_of_output`` and in ``waits`` of its ``GradientPattern``. That counts only where nothing else leads to the
    tensor.
    """
    flat = rules.flat
    rows = {tensor: rules.row(flat.producer[nearer]) for tensor, nearer in connected.independent.items()}
    perhaps = {tensor for tensor, row in rows.items() if row.independent_of_output <= row.waits}
    if not perhaps:
        return connected
    certain = {
        tensor: nearer for tensor, nearer in connected.independent.items() if tensor not in perhaps and tensor not in live
    }
    carried = walking.walk(rules, {**live, **certain}, stopped, walking.carries, {})
    independent = {
        tensor: nearer
        for tensor, nearer in connected.independent.items()
        if tensor not in perhaps or not carried.reaches(tensor)
    }
    return replace(connected, independent=independent)


def _certain_zeros(rules: PatternLookup, fills: Mapping[int, Fill]) -> Dict[int, Fill]:
    """Return the filled-in zeros that count for every tensor: those of calls, on tensors that can carry a gradient."""
    calls = {op: fill for op, fill in fills.items() if rules.flat.type(op) == "_Retval"}
    return {op: fill._replace(forced=tuple(each for each in fill.forced if rules.passing[each])) for op, fill in calls.items()}


def _results(rules: PatternLookup) -> Dict[int, Tuple[int, ...]]:
    """Return, for each result of a call, the tensors of all results of the call."""
    results: Dict[int, Tuple[int, ...]] = {}
    for call in rules.flat.calls:
        results.update(dict.fromkeys(call.results, tuple(rules.flat.first_output[op] for op in call.results)))
    return results


def _has_v1_loops(rules: PatternLookup) -> bool:
    return any(kind.type in ("Exit", "RefExit") for kind in rules.flat.kind_table)


def _feeds_itself(rules: PatternLookup, tensor: int) -> bool:
    """Return whether a loss lies on the cycle of a v1 loop: TensorFlow waits for the rest of the cycle and never starts."""
    flat = rules.flat
    if not _has_v1_loops(rules):
        return False
    return any(tensor in flat.inputs[flat.producer[each]] for each in feeding.feeding_tensors(rules, [tensor]))
