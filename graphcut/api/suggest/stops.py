"""The fewest tensors to stop so that some variables get no gradient and all others the same gradient as before.

Each smallest set on other lines of code is an alternative. The one nearest the loss comes first, and a few are listed at most.

A tensor may be stopped if no gradient of a kept variable passes it (``live_routes.find_dependent_tensors``). In the body of a
function, this must hold for all its copies, because a line of code is in all of them. A gradient that is always zero counts as
none. The answer is confirmed by an audit of the edited graph.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    FrozenSet,
    Hashable,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from graphcut.analysis.fewest_barriers import ranks
from graphcut.analysis.graph_edits import readers_of
from graphcut.analysis.live_routes import find_dependent_tensors, find_leading_tensors, raising_for
from graphcut.analysis.reachability import SEED, Relation, Walk, carries, connected_inputs
from graphcut.analysis.request import AuditRequest
from graphcut.analysis.verdicts import GradientFlow
from graphcut.analysis.vertex_cut import Paths, Uncuttable, smallest_cut, smallest_cuts
from graphcut.api.analyze import analyze
from graphcut.api.select.resolve_places import require_rows, rows
from graphcut.api.suggest.confirm import Rows, confirm
from graphcut.api.suggest.layer_stops import layer_around, layer_names, layer_of_output
from graphcut.api.suggest.other_losses import (
    LostGradients,
    OtherLoss,
    lost_by_stops,
    other_losses,
    passed,
    tensors_needed,
)
from graphcut.api.suggest.source_changes import Candidate, SourceReader, StopPlace, best, diffs, stopping_candidates
from graphcut.api.suggest.use_stops import suggest_stopped_uses
from graphcut.api.what_if import is_wiring, stop_tensors
from graphcut.errors import GraphcutError, printable
from graphcut.graph.dtypes import base_dtype
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import READERS
from graphcut.graph.targets import Target
from graphcut.graph.traverse import find_reachable
from graphcut.graph.variables import root, values
from graphcut.render.name_folding import labels, scope_sizes
from graphcut.results import WITH_GRADIENT, LeftOutReason, Suggestion, Verdict
from graphcut.results.result_display import Suggestions
from graphcut.results.words import at, escape_name
from graphcut.util.text import join_first

if TYPE_CHECKING:
    from graphcut.api.audit import Audit

_NUMBERS = frozenset((1, 2, 8, 14, 18, 19))


_MOST = 4  # alternatives
_SEARCHES = 24
_LARGE = 400_000  # tensors that all searches of one call may visit
_NAMED = 4
_PATIENCE = 8  # further edits that are tried once one is acceptable
_BLOCKED = (Verdict.NONE, Verdict.ZERO)
_COUNTED = 64  # variables that are examined one by one
_MORE = "there are more sets of as few stops; these are the ones nearest the loss"


def suggest_stops(audit: Audit, block: Any, keep: Any, most: int = _MOST) -> Tuple[Suggestion, ...]:
    """Return the stops to add for every smallest alternative, in the graph's order; see ``Audit.suggest_stops``."""
    request, flow, audited = audit._request, audit._findings.flow, audit._index
    blocked = require_rows(audited, block)
    away = _tensors(blocked)
    unblocked = [each for each in audited.targets if away.isdisjoint(each.tensors)]
    kept = unblocked if keep is None else rows(audited, keep)
    both = [each.variable.name for each in kept if not away.isdisjoint(each.tensors)]
    if both:
        raise GraphcutError("%s cannot be both blocked and kept" % printable(both[0]))
    beside = _forgotten(audit, away) if keep is None else []
    others = other_losses(audit)
    needed = tensors_needed(audit, others)
    try:
        cuts, inexact, is_all = _CutSearch(request.traced, flow, away, kept, beside, most).find(needed)
    except Uncuttable as error:
        raise _impossible(request.traced.flat, error.tensor, blocked) from None
    rank = ranks(flow)
    cuts, beneath = _sparing(request.traced.flat, cuts, blocked, unblocked if keep is None else ())
    ways = [sorted(cut, key=lambda tensor: rank[request.traced.flat.producer[tensor]]) for cut in cuts]
    reader = SourceReader()
    known: Dict[Hashable, _Alternative] = {}
    for number, tensors in enumerate(ways):
        try:
            _confirm(request, flow, tensors, blocked, kept)
        except GraphcutError:
            if number == len(ways) - 1 and not known:
                raise
            continue
        made = _alternative(audit, _Judge(audit, others, blocked, kept), tensors, beside, reader)
        if frozenset(tensors) not in inexact or (made.group[0].confirmed and not made.harm):
            known.setdefault(made.key, made)
    result = _ranked(sorted(known.values(), key=lambda made: beneath[made.cut]), most)
    if known and all(each.harm for each in known.values()):
        shared = _shared_tensors(flow, away, needed)
        result = suggest_stopped_uses(audit, shared, reader, _Judge(audit, others, blocked, kept)) or result
    if result and not is_all and most > 1:
        result[-1] = replace(result[-1], note="; ".join(filter(None, [result[-1].note, _MORE])))
    names = ", ".join(escape_name(each.variable.name) for each in blocked)
    return Suggestions(result, f"{names} {'gets' if len(blocked) == 1 else 'get'} no gradient; there is nothing to stop")


