"""Why a variable has its verdict, as plain facts for the report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import AbstractSet, Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.barrier_edges import Fence
from graphcut.analysis.branch_conditions import unconditional
from graphcut.analysis.fewest_barriers import lowest
from graphcut.analysis.findings import CUT, Findings
from graphcut.analysis.idioms import Idiom, Idioms
from graphcut.analysis.raising_ops import ancestors, find_feeding_tensors
from graphcut.analysis.reasons.loss_terms import is_regularizer, terms_using
from graphcut.analysis.reasons.routes import Routes, Step
from graphcut.analysis.stop_roles import record_all, stops_below
from graphcut.graph.dtypes import dtype_name, is_float, is_handle
from graphcut.graph.flat import Shape
from graphcut.graph.op_types import READERS
from graphcut.graph.targets import Target
from graphcut.graph.traverse import find_reachable, find_readers, walk_depth_first
from graphcut.results import WITH_GRADIENT, Barrier, BarrierKind, VariableAudit, Verdict

_FEW = 3
_PAIRS = 100
_NUMBERED = ("", "output")  # the names, without their numbers, of the outputs of a function that gives them none
_PASSING_ON = frozenset(["Identity", "_Retval", "_Arg"])
_MOVES = frozenset(["Sub", "Add", "AddV2"])


@dataclass(frozen=True)
class Term:
    """One term of the loss. ``regularizer``: it depends on variables and constants only, and not all terms do."""

    op: str
    where: Optional[str]
    regularizer: bool


@dataclass(frozen=True)
class Instead:
    """What the loss reads instead of an unused variable.

    It is a ``value`` that the step refers to by ``name``, a ``variable``, or the op of another ``call`` of the layer, with its
    place.
    """

    kind: str
    name: str
    shape: Shape = None
    where: Optional[str] = None


@dataclass(frozen=True)
class Maker:
    """The op that makes integers or booleans from floats, such as the indices of ``TopKV2``, and the dtype of its result."""

    op: str
    type: str
    dtype: str


@dataclass(frozen=True)
class Reason:
    """Why a variable has its verdict.

    ``route``: the steps from the variable to the loss. ``cut``: its cut without what costs nothing to cross (a cast back to
    numbers, see ``barrier_edges``), mistakes first and stops to keep last. ``size``: the count of them. ``crossed``: how many
    stand one behind the other; none where the variable itself is of a dtype without a gradient.
    ``dtypes``: the dtype of what the op of each barrier makes. ``behind``: once those are gone, what still makes the gradient
    zero; ``raising``: the op that TensorFlow would then raise at. ``term``: the one term of the loss that a gradient comes
    through, ``terms`` how many there are, ``cut_off`` those that use the variable and hand it nothing. ``carrying``: the terms
    that a gradient comes through, regularizers last, where one of several is a regularizer. ``harmless``: the
    barriers on other routes of a variable that gets its gradient, ``ending`` those of them that a gradient comes up to in the
    runs in which the variable gets none. ``from_zeros``: the gradient of the loss starts from zeros. ``beside``: the variable
    that makes ``tf.gradients`` answer zeros, not ``None``, where both are asked for in one call.
    ``ignored``: the ops on the route and in the cut for which ``gradient_override_map`` names another gradient, which a tape
    does not look at, as name and type. ``instead``: what the loss reads in place of an unused variable.
    ``idioms``: what the stops of the cut and the harmless ones belong to, by op, where it is known. ``makers``: what makes
    integers of floats at a barrier of that dtype or before it, by the barrier's op. ``feeds``: the results of a call that the
    variable feeds, where the loss reads others of it. ``replaced``: the variables that an unwatched tensor took the place of
    (``w = w - step``), by the barrier's op.
    """

    route: Tuple[Step, ...] = ()
    cut: Tuple[Barrier, ...] = ()
    size: int = 0
    crossed: int = 0
    dtypes: Mapping[str, str] = field(default_factory=dict)
    behind: Tuple[Barrier, ...] = ()
    raising: Optional[Barrier] = None
    term: Optional[Term] = None
    terms: int = 0
    cut_off: Tuple[Term, ...] = ()
    carrying: Tuple[Term, ...] = ()
    harmless: Tuple[Barrier, ...] = ()
    ending: Tuple[Barrier, ...] = ()
    from_zeros: bool = False
    beside: str = ""
    ignored: Tuple[Tuple[str, str], ...] = ()
    instead: Tuple[Instead, ...] = ()
    idioms: Mapping[str, Idiom] = field(default_factory=dict)
    makers: Mapping[str, Maker] = field(default_factory=dict)
    feeds: Tuple[str, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reasons:
    """The reasons for one loss. Facts that hold for all variables are computed once, on demand."""

    findings: Findings
    targets: Sequence[Target] = ()
    known: Dict[str, Any] = field(default_factory=dict)

    def of(self, target: Target, said: VariableAudit) -> Reason:
        """Return why a target has its verdict. A recorded call raises for all its variables, so an error may be another's."""
        result = self._of(target, said)
        idioms = dict(self._idioms((*result.cut, *result.harmless)))
        makers, replaced = dict(self._makers(result.cut)), dict(self._replaced_variables(result.cut))
        if idioms or makers or replaced:
            result = replace(result, cut=_kept_last(result, idioms), idioms=idioms, makers=makers, replaced=replaced)
        return replace(result, ignored=tuple(self._overrides(result, said))) if self.findings.flow.rules.ignored else result

    def _idioms(self, cut: Sequence[Barrier]) -> Iterator[Tuple[str, Idiom]]:
        """Yield the stops that belong to a known idiom, in a cut or on a blocked route."""
        traced, losses = self.findings.traced, self.findings.flow.losses
        for each in cut:
            if each.kind is BarrierKind.STOP_GRADIENT and each.type == "StopGradient":
                idioms = self._once("idioms", lambda: Idioms(traced, losses))
                idiom = next(filter(None, map(idioms.of, traced.names.ops(each.op))), None)
                if idiom is not None:
                    yield each.op, idiom

    def _makers(self, cut: Sequence[Barrier]) -> Iterator[Tuple[str, Maker]]:
        """Yield the barriers that read or make integers or booleans, each with the op that makes them from floats."""
        flat, names = self.findings.traced.flat, self.findings.traced.names
        for each in cut:
            ops = names.ops(each.op) if each.kind is BarrierKind.DTYPE else ()
            read = [flat.inputs[op][each.input] for op in ops[:1] if each.input < len(flat.inputs[op])]
            own = [tensor for op in ops[:1] for tensor in flat.outputs(op)]
            discrete = own if any(is_float(flat.dtypes[tensor]) for tensor in read) else read
            tensor = next(filter(self._is_made_of_floats, walk_depth_first(discrete, self._discrete_inputs)), None)
            if tensor is not None:
                op = flat.producer[tensor]
                yield each.op, Maker(flat.names[op], flat.type(op), dtype_name(flat.dtypes[tensor]))

    def _replaced_variables(self, cut: Sequence[Barrier]) -> Iterator[Tuple[str, str]]:
        """Yield each barrier at an unwatched tensor that may be a variable's new value (``w - step``), and that variable."""
        traced = self.findings.traced
        flat = traced.flat
        for each in cut if BarrierKind.NOT_WATCHED in {each.kind for each in cut} else ():
            ops = traced.names.ops(each.op) if each.kind is BarrierKind.NOT_WATCHED else ()
            tensors = [flat.inputs[op][each.input] for op in ops[:1] if each.input < len(flat.inputs[op])]
            moved = [tensor for tensor in tensors if flat.type(flat.producer[tensor]) in _MOVES]
            names: Dict[int, str] = self._once("variable names", self._names_by_tensor) if moved else {}
            variables = [names[origin] for origin in walk_depth_first(moved, self._moved_values) if origin in names]
            if variables:
                yield each.op, variables[0]

    def _moved_values(self, tensor: int) -> Sequence[int]:
        """Return the inputs of an op that adds a step to a value, or that passes a value on."""
        flat = self.findings.traced.flat
        op = flat.producer[tensor]
        return flat.inputs[op] if flat.type(op) in _MOVES | _PASSING_ON | READERS else ()

    def _names_by_tensor(self) -> Dict[int, str]:
        """Return the names of the variables by the tensors of their handles and references."""
        traced = self.findings.traced
        held = (
            (each.name, tensor) for each in traced.variables for name in each.tensors for tensor in traced.names.tensors(name)
        )
        return {tensor: name for name, tensor in held if is_handle(traced.flat.dtypes[tensor])}

    def _is_made_of_floats(self, tensor: int) -> bool:
        flat, rules = self.findings.traced.flat, self.findings.flow.rules
        inputs = flat.inputs[flat.producer[tensor]]
        return rules.is_discrete(tensor) and any(is_float(flat.dtypes[each]) for each in inputs)

    def _discrete_inputs(self, tensor: int) -> List[int]:
        flat, rules = self.findings.traced.flat, self.findings.flow.rules
        return [each for each in flat.inputs[flat.producer[tensor]] if rules.is_discrete(each)]

    def _overrides(self, result: Reason, said: VariableAudit) -> Iterator[Tuple[str, str]]:
        """Return the ops on a route and in a cut whose override has no effect."""
        flat = self.findings.traced.flat
        types = {flat.names[op]: flat.type(op) for op in self.findings.flow.rules.ignored}
        names = [
            *said.path,
            *(step.op for step in result.route),
            *(cut.op for cut in (*result.cut, *result.harmless, *result.ending)),
        ]
        return ((name, types[name]) for name in dict.fromkeys(names) if name in types)

    def _of(self, target: Target, said: VariableAudit) -> Reason:
        verdict, tensor = self.findings.verdict(target)
        cut = said.cut
        if said.verdict is Verdict.RAISES and verdict is not Verdict.RAISES:
            return Reason((), cut, len(cut), 1, self._dtypes(cut))
        if tensor is None:
            return Reason((), cut, len(cut), 0, self._dtypes(cut))
        route = self._once("routes", lambda: Routes(self.findings)).of(tensor, verdict)
        if verdict in WITH_GRADIENT:
            return self._of_gradient(tensor, route)
        if verdict not in CUT:
            return Reason(route, cut, len(cut), 1, self._dtypes(cut))
        cuts = self.findings.cuts(verdict)
        costly = tuple(_once_an_op(each for each, fence in zip(cut, cuts.barriers_of(tensor)) if not fence.is_free))
        crossed = cuts.crossed.get(tensor, 0)
        beside = self._filling_variable(tensor) if verdict is Verdict.NONE else ""
        if not crossed:
            zeros = verdict is Verdict.ZERO and bool(self.findings.flow.dead)
            return Reason(route, cut, len(cut), 0, self._dtypes(cut), from_zeros=zeros, beside=beside)
        behind = tuple(self._barriers_behind(tensor, crossed)) if verdict is Verdict.NONE else ()
        dtypes, raising = self._dtypes(costly), self._raising_barrier(tensor)
        feeds = tuple(dict.fromkeys(self._results_fed(tensor, costly)))
        return Reason(route, costly, cuts.costly(tensor), crossed, dtypes, behind, raising, beside=beside, feeds=feeds)

    def _results_fed(self, tensor: int, cut: Sequence[Barrier]) -> Iterator[str]:
        """Yield the results that a tensor feeds of a call for whose other results zeros are filled in."""
        traced = self.findings.traced
        flat = traced.flat
        ops = {op for each in cut if each.kind is BarrierKind.ZERO_FILLED for op in traced.names.ops(each.op)}
        calls = [call for call in flat.calls if call.op in ops and not call.variables and call.predicate is None]
        if not calls:
            return
        readers: Dict[int, List[int]] = self._once("readers", lambda: find_readers(flat))
        reached = find_reachable([tensor], lambda each: [made for op in readers.get(each, ()) for made in flat.outputs(op)])
        outputs = traced.origin.outputs.items()
        own = ((key, name) for key, name in outputs if key.rstrip("0123456789") not in _NUMBERED)
        keys = {each: key for key, name in own for each in traced.names.tensors(name)}

        def passed_on(each: int) -> List[int]:
            """Return the outputs of the ops that only pass a tensor on: out of a call, or to an output."""
            return [made for op in readers.get(each, ()) if flat.type(op) in _PASSING_ON for made in flat.outputs(op)]

        for call in calls:
            for index, result in enumerate(flat.first_output[op] for op in call.results):
                if result in reached:
                    named = (keys[each] for each in sorted(find_reachable([result], passed_on)) if each in keys)
                    yield next(named, "output %d" % index)

    def _filling_variable(self, tensor: int) -> str:
        """Return a variable that makes ``tf.gradients`` answer zeros for another one by filling the exits of a v1 loop."""
        flow = self.findings.flow
        if flow.together or not flow.connected.reaches(tensor):
            return ""
        live = ((each, own) for each in self.targets for own in each.tensors if flow.sure.reaches(own))
        filling = (each.variable.name for each, own in islice(live, _PAIRS) if flow.walk_for((tensor, own)).reaches(tensor))
        return next(filling, "")

    def _of_gradient(self, tensor: int, route: Tuple[Step, ...]) -> Reason:
        """Return why a gradient comes, and where it ends on other routes."""
        result = self.findings.summands()
        terms = tuple(self._term(term) for term in result.only(tensor))
        cut_off: Tuple[Term, ...] = ()
        if terms:
            uses: Dict[int, int] = self._once("uses", lambda: terms_using(self.findings.flow, result.terms))
            cut_off = tuple(self._term(term) for term in result.cut_off(tensor, uses))
        every = sorted(map(self._term, result.carrying_to(tensor)), key=lambda term: term.regularizer)
        fences = self._harmless(tensor)
        ending = [fence for fence in fences if self._in_other_runs(tensor, fence)]
        return Reason(
            route,
            term=terms[0] if terms else None,
            terms=len(result.terms),
            cut_off=cut_off,
            carrying=tuple(every) if len(every) > 1 and every[-1].regularizer else (),
            harmless=tuple(self.findings.barrier_of(fence) for fence in fences if fence not in ending),
            ending=tuple(self.findings.barrier_of(fence) for fence in ending),
        )

    def _in_other_runs(self, tensor: int, fence: Fence) -> bool:
        """Return whether a gradient reaches a barrier in runs in which none reaches the tensor."""
        flow = self.findings.flow
        mine = frozenset(flow.conditions.get(tensor, ()))
        if mine.issubset(flow.conditions.get(flow.rules.flat.first_output[fence.op], ())):
            return False
        result: AbstractSet[int] = self._once(
            "behind %d %s" % (fence.op, sorted(map(str, mine))), lambda: unconditional(flow.rules.flat, fence.op, mine)
        )
        return tensor in result

    def _barriers_behind(self, tensor: int, crossed: int) -> Iterator[Barrier]:
        """Yield the barriers, besides those of the cut, that a nonzero gradient would have to cross."""
        carried = self.findings.cuts(Verdict.ZERO)
        if carried.crossed.get(tensor, 0) > crossed:
            cuts = self.findings.cuts(Verdict.NONE)
            for fence in carried.barriers_of(tensor):
                if not fence.is_free and not cuts.holds(tensor, fence.op, fence.kind):
                    yield self.findings.barrier_of(fence)

    def _raising_barrier(self, tensor: int) -> Optional[Barrier]:
        """Return the op without a gradient that the tensor feeds on the way to the loss."""
        origin = self._once("raising", self._raisers).get(tensor)
        if origin is None:
            return None
        op, index = origin
        barrier = self.findings.flow.rules.row(op).raises or BarrierKind.NO_GRADIENT
        return self.findings.barrier_of(Fence(op, index, barrier))

    def _raisers(self) -> Dict[int, Tuple[int, int]]:
        flow = self.findings.flow
        raising = [op for op in sorted(ancestors(flow.rules.flat, flow.losses)) if flow.rules.row(op).raises is not None]
        return find_feeding_tensors(flow.rules, raising)

    def _dtypes(self, cuts: Tuple[Barrier, ...]) -> Dict[str, str]:
        flat, names = self.findings.traced.flat, self.findings.traced.names
        ops = [op for cut in cuts for op in names.ops(cut.op)[:1]]
        return {flat.names[op]: dtype_name(flat.dtypes[flat.first_output[op]]) for op in ops if flat.outputs(op)}

    def _harmless(self, tensor: int) -> List[Fence]:
        result: Tuple[List[int], Dict[int, int]] = self._once("harmless", self._stops)
        ops = [result[0][bit] for bit in lowest(result[1].get(tensor, 0), _FEW)]
        bounds = self.findings.flow.bounds
        return [Fence(op, 0, bounds.get(op) or BarrierKind.STOP_GRADIENT) for op in ops]

    def _stops(self) -> Tuple[List[int], Dict[int, int]]:
        """Return the deliberate barriers that a gradient reaches, and for each tensor, as bits, those that it feeds."""
        flow = self._once("all recorded", lambda: record_all(self.findings.flow))
        flat = flow.rules.flat
        ops = {flat.producer[tensor] for tensor in flow.carried.order}
        result = sorted(op for op in ops if flow.bounds.get(op) or flat.type(op) == "StopGradient")
        return result, stops_below(flow, result)

    def _term(self, tensor: int) -> Term:
        flat = self.findings.traced.flat
        op = flat.producer[tensor]
        regularizers: FrozenSet[int] = self._once("regularizers", self._regularizers)
        return Term(flat.names[op], self.findings.traced.place(op)[0], tensor in regularizers)

    def _regularizers(self) -> FrozenSet[int]:
        """Return the terms that read no data, if another term reads data; otherwise they are the loss itself."""
        flat, terms = self.findings.traced.flat, self.findings.summands().terms
        result = frozenset(term for term in terms if is_regularizer(flat, term, self._variables()))
        return result if len(result) < len(terms) else frozenset()

    def _variables(self) -> FrozenSet[int]:
        traced = self.findings.traced
        tensors = (tensor for each in traced.variables for name in each.tensors for tensor in traced.names.tensors(name))
        return frozenset(traced.flat.producer[tensor] for tensor in tensors)

    def _once(self, key: str, find: Any) -> Any:
        if key not in self.known:
            self.known[key] = find()
        return self.known[key]


def _kept_last(reason: Reason, idioms: Mapping[str, Idiom]) -> Tuple[Barrier, ...]:
    """Return a cut whose barriers each block a route of their own: mistaken idioms first, those to keep last."""
    if reason.crossed != 1:
        return reason.cut
    return tuple(sorted(reason.cut, key=lambda cut: idioms[cut.op].is_meant - 0.5 if cut.op in idioms else 0.0))


def _once_an_op(cut: Iterable[Barrier]) -> List[Barrier]:
    """Return the barriers, one per op: removing an op removes its barriers at all inputs."""
    barriers: Dict[Tuple[str, BarrierKind], Barrier] = {}
    for each in cut:
        barriers.setdefault((each.op, each.kind), each)
    return list(barriers.values())
