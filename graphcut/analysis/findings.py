"""Build the result for each variable: replace the numbers in verdicts, cuts and paths with names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from graphcut.analysis.barrier_edges import Fence
from graphcut.analysis.fewest_barriers import HANDFUL, Cuts, cuts, fence_of_raise
from graphcut.analysis.idle_updates import idle_variables
from graphcut.analysis.reachability import carries, connected_inputs
from graphcut.analysis.reasons.loss_terms import Summands, summands
from graphcut.analysis.recorded_answers import RecordedAnswers
from graphcut.analysis.rules.trainable_tensors import shape_of
from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.dtypes import is_discrete
from graphcut.graph.flat import SEPARATOR
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.metadata import Place
from graphcut.graph.rewrites import FROZEN, OPTIMIZED, signs
from graphcut.graph.targets import Target
from graphcut.graph.variable_updates import TrainingPart, training_part
from graphcut.results import WITH_GRADIENT, Assumption, Barrier, BarrierKind, VariableAudit, Verdict

_BEST = (Verdict.RAISES, Verdict.FLOWS, Verdict.CONDITIONAL, Verdict.ZERO, Verdict.NONE)
REWRITTEN = {
    OPTIMIZED: "the graph was optimized, which takes out every StopGradient, so what flows here may be cut where it was built",
    FROZEN: "the graph was frozen: its variables are constants now, and stops may be gone; audit the graph that is trained",
}
CUT = {Verdict.NONE: connected_inputs, Verdict.ZERO: carries}


def _kind_of_holder(op_type: str) -> BarrierKind:
    """Return ``state`` for a value that a dataset or an iterator holds without an edge, else ``python``."""
    return BarrierKind.STATE if "Iterator" in op_type or "Dataset" in op_type else BarrierKind.PYTHON


class LateFields(NamedTuple):
    """The fields of a variable's row that are computed when they are read: its ``path`` and ``only_through``.

    This is one small object for each variable: a graph of a million ops may have a hundred thousand variables.
    """

    findings: Findings
    tensor: int

    def __call__(self, field: str) -> Tuple[str, ...]:
        """Return the value of a field."""
        return self.findings.path(self.tensor) if field == "path" else self.findings.only_through(self.tensor)


@dataclass(frozen=True)
class Findings:
    """The results for one loss; the cuts of each relation are computed when they are first needed."""

    traced: LoadedGraph
    flow: GradientFlow
    known: Dict[Verdict, Cuts] = field(default_factory=dict)
    barriers: Dict[Fence, Barrier] = field(default_factory=dict)
    holders: Dict[Place, List[int]] = field(default_factory=dict)
    training: List[TrainingPart] = field(default_factory=list)
    idle: List[FrozenSet[int]] = field(default_factory=list)
    terms: List[Summands] = field(default_factory=list)

    def cuts(self, verdict: Verdict) -> Cuts:
        """Return the cuts for variables with that verdict; one search serves all of them."""
        if verdict not in self.known:
            self.known[verdict] = cuts(self.flow, CUT[verdict])
        return self.known[verdict]

    def of(self, target: Target) -> VariableAudit:
        """Return the result for one target. If it stands for several tensors, the best verdict counts."""
        verdict, tensor = self.verdict(target)
        fences, size, unused = self._cut(verdict, self._first_with_route(target, verdict, tensor))
        left = self._writers_without_read(target) if unused else ()
        live = tensor is not None and verdict in WITH_GRADIENT
        route: Any = LateFields(self, tensor) if live and tensor is not None else ()
        variable = target.variable
        barriers = tuple([self.barrier_of(fence) for fence in (*fences, *left)]) if fences or left else ()
        if unused and not left and is_discrete(variable.dtype):
            barriers, unused = (self._of_its_dtype(target),), False
        return VariableAudit(
            variable.name,
            variable.tensors[0] if variable.tensors else None,
            verdict,
            variable.trainable,
            variable.dtype,
            variable.shape,
            barriers,
            route,
            self.flow.conditions.get(tensor, ()) if verdict is Verdict.CONDITIONAL and tensor is not None else (),
            unused and not left,
            live and tensor in self.flow.sparse,
            max(size + len(left), len(barriers)),
            self.is_updated(target, verdict),
            trained_by=self._trained_by(target),
            is_trained=self._is_trained(target),
            only_through=route,
        )

    def summands(self) -> Summands:
        """Return the terms of the loss, and which terms carry to which tensors."""
        if not self.terms:
            traced = self.traced
            self.terms.append(summands(self.flow, lambda tensor: shape_of(traced.shapes, traced.flat, tensor)))
        return self.terms[0]

    def only_through(self, tensor: int) -> Tuple[str, ...]:
        """Return the only term of the loss that a gradient comes through, if the loss has several terms."""
        flat = self.traced.flat
        return tuple(flat.names[flat.producer[term]] for term in self.summands().only(tensor))

    def recorded_answers(self, targets: Sequence[Target]) -> Optional[RecordedAnswers]:
        """Return the gradients of this loss that the graph holds.

        ``None`` if it holds none, or if an edit or ``stop_gradients=`` asks for others.
        """
        evidence = self.flow.rules.evidence
        if evidence is None or self.traced.edited or self.flow.stopped or not evidence.calls():
            return None
        gradients = tuple(evidence.shows_gradient(target.tensors) for target in targets)
        return RecordedAnswers(gradients, source="the graph holds a gradient of it for this loss")

    def _of_its_dtype(self, target: Target) -> Barrier:
        """Return the barrier of an integer, boolean or string variable to which no route leads.

        It would get no gradient from any reader.
        """
        if target.tensors:
            return self.barrier_of(Fence(self.traced.flat.producer[target.tensors[0]], 0, BarrierKind.DTYPE))
        return Barrier(target.variable.name, "VarHandleOp", 0, BarrierKind.DTYPE, False)

    def _writers_without_read(self, target: Target) -> Tuple[Fence, ...]:
        """Return the ops that hold a variable's value without reading the variable, if the loss depends on them."""
        holders = (self.traced.origin.value_holders.get(id(each), ()) for each in target.variable.objects)
        places = frozenset(place for places in holders for place in places)
        if not places:
            return ()
        flat = self.traced.flat
        if not self.holders:
            self.holders.update(self._holders())
        ops = sorted(op for place in places for op in self.holders.get(place, ()))
        routed = (op for op in ops if any(map(self.cuts(Verdict.NONE).has_route, flat.outputs(op))))
        return tuple(Fence(op, 0, _kind_of_holder(flat.type(op))) for op in routed)[:HANDFUL]

    def _holders(self) -> Iterator[Tuple[Place, List[int]]]:
        """Return the ops that hold a variable's value without reading the variable, by their place."""
        flat, wanted = self.traced.flat, {place for places in self.traced.origin.value_holders.values() for place in places}
        ops: Dict[Place, List[int]] = {place: [] for place in wanted}
        for op, name in enumerate(flat.names):
            place = flat.function(op), name.rpartition(SEPARATOR)[2]
            if place in ops:
                ops[place].append(op)
        return iter(ops.items())

    def is_updated(self, target: Target, verdict: Optional[Verdict] = None) -> Optional[bool]:
        """Return whether the graph's training updates a variable; ``None`` if the graph trains nothing.

        To add only zeros is no update, except where they are the variable's gradient: the verdict ``zero`` says that much.
        """
        part = self._training_part()
        if not part.writes or not target.variable.tensors:
            return None
        written = part.updated.intersection(target.tensors)
        return bool(written if verdict is Verdict.ZERO or not written else written - self._idle_variables())

    def _idle_variables(self) -> FrozenSet[int]:
        if not self.idle:
            self.idle.append(idle_variables(self.traced.flat, self._training_part().writes, self.flow.rules.zeros))
        return self.idle[0]

    def _training_part(self) -> TrainingPart:
        if not self.training:
            self.training.append(training_part(self.traced.flat, self.traced.names))
        return self.training[0]

    def _trained_by(self, target: Target) -> Tuple[str, ...]:
        """Return the other losses whose gradients update a variable."""
        by_loss = self._training_part().by_loss
        if not by_loss:
            return ()
        others = [loss for loss, handles in by_loss.items() if not handles.isdisjoint(target.tensors)]
        name = self.traced.flat.tensor_name
        return tuple(" + ".join(map(name, loss)) for loss in others if loss and not self._is_audited(loss))

    def _is_trained(self, target: Target) -> Optional[bool]:
        """Return whether the gradient of this loss updates a variable; ``None`` if the graph holds none of this loss."""
        own = [handles for loss, handles in self._training_part().by_loss.items() if self._is_audited(loss)]
        return any(not handles.isdisjoint(target.tensors) for handles in own) if own and target.tensors else None

    def _is_audited(self, loss: Tuple[int, ...]) -> bool:
        return not set(loss).isdisjoint(self.flow.losses)

    def verdict(self, target: Target) -> Tuple[Verdict, Optional[int]]:
        """Return the verdict of a target and the tensor that it comes from."""
        if len(target.tensors) == 1:
            return self.flow.verdict(target.tensors[0]), target.tensors[0]
        judged = [(self.flow.verdict(tensor), tensor) for tensor in target.tensors]
        return min(judged, key=lambda each: _BEST.index(each[0])) if judged else (Verdict.NONE, None)

    def _first_with_route(self, target: Target, verdict: Verdict, tensor: Optional[int]) -> Optional[int]:
        """Return the first tensor to which a route leads, of several tensors without a gradient."""
        if verdict not in CUT or len(target.tensors) < 2:
            return tensor
        alike = (each for each in target.tensors if self.flow.verdict(each) is verdict)
        return next((each for each in alike if self.cuts(verdict).has_route(each)), tensor)

    def assumptions(self) -> Tuple[Assumption, ...]:
        """Return the evidence that the graph was rewritten, and the ops whose gradient is a guess."""
        flat = self.traced.flat
        rewritten_ops = (Assumption(flat.names[op], flat.type(op), REWRITTEN[done], True) for op, done in signs(flat))
        return (*rewritten_ops, *self.flow.rules.assumptions())

    def _cut(self, verdict: Verdict, tensor: Optional[int]) -> Tuple[Tuple[Fence, ...], int, bool]:
        if tensor is None:
            return (), 0, True
        raised = fence_of_raise(self.flow, tensor) if verdict is Verdict.RAISES else None
        if raised is not None:
            return (raised,), 1, False
        if verdict not in CUT:
            return (), 0, False
        verdict_cuts = self.cuts(verdict)
        fences = verdict_cuts.barriers_of(tensor) or self._at_loss(verdict, tensor)
        return fences, verdict_cuts.size(tensor) or len(fences), not verdict_cuts.has_route(tensor)

    def _at_loss(self, verdict: Verdict, tensor: int) -> Tuple[Fence, ...]:
        """Return the barrier of a tensor whose route has none: a gradient that starts from zeros, or an unwatched loss."""
        flat, unwatched = self.traced.flat, self.flow.rules.unwatched.get(tensor)
        if verdict is Verdict.ZERO and self.flow.dead:
            return (Fence(flat.producer[min(self.flow.dead)], 0, BarrierKind.ZERO),)
        return (Fence(flat.producer[tensor], 0, unwatched),) if unwatched and tensor in self.flow.losses else ()

    def barrier_of(self, fence: Fence) -> Barrier:
        """Return the barrier with names instead of numbers; the same object each time."""
        if fence not in self.barriers:
            self.barriers[fence] = self._make_barrier(fence)
        return self.barriers[fence]

    def _replacing_line(self, fence: Fence) -> Optional[str]:
        """Return the line that replaced a variable by a tensor, if that is why the tape does not watch it."""
        inputs = self.traced.flat.inputs[fence.op]
        if fence.kind is not BarrierKind.NOT_WATCHED or fence.input >= len(inputs):
            return None
        return self.traced.origin.replaced.get(self.traced.flat.tensor_name(inputs[fence.input]))

    def _make_barrier(self, fence: Fence) -> Barrier:
        flat = self.traced.flat
        where, library = self.traced.place(self._op_in_code(fence.op))
        where = self._replacing_line(fence) or where
        return Barrier(
            flat.names[fence.op],
            flat.type(fence.op),
            fence.input,
            fence.kind,
            fence.kind.deliberate,
            library,
            where,
        )

    def _op_in_code(self, op: int) -> int:
        """Return the op that a line of code created; for the result of a call, which only the flat graph has, the call."""
        flat = self.traced.flat
        return next((call.op for call in flat.calls if op in call.results), op) if flat.type(op) == "_Retval" else op

    def path(self, tensor: int) -> Tuple[str, ...]:
        """Return the names of the ops on one path of the gradient, the loss first."""
        flat = self.traced.flat
        ops = dict.fromkeys(flat.producer[each] for each in self.flow.path(tensor))
        return tuple(flat.names[op] for op in ops)