def _sparing(
    flat: FlatGraph, cuts: Sequence[FrozenSet[int]], blocked: Sequence[Target], unblocked: Sequence[Target]
) -> Tuple[Sequence[FrozenSet[int]], Mapping[FrozenSet[int], int]]:
    """Return the cuts, and how many other variables lie behind each, also behind barriers.

    If others lie behind every cut, the values of the blocked variables themselves are one more, if they are as few.
    """

    def count(cut: FrozenSet[int]) -> int:
        above = find_reachable(cut, lambda tensor: flat.inputs[flat.producer[tensor]])
        return sum(not above.isdisjoint(each.tensors) for each in unblocked)

    beneath = {cut: count(cut) for cut in cuts}
    own = frozenset(value for each in blocked for value in values(flat, each.tensors))
    if cuts and cuts[0] and min(beneath.values()) and len(own) == len(cuts[0]) and own not in beneath:
        cuts, beneath[own] = [*cuts, own], count(own)
    return cuts, beneath


def _shared_tensors(flow: GradientFlow, away: FrozenSet[int], needed: FrozenSet[int]) -> List[int]:
    """Return the tensors on the way to ``away`` where it leaves what the other losses need, nearest the loss first."""
    flat, paths = flow.rules.flat, paths_to(flow, away, frozenset())
    own = [tensor for tensor in paths.order if tensor not in needed]
    left = {source for tensor in own for source in paths.steps(tensor) if source in needed}
    return sorted(left, key=lambda tensor: -ranks(flow)[flat.producer[tensor]])


@dataclass(frozen=True)
class _Alternative:
    """The suggestions for one cut.

    ``key`` is what makes it differ from others; ``is_inside`` says that no edit of the user's source can make it. ``harm`` is
    how many gradients it takes from other losses.
    """

    group: List[Suggestion]
    cut: FrozenSet[int]
    key: Hashable
    is_inside: bool
    harm: int


def _alternative(
    audit: Audit, judge: _Judge, tensors: Sequence[int], beside: Sequence[Target], reader: SourceReader
) -> _Alternative:
    """Return the suggestions for one cut, with notes on what else it stops."""
    traced, places = audit._request.traced, _places(audit, tensors)
    group = list(_suggestions(audit, places, judge, reader))
    edits = tuple(each.diff for each in group)
    losing = _losing_words(audit._request, audit._findings.flow, tensors, beside)
    losses = judge.losses
    if group and not group[0].confirmed:
        losses = lost_by_stops(audit, judge.others, tensors)
        losing = "; ".join(filter(None, [*map(str, losses), losing]))
    if group and losing:
        group[0] = replace(group[0], note="; ".join(filter(None, [group[0].note, losing])))
    return _Alternative(
        group=group,
        cut=frozenset(tensors),
        key=edits if any(edits) else tuple(each.variable or each.tensor for each in places),
        is_inside=not any(edits) and _is_inside_library(traced, places),
        harm=sum(len(each.names) for each in losses),
    )


def _ranked(alternatives: Sequence[_Alternative], most: int) -> List[Suggestion]:
    """Return the suggestions, numbered; only those that leave the other losses alone, if there are any."""
    usable = [each for each in alternatives if not each.is_inside] or list(alternatives)
    usable = [each for each in usable if not each.harm] or usable
    shown = usable[:1] if most < 2 else usable
    return [replace(each, alternative=number) for number, made in enumerate(shown) for each in made.group]


