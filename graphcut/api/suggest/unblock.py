"""Find the smallest sets of barriers whose removal gives a variable a gradient.

A 0-1 breadth-first search starts from everything that carries a gradient already; crossing a barrier costs one
(``analysis/barrier_edges.py``). Each route that crosses the fewest barriers is an alternative, and those that keep deliberate
stops come first (``analysis/idioms.py``). Zeros that TensorFlow filled in and assignments cannot be removed. If the route
enters an op without a gradient, that op is removed as well. An audit of the edited graph confirms the answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import (
    TYPE_CHECKING,
    Any,
    Deque,
    Dict,
    FrozenSet,
    Hashable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from graphcut.analysis.barrier_edges import Edge, Edges, Fence
from graphcut.analysis.idioms import Idioms
from graphcut.analysis.reachability import carries
from graphcut.analysis.reasons.loss_terms import terms_carrying
from graphcut.analysis.request import AuditRequest
from graphcut.analysis.verdicts import GradientFlow
from graphcut.api.analyze import analyze
from graphcut.api.refuse_step import unaudited_step
from graphcut.api.select.resolve_places import require_rows
from graphcut.api.suggest.confirm import Rows, confirm
from graphcut.api.suggest.other_losses import LostGradients, other_losses
from graphcut.api.suggest.source_changes import Candidate, SourceReader, TapeSource, best, diffs, opening_candidates
from graphcut.api.suggest.straight_through import suggest_straight_through
from graphcut.api.what_if import remove_barriers
from graphcut.graph.dtypes import dtype_name, is_discrete, is_float
from graphcut.graph.flat import FlatGraph
from graphcut.graph.targets import Target
from graphcut.graph.traverse import settle_costs, walk_depth_first
from graphcut.render.text.advice import advice, how_to_ask, of_maker
from graphcut.render.text.explain import what_to_do
from graphcut.results import WITH_GRADIENT, BarrierKind, Suggestion, Verdict
from graphcut.results.result_display import Suggestions
from graphcut.results.words import at, escape_name, place
from graphcut.util.text import every, join_first

if TYPE_CHECKING:
    from graphcut.api.audit import Audit

_MOST = 6  # alternatives
_FEW = 3
_ROUTES = 24  # routes that are examined, so that those that keep deliberate stops are among the alternatives
_MORE = "there are more ways that take out as few barriers; those that keep deliberate stops are listed first"
Route = Tuple[Fence, ...]


def suggest_unblock(audit: Audit, key: Any) -> Tuple[Suggestion, ...]:
    """Return the barriers to remove, for every smallest alternative, nearest the loss first.

    See ``Audit.suggest_unblock``.
    """
    request, flow = audit._request, audit._findings.flow
    asked = require_rows(audit._index, [key])
    blocked = [each for each in asked if not any(flow.verdict(tensor) in WITH_GRADIENT for tensor in each.tensors)]
    if not blocked:
        return Suggestions((), _unrequested_words(audit, asked) or _open_words(audit, asked))
    target = blocked[0]
    idioms = Idioms(request.traced, flow.losses)
    reader = SourceReader()
    estimator = suggest_straight_through(audit, target, reader)
    starts = sorted(_starts(flow, target), key=lambda fences: _count_removed_barriers(idioms, fences))
    result = [complete_alternative(request, flow, target, start) for start in starts[:_MOST]]
    complete = [each for each in result if each is not None]
    if estimator is not None:
        complete = [each for each in complete if not _count_removed_barriers(idioms, each)[0]]
    if not complete and estimator is not None:
        return Suggestions([estimator])
    if not complete:
        return Suggestions([], _words(audit, target))
    fewest = min(map(len, complete))
    distinct = {frozenset(fence.op for fence in each): each for each in complete if len(each) == fewest}
    opened = {fences: _opened_terms(audit, target, fences) for fences in distinct.values()}
    ranked = sorted(distinct.values(), key=lambda fences: (_count_removed_barriers(idioms, fences), -len(opened[fences])))
    known: Dict[Hashable, List[Suggestion]] = {}
    for fences in ranked:
        group = _suggestions(audit, target, idioms, fences, len(known), reader)
        if len({opened[each] for each in ranked}) > 1:
            words = _term_words(audit, opened[fences])
            group[0] = replace(group[0], note="; ".join(filter(None, [group[0].note, words])))
        edit = tuple(each.diff for each in group)
        known.setdefault(edit if any(edit) else fences, group)
    listed = [suggestion for group in known.values() for suggestion in group]
    if estimator is not None:
        listed = [estimator, *[replace(each, alternative=each.alternative + 1) for each in listed]]
    unrequested = _unrequested_words(audit, [target])
    if unrequested:
        listed[0] = replace(listed[0], note="; ".join(filter(None, [unrequested, listed[0].note])))
    if len(starts) > _MOST:
        listed[-1] = replace(listed[-1], note="; ".join(filter(None, [listed[-1].note, _MORE])))
    return Suggestions(listed)


def _opened_terms(audit: Audit, target: Target, fences: Route) -> Tuple[int, ...]:
    """Return the loss terms that a gradient comes through once some barriers are removed; none if there is a single term."""
    terms = audit._findings.summands().terms
    if not terms:
        return ()
    flow = analyze(remove_barriers(audit._request, audit._findings.flow, frozenset(fence.op for fence in fences)))
    carrying = terms_carrying(flow, terms)
    return tuple(term for bit, term in enumerate(terms) if any(carrying.get(each, 0) >> bit & 1 for each in target.tensors))


def _term_words(audit: Audit, terms: Sequence[int]) -> str:
    """Return the sentence on the loss terms from which the variable then learns."""
    traced, count = audit._request.traced, len(audit._findings.summands().terms)
    ops = [traced.flat.producer[term] for term in terms]
    places = [(traced.flat.names[op], traced.place(op)[0]) for op in ops]
    names = [escape_name(name) + (f" ({at(where)})" if where else "") for name, where in places]
    which = f"{every(count)} terms" if len(terms) == count else f"{len(terms)} of {count} terms"
    return f"with this change the gradient comes through {which} of the loss: {join_first(names, _FEW)}"


def _unrequested_words(audit: Audit, asked: Sequence[Target]) -> str:
    """Say that no gradient is asked for variables that the loss reads, and how to ask; empty if there are none."""
    aside = {each.name: each for each in audit.left_out}
    result = [aside[each.variable.name] for each in asked if each.variable.name in aside]
    if not result:
        return ""
    names = join_first([escape_name(each.name) for each in result], _FEW)
    return f"no gradient is asked for {names}: {how_to_ask(result[0])}"


def _open_words(audit: Audit, asked: Sequence[Target]) -> str:
    """Return the sentence that says that variables get a gradient already, and through which branch or term only."""
    names = {each.variable.name for each in asked}
    terms = [term for each in audit if each.name in names for term in each.only_through]
    text = f"{', '.join(escape_name(each.variable.name) for each in asked)} gets a gradient"
    if not terms:
        step = unaudited_step(audit._retrace.source if audit._retrace else None)
        return f"{text} from what the model returns; {step}" if step else f"{text}; nothing blocks it"
    alone = join_first([escape_name(term) for term in dict.fromkeys(terms)], _FEW)
    return f"{text}, but only through {alone}; explain says what closes the other routes"


def _count_removed_barriers(idioms: Idioms, fences: Sequence[Fence]) -> Tuple[int, int]:
    """Return how many idiomatic stops, and how many other deliberate barriers, an alternative removes."""
    known = [(fence, idioms.of(fence.op)) for fence in fences]
    meant = [fence for fence, idiom in known if idiom is not None and idiom.is_meant]
    inverted = [fence for fence, idiom in known if idiom is not None and not idiom.is_meant]
    deliberate = [fence for fence in fences if fence.kind.deliberate and fence not in meant and fence not in inverted]
    return len(meant), len(deliberate)


def _starts(flow: GradientFlow, target: Target) -> Sequence[Route]:
    """Return the first barriers of each alternative:

    an op that raises, else those on a route that crosses the fewest.
    """
    for tensor in target.tensors:
        if flow.verdict(tensor) is Verdict.RAISES:
            return (_next(flow, target),)  # type: ignore[return-value]
    return fewest_routes(flow, frozenset(target.tensors))


def complete_alternative(
    request: AuditRequest, flow: GradientFlow, target: Target, start: Sequence[Fence]
) -> Optional[Tuple[Fence, ...]]:
    """Return the barriers of one alternative: the first ones, and those that still block the gradient without them."""
    taken = list(start)
    while taken:
        after = analyze(remove_barriers(request, flow, frozenset(fence.op for fence in taken)))
        if any(after.verdict(tensor) in WITH_GRADIENT for tensor in target.tensors):
            return tuple(taken)
        fresh = [fence for fence in _next(after, target) if fence.op not in {each.op for each in taken}]
        if not fresh:
            return None
        taken += fresh
    return None


def _words(audit: Audit, target: Target) -> str:
    """Return what to do, in words, about a variable that no edit gives a gradient, such as an unused one."""
    return what_to_do(audit, audit.variables[audit._index.require(target.variable.name)[0]])


def _next(flow: GradientFlow, target: Target) -> Sequence[Fence]:
    """Return the barriers to remove next: an op that raises, else those on the route that crosses the fewest."""
    for tensor in target.tensors:
        if flow.verdict(tensor) is Verdict.RAISES:
            op, index = flow.feeding[tensor]
            return (Fence(op, index, flow.rules.row(op).raises or BarrierKind.NO_GRADIENT),)
    return min((route for route in routes(flow, frozenset(target.tensors)) if route), key=len, default=())


def routes(flow: GradientFlow, ends: FrozenSet[int]) -> Sequence[Route]:
    """Return, for each of ``ends``, the barriers of a route that crosses the fewest."""
    search = _Search(flow)
    result = (search.routes(end, 1) for end in ends)
    return [route for each in result for route in each]


def fewest_routes(flow: GradientFlow, ends: FrozenSet[int]) -> Sequence[Route]:
    """Return the barriers of the routes that cross the fewest, a few different ones at most."""
    search = _Search(flow)
    result = [route for end in sorted(ends) for route in search.routes(end, _ROUTES) if route]
    fewest = min(map(len, result), default=0)
    return [route for route in result if len(route) == fewest][:_ROUTES]


class _Search:
    """A 0-1 breadth-first search from all tensors that carry; ``_before`` has all best edges into each tensor."""

    def __init__(self, flow: GradientFlow) -> None:
        edges = Edges(flow, carries)
        self._crossed: Dict[int, int] = dict.fromkeys([*flow.losses, *flow.carried.order], 0)
        self._starts = frozenset(self._crossed)
        self._before: Dict[int, List[Tuple[int, Optional[Fence]]]] = {}

        def onward(tensor: int) -> Iterator[Tuple[int, int]]:
            for edge in edges(tensor):
                if _is_open(flow, tensor, edge):
                    self._note(tensor, edge)
                    yield edge.source, edge.cost

        settle_costs(self._crossed, list(self._crossed), onward)

    def _note(self, tensor: int, edge: Edge) -> None:
        total = self._crossed[tensor] + edge.cost
        known = self._crossed.get(edge.source, total + 1)
        if total < known:
            self._before[edge.source] = []
        if total <= known and edge.source not in self._starts:
            self._before[edge.source].append((tensor, edge.fence if edge.cost else None))

    def routes(self, end: int, most: int) -> Sequence[Route]:
        """Return the barriers of the routes to ``end`` that cross the fewest.

        Barriers nearest to the loss come first, one for each op.
        """
        if end not in self._crossed:
            return ()
        if most == 1:
            return (self._first(end),)
        result: Dict[int, Dict[FrozenSet[int], Route]] = {start: {frozenset(): ()} for start in self._starts}
        after = self._reverse_edges(end)
        waiting: Deque[int] = deque(tensor for tensor in after if tensor in self._starts)
        while waiting:
            tensor = waiting.popleft()
            for source, fence in after[tensor]:
                known = result.setdefault(source, {})
                for route in list(result[tensor].values()):
                    longer = route if fence is None else (*route, fence)
                    ops = frozenset(each.op for each in longer)
                    if ops not in known and len(known) < most:
                        known[ops] = longer
                        waiting.append(source)
        return tuple(result.get(end, {}).values())

    def _first(self, tensor: int) -> Route:
        fences: List[Fence] = []
        while tensor in self._before:
            tensor, fence = self._before[tensor][0]
            fences += [fence] if fence is not None else []
        return tuple(reversed(fences))

    def _reverse_edges(self, end: int) -> Dict[int, List[Tuple[int, Optional[Fence]]]]:
        """Return the reversed edges of the routes that lead to ``end``."""
        result: Dict[int, List[Tuple[int, Optional[Fence]]]] = {end: []}
        for tensor in walk_depth_first([end], lambda each: [before for before, _ in self._before.get(each, ())]):
            for before, fence in self._before.get(tensor, ()):
                result.setdefault(before, []).append((tensor, fence))
        return result


def _is_open(flow: GradientFlow, tensor: int, edge: Edge) -> bool:
    """Return whether an edge has no barrier, or a removable one (not filled-in zeros, not an assignment elsewhere)."""
    if edge.fence is None or edge.fence.kind not in (BarrierKind.ZERO_FILLED, BarrierKind.STATE):
        return True
    return edge.fence.kind is BarrierKind.STATE and edge.fence.op == flow.rules.flat.producer[tensor]


def _suggestions(
    audit: Audit, target: Target, idioms: Idioms, fences: Sequence[Fence], number: int, reader: SourceReader
) -> List[Suggestion]:
    traced, name, retrace = audit._request.traced, target.variable.name, audit._retrace
    position = next((at for at, each in enumerate(audit._targets) if each.variable is target.variable), 0)
    tape = TapeSource(retrace.gradient_at if retrace else None, position, len(audit._targets))
    candidates = opening_candidates(traced, idioms, fences, tape, reader)
    judge = _Judge(audit, name)
    chosen, is_confirmed = (None, False) if traced.edited else best(candidates, judge)
    if not is_confirmed and not all(_keeps_type(traced.flat, fence.op) for fence in fences):
        # the readers of the integers or booleans have to change, too, so an edit that was not traced would mislead
        chosen = None
    shown = {owner: (diff, code) for owner, diff, code in (diffs(chosen) if chosen else ())}
    made = []
    for order, fence in enumerate(fences):
        diff, code = shown.get(order, ("", ""))
        prose = "" if diff else _serve_words(shown) if is_confirmed else _prose(audit, fence)
        made.append(
            Suggestion(
                tensor=traced.flat.tensor_name(traced.flat.first_output[fence.op]) if traced.flat.outputs(fence.op) else "",
                op=traced.flat.names[fence.op],
                where=traced.place(fence.op)[0],
                code=code,
                diff=diff,
                confirmed=is_confirmed,
                alternative=number,
                prose=prose,
                note="; ".join(filter(None, [_note(idioms, fence), judge.note if diff and is_confirmed else ""])),
            )
        )
    return made


def _keeps_type(flat: FlatGraph, op: int) -> bool:
    """Return whether an op has only float inputs and outputs, so an edit can keep dtype and shape."""
    return all(is_float(flat.dtypes[tensor]) for tensor in (*flat.inputs[op], *flat.outputs(op)))


def _serve_words(shown: Mapping[int, Any]) -> str:
    return "the edit above serves this barrier, too" if shown else ""


def _note(idioms: Idioms, fence: Fence) -> str:
    idiom = idioms.of(fence.op)
    return "" if idiom is None else idiom.note


def _prose(audit: Audit, fence: Fence) -> str:
    """Return the advice for a barrier."""
    flat = audit._request.traced.flat
    barrier = audit._findings.barrier_of(fence)
    made = [dtype_name(flat.dtypes[tensor]) for tensor in flat.outputs(fence.op)]
    place_of = f" at {at(barrier.where)}" if barrier.where else ""
    reads_floats = any(is_float(flat.dtypes[tensor]) for tensor in flat.inputs[fence.op])
    discrete = next(filter(is_discrete, made), "") if fence.kind in (BarrierKind.ZERO, BarrierKind.DTYPE) else ""
    if (
        discrete and reads_floats
    ):  # a gradient function answers zeros for the integers that an op makes beside its floats, as for TopKV2
        made_by = f"the {discrete} that {escape_name(barrier.op)} ({escape_name(barrier.type)}) makes"
        return f"{made_by}{place_of} has no gradient: {of_maker(barrier.type, discrete)}"
    return f"{place(barrier)}{place_of}: {advice(barrier, made[0] if made else '')}"


class _Judge:
    """Judge edits of the source: the variable must have a gradient, and every other variable what it had.

    ``note`` says which gradients such an edit takes from the other losses of the step.
    """

    def __init__(self, audit: Audit, name: str) -> None:
        self._audit, self._name = audit, name
        self._others = other_losses(audit)
        self.note = ""

    def __call__(self, candidate: Candidate) -> Optional[bool]:
        """Return whether an edit holds; ``None`` if the source cannot be traced again."""

        def holds(pairs: Rows, _: Any, losses: Sequence[LostGradients]) -> bool:
            wanted = [new for row, new in pairs if row.name == self._name]
            kept = [new for row, new in pairs if row.verdict in WITH_GRADIENT]
            self.note = "; ".join(str(each) for each in losses if not each.is_part)
            return all(new is not None and new.verdict in WITH_GRADIENT for new in [*wanted, *kept]) and bool(wanted)

        return confirm(self._audit, candidate.edits, holds, self._others)