def _forgotten(audit: Audit, away: FrozenSet[int]) -> List[Target]:
    """Return the trainable variables that the loss reads and the gradient call does not include."""
    names = {each.name for each in audit.left_out if each.reason is LeftOutReason.FORGOTTEN and not each.is_stopped}
    result = [each for each in audit.left_out_targets if each.variable.name in names]
    return [each for each in result if away.isdisjoint(each.tensors)]


class _CutSearch(NamedTuple):
    """The search for the smallest cuts of the paths to some tensors (``away``).

    The gradients of ``kept`` stay whole. Those of ``beside`` do, too, unless that takes more stops.
    """

    traced: LoadedGraph
    flow: GradientFlow
    away: FrozenSet[int]
    kept: Sequence[Target]
    beside: Sequence[Target]
    most: int

    def find(self, needed: FrozenSet[int]) -> Tuple[Sequence[FrozenSet[int]], FrozenSet[FrozenSet[int]], bool]:
        """Return the smallest cuts, those that may cost a kept variable a part of its gradient, and whether these are all.

        Cuts that avoid what the other losses need (``needed``) come first. If no cut does that and keeps all gradients whole,
        those that only avoid it are added.
        """
        inexact: Sequence[FrozenSet[int]] = ()
        if needed:
            with suppress(Uncuttable):
                cuts, is_all = self._find_whole(needed)
                return cuts, frozenset(), is_all
            with suppress(Uncuttable):
                inexact, _ = _smallest(self.traced, paths_to(self.flow, self.away, frozenset(), needed), _MOST)
        try:
            cuts, is_all = self._find_whole(frozenset())
        except Uncuttable:
            if not inexact:
                raise
            cuts, is_all = (), True
        return [*inexact, *cuts], frozenset(inexact).difference(cuts), is_all

    def _find_whole(self, needed: FrozenSet[int]) -> Tuple[Sequence[FrozenSet[int]], bool]:
        """Return the smallest cuts that avoid ``needed`` and keep gradients whole, and whether these are all."""
        cuts, is_all = self._find_keeping(self.kept, needed)
        if self.beside and cuts:
            with suppress(Uncuttable):
                others, is_every_one = self._find_keeping([*self.kept, *self.beside], needed)
                if others and len(others[0]) <= len(cuts[0]):
                    return others, is_every_one
        return cuts, is_all

    def _find_keeping(self, kept: Sequence[Target], needed: FrozenSet[int]) -> Tuple[Sequence[FrozenSet[int]], bool]:
        return _smallest(self.traced, paths_to(self.flow, self.away, _tensors(kept), needed), self.most)


def _losing_words(request: AuditRequest, flow: GradientFlow, cut: Sequence[int], beside: Sequence[Target]) -> str:
    """Name the variables outside the gradient call that some stops cut off, too."""
    after = analyze(stop_tensors(request, cut)) if beside else flow
    lost = [each for each in beside if any(after.verdict(tensor) is not flow.verdict(tensor) for tensor in each.tensors)]
    names = join_first([escape_name(each.variable.name) for each in lost], _NAMED)
    return f"this also stops the gradient of {names}, which no gradient is asked for but the loss reads" if lost else ""


def _is_inside_library(traced: LoadedGraph, places: Sequence[StopPlace]) -> bool:
    """Return whether a library's layer creates any of the tensors, where no edit of the user's source can stop it."""
    plain = [traced.flat.producer[each.tensor] for each in places if not (each.variable or each.layer)]
    return any(where is None and is_of_library for where, is_of_library in map(traced.place, plain))


def _smallest(traced: LoadedGraph, paths: Paths, most: int) -> Tuple[Sequence[FrozenSet[int]], bool]:
    """Return the smallest cuts that differ in their lines, and whether these are all.

    The loss itself is not cut if there is another cut.
    """
    result = smallest_cut(paths)
    if not result.isdisjoint(paths.starts):
        elsewhere = replace(paths, rigid=paths.rigid | paths.starts)
        with suppress(Uncuttable):
            other = smallest_cut(elsewhere)
            paths, result = (elsewhere, other) if len(other) == len(result) else (paths, result)
    if not result or most < 2:
        return [_moved_outward(traced.flat, paths, result)], True
    lines: Dict[str, Set[int]] = {}

    def alike(tensor: int) -> FrozenSet[int]:
        """Return the tensors that the same line of code creates."""
        if not lines:
            for each in paths.order:
                lines.setdefault(traced.place(traced.flat.producer[each])[0] or "", set()).add(each)
        where = traced.place(traced.flat.producer[tensor])[0]
        return frozenset(lines[where] if where else ()) | {tensor}

    cuts, is_all = smallest_cuts(paths, alike, most, min(_SEARCHES, _LARGE // len(paths.order)))
    return list(dict.fromkeys(_moved_outward(traced.flat, paths, cut) for cut in cuts)), is_all


def _moved_outward(flat: FlatGraph, paths: Paths, cut: FrozenSet[int]) -> FrozenSet[int]:
    return frozenset(_outward(flat, paths, tensor) for tensor in cut)


def _tensors(targets: Iterable[Target]) -> FrozenSet[int]:
    return frozenset(tensor for target in targets for tensor in target.tensors)


def _impossible(flat: FlatGraph, tensor: int, blocked: Sequence[Target]) -> GraphcutError:
    names = [each.variable.name for each in blocked if tensor in each.tensors] or [flat.tensor_name(tensor)]
    return GraphcutError(
        "no stop cuts off %s alone: everything between it and the loss also serves a variable to keep\n"
        "Keep fewer variables (keep=), or leave %s out of the optimizer's list of variables."
        % (printable(names[0]), printable(names[0]))
    )


def paths_to(flow: GradientFlow, away: FrozenSet[int], kept: FrozenSet[int], needed: FrozenSet[int] = frozenset()) -> Paths:
    """Return all paths of a gradient to ``away``; no cut takes what ``kept`` depends on, or one of ``needed``."""
    flat = flow.rules.flat
    raising = raising_for(flow, away)
    exact = bool(raising or flow.connected.independent)
    relation: Relation = connected_inputs if exact else carries
    walk: Walk = flow.connected if exact else flow.carried
    ends = away | frozenset(tensor for op in raising for tensor in flat.outputs(op))
    inside = find_leading_tensors(flow, walk, relation, ends)
    order = [tensor for op in reversed(flow.order) for tensor in flat.outputs(op) if tensor in inside]
    fixed = find_dependent_tensors(flow, kept)

    def steps(tensor: int) -> List[int]:
        op = flat.producer[tensor]
        inputs = () if op in flow.stopped else relation(flow.rules.row(op))[tensor - flat.first_output[op]]
        return [flat.inputs[op][index] for index in inputs if flat.inputs[op][index] in inside]

    rigid = _tensors_without_code(flat, order, fixed) | (needed & inside)
    starts = {tensor for tensor in order if walk.parents[tensor] == SEED}
    return Paths(order, steps, starts, fixed & inside, rigid, ends & inside)


def _tensors_without_code(flat: FlatGraph, order: Sequence[int], fixed: FrozenSet[int]) -> FrozenSet[int]:
    """Return the tensors that no line of code can stop: wiring, handles, and those that a kept variable needs in a copy."""
    shared = {_place(flat, tensor) for tensor in fixed if flat.contexts[flat.producer[tensor]] >= 0}
    return frozenset(
        tensor
        for tensor in order
        if base_dtype(flat.dtypes[tensor]) not in _NUMBERS
        or is_wiring(flat, tensor)
        or (flat.contexts[flat.producer[tensor]] >= 0 and _place(flat, tensor) in shared)
    )


def _outward(flat: FlatGraph, paths: Paths, tensor: int) -> int:
    """Return the input of a call or loop in place of its argument in the body, if stopping it has the same effect."""
    result, seen = tensor, {tensor}
    while tensor not in paths.ends and flat.type(flat.producer[tensor]) in ("_Arg", "_LoopVar"):
        sources = [source for source in paths.steps(tensor) if source not in seen]
        if len(sources) != 1:
            break
        tensor = sources[0]
        seen.add(tensor)
        result = result if tensor in paths.fixed or tensor in paths.rigid else tensor
    return result


def _place(flat: FlatGraph, tensor: int) -> Tuple[Any, str, int]:
    """Return the function, the op's name in it and the output, which all copies of a tensor share."""
    op = flat.producer[tensor]
    return flat.function(op), flat.names[op].rpartition(SEPARATOR)[2], tensor - flat.first_output[op]


def _confirm(
    request: AuditRequest, flow: GradientFlow, cut: Sequence[int], blocked: Sequence[Target], kept: Sequence[Target]
) -> None:
    """Audit the graph again with the stops inserted."""
    after = analyze(stop_tensors(request, cut)) if cut else flow
    wrong: Set[str] = {each.variable.name for each in blocked for tensor in each.tensors if _gets_gradient(after, tensor)}
    wrong |= {
        each.variable.name for each in kept for tensor in each.tensors if after.verdict(tensor) is not flow.verdict(tensor)
    }
    if wrong:
        raise GraphcutError(
            "no set of stops does this: the closest one has the wrong effect on %s\n"
            "Leave the variables out of the optimizer's list instead." % printable(sorted(wrong)[0])
        )


def _gets_gradient(flow: GradientFlow, tensor: int) -> bool:
    return flow.verdict(tensor) in (*WITH_GRADIENT, Verdict.RAISES)


def _suggestions(audit: Audit, places: Sequence[StopPlace], judge: _Judge, reader: SourceReader) -> Iterator[Suggestion]:
    traced, retrace = audit._request.traced, audit._retrace
    flat, tensors = traced.flat, [each.tensor for each in places]
    candidates = stopping_candidates(traced, places, reader, retrace.builder if retrace else None)
    chosen, is_confirmed = best(judge.until_patience_ends(candidates), judge, is_ordered=True)
    if not is_confirmed and judge.lossy is not None:
        chosen, is_confirmed = judge.lossy, True
    note = judge.note if chosen is not None and chosen is judge.lossy else ""
    if not is_confirmed and (traced.edited or not all(is_whole_value(traced, tensor) for tensor in tensors)):
        chosen = None
    edits = {owner: (diff, code) for owner, diff, code in (diffs(chosen) if chosen else ())}
    prose = dict(_prose(traced, places, judge.blocked)) if not is_confirmed else dict.fromkeys(tensors, _serve_words(edits))
    for position, tensor in enumerate(tensors):
        op = flat.producer[tensor]
        diff, code = edits.get(position, ("", ""))
        yield Suggestion(
            tensor=flat.tensor_name(tensor),
            op=flat.names[op],
            where=traced.place(op)[0],
            code=code,
            diff=diff,
            confirmed=is_confirmed,
            prose="" if diff else prose[tensor],
            note=note if diff else "",
        )


def _places(audit: Audit, tensors: Sequence[int]) -> List[StopPlace]:
    traced = audit._request.traced
    variables = [_variable(traced, tensor) for tensor in tensors]
    names = layer_names(traced, audit._retrace.source) if audit._retrace else frozenset()
    layers = ["" if name else layer_of_output(traced, tensor, names) for name, tensor in zip(variables, tensors)]
    around = ["" if name else layer_around(traced, tensor, names) for name, tensor in zip(variables, tensors)]
    return [StopPlace(*each) for each in zip(tensors, variables, layers, around)]


def _serve_words(edits: Mapping[int, Any]) -> str:
    return "the edit above stops this tensor, too" if edits else ""


def _prose(traced: LoadedGraph, places: Sequence[StopPlace], blocked: FrozenSet[str]) -> Iterator[Tuple[int, str]]:
    """Yield, for each tensor, where to put the stop; for tensors inside a library's layers, once, what to do instead."""
    of_layers = [
        each for each in places if (each.variable or each.around) and traced.place(traced.flat.producer[each.tensor])[1]
    ]
    read = [each.variable for each in of_layers if each.variable]
    meant = list(dict.fromkeys(read)) if len(read) == len(of_layers) else sorted(blocked)
    for each in places:
        if each in of_layers[1:]:
            yield each.tensor, "the advice above holds for this tensor, too"
        elif each in of_layers:
            names = join_first([escape_name(name) for name in meant], _NAMED)
            them = "it" if len(meant) == 1 else "them"
            yield each.tensor, f"set trainable = False on the layer of {names}, or leave {them} out of the gradient call"
        else:
            yield each.tensor, _stop_words(traced, each)


def _stop_words(traced: LoadedGraph, place: StopPlace) -> str:
    flat, op = traced.flat, traced.flat.producer[place.tensor]
    where = traced.place(op)[0]
    if place.layer and where is None:
        lambda_layer = "tf.keras.layers.Lambda(tf.stop_gradient)"
        return f"put a layer {lambda_layer} after layer {escape_name(place.layer)}, for everything that reads its output"
    tensor = escape_name(flat.tensor_name(place.tensor))
    what = f"the value of variable {escape_name(place.variable)}" if place.variable else tensor
    made = ", ".join([escape_name(flat.type(op)), *([at(where)] if where else [])])
    return f"put tf.stop_gradient around {what} ({made}), for everything that reads it"


def _variable(traced: LoadedGraph, tensor: int) -> str:
    """Return the name of the variable whose value a tensor is; empty if there is none."""
    flat, op = traced.flat, traced.flat.producer[tensor]
    reads = flat.type(op) in READERS | {"Identity"} and flat.inputs[op]
    handle = flat.tensor_name(root(flat, flat.inputs[op][0]) if reads else tensor)
    return next((each.name for each in traced.variables if handle in each.tensors), "")


def is_whole_value(traced: LoadedGraph, tensor: int) -> bool:
    """Return whether a tensor is the final value of its statement.

    It is if nothing of the same line reads it, and no other op of that line, from another call of the same function, is of its
    kind.
    """
    flat, op = traced.flat, traced.flat.producer[tensor]
    where = traced.place(op)[0]
    readers = readers_of(flat, lambda reader, index: flat.inputs[reader][index] == tensor).get(tensor, ())
    alike = (each for each in range(len(flat.names)) if flat.type(each) == flat.type(op) and each != op)
    twice = any(traced.place(each)[0] == where for each in alike)
    return where is not None and not twice and all(traced.place(reader)[0] != where for reader, _ in readers)


class _Judge:
    """Judge edits of the source: blocked variables must get no gradient, and kept ones the same as before.

    ``lossy`` is an edit after which a kept variable still has its verdict, but lost a part of its gradient, or that takes
    gradients of other losses of the step (``losses``): the first of those that take the fewest. ``note`` names the variables.
    """

    def __init__(self, audit: Audit, others: Sequence[OtherLoss], blocked: Sequence[Target], kept: Sequence[Target]) -> None:
        self._audit, self.others = audit, others
        self.blocked, self._kept = (frozenset(each.variable.name for each in rows) for rows in (blocked, kept))
        self.lossy: Optional[Candidate] = None
        self.losses: Sequence[LostGradients] = ()
        self.note = ""

    def until_patience_ends(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        """Yield candidates; once one is acceptable, yield only a few more."""
        left = _PATIENCE
        for each in candidates:
            yield each
            left -= self.lossy is not None
            if not left:
                break

    def __call__(self, candidate: Candidate) -> Optional[bool]:
        """Return whether an edit holds; ``None`` if the source cannot be traced again."""
        return confirm(self._audit, candidate.edits, partial(self._holds, candidate), self.others)

    def _holds(self, candidate: Candidate, pairs: Rows, after: Audit, losses: Sequence[LostGradients]) -> bool:
        same = all(new is not None and new.verdict is row.verdict for row, new in pairs if row.name in self._kept)
        none = [new is not None and new.verdict in _BLOCKED for row, new in pairs if row.name in self.blocked]
        if not (same and all(none) and len(none) == len(self.blocked)):
            return False
        names = [(row.name, new.name) for row, new in pairs if row.name in self._kept and new is not None]
        before, now = (passed(each, frozenset(side)) for each, side in zip((self._audit, after), (*zip(*names),) or ((), ())))
        is_better = self.lossy is None or _harm(losses) < _harm(self.losses)
        if (losses or now < before) and is_better:
            parts = [*map(str, losses), *([self._note(after, names)] if now < before else [])]
            self.lossy, self.losses, self.note = candidate, losses, "; ".join(parts)
        return now >= before and not losses

    def _note(self, after: Audit, names: Sequence[Tuple[str, str]]) -> str:
        """Return which kept variables lose a part of their gradient."""
        one_by_one = ((old, passed(self._audit, frozenset([old])), passed(after, frozenset([new]))) for old, new in names)
        lost = [old for old, before, now in one_by_one if now < before] if len(names) <= _COUNTED else []
        if not lost:
            return "this also stops a part of the gradient of other variables"
        result = labels(lost, scope_sizes(each.name for each in self._audit))
        texts = [escape_name(each.text) + (f" ({each.count})" if each.count > 1 else "") for each in result]
        return f"this also stops a part of the gradient of {join_first(texts, _NAMED)}"


def _harm(losses: Sequence[LostGradients]) -> Tuple[int, int]:
    """Return how many gradients of other losses are lost as a whole, and in part."""
    whole = sum(len(each.names) for each in losses if not each.is_part)
    return whole, sum(len(each.names) for each in losses) - whole
