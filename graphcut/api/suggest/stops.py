"""The fewest tensors to stop so that some variables get no gradient and all others the same gradient as before.

Each smallest set on other lines of code is an alternative. The one nearest the loss comes first, and a few are listed at most.

A tensor may be stopped if no gradient of a kept variable passes it (``live_routes.find_dependent_tensors``). In the body of a
function all its copies must be such tensors, for a line of code is in all of them. A gradient that is always zero counts as
none. The answer is confirmed by an audit of the edited graph.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
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
from graphcut.api.select.resolve_places import rows
from graphcut.api.suggest.confirm import Rows, confirm
from graphcut.api.suggest.source_changes import Candidate, SourceReader, best, diffs, stopping_candidates
from graphcut.api.what_if import is_wiring, stop_tensors
from graphcut.errors import GraphcutError, printable
from graphcut.graph.dtypes import base_dtype
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import READERS
from graphcut.graph.targets import Target
from graphcut.graph.variables import root
from graphcut.results import WITH_GRADIENT, Suggestion, Verdict
from graphcut.results.result_display import Suggestions
from graphcut.results.words import at, escape_name

if TYPE_CHECKING:
    from graphcut.api.audit import Audit

_NUMBERS = frozenset((1, 2, 8, 14, 18, 19))


_MOST = 4  # alternatives
_SEARCHES = 24
_LARGE = 400_000  # tensors that all searches of one question may visit
_MORE = "there are more sets of as few stops; these are the ones nearest the loss"


def suggest_stops(audit: Audit, block: Any, keep: Any, most: int = _MOST) -> Tuple[Suggestion, ...]:
    """Return the stops to add for every smallest alternative, in the graph's order; see ``Audit.suggest_stops``."""
    request, flow, audited = audit._request, audit._findings.flow, audit._index
    blocked = rows(audited, block)
    away = _tensors(blocked)
    kept = rows(audited, keep) if keep is not None else [
        each for each in audited.targets if away.isdisjoint(each.tensors)
    ]  # fmt: skip
    both = [each.variable.name for each in kept if not away.isdisjoint(each.tensors)]
    if both:
        raise GraphcutError("%s cannot be both blocked and kept" % printable(both[0]))
    try:
        paths = paths_to(flow, away, _tensors(kept))
        cuts, is_all = _smallest(request.traced, paths, most)
    except Uncuttable as error:
        raise _impossible(request.traced.flat, error.tensor, blocked) from None
    rank = ranks(flow)
    ways = [sorted(cut, key=lambda tensor: rank[request.traced.flat.producer[tensor]]) for cut in cuts]
    blocked_names, kept_names = (frozenset(each.variable.name for each in targets) for targets in (blocked, kept))
    reader = SourceReader()
    known: Dict[Hashable, List[Suggestion]] = {}
    for number, tensors in enumerate(ways):
        try:
            _confirm(request, flow, tensors, blocked, kept)
        except GraphcutError:
            if number == len(ways) - 1 and not known:
                raise
            continue
        group = list(_suggestions(audit, tensors, blocked_names, kept_names, len(known), reader))
        edits = tuple(each.diff for each in group)
        known.setdefault(edits if any(edits) else tuple(tensors), group)
    found = [suggestion for group in known.values() for suggestion in group]
    if found and not is_all and most > 1:
        found[-1] = replace(found[-1], note=_MORE)
    names = ", ".join(escape_name(each.variable.name) for each in blocked)
    return Suggestions(found, f"{names} gets no gradient; nothing is to stop")


def _smallest(traced: LoadedGraph, paths: Paths, most: int) -> Tuple[Sequence[FrozenSet[int]], bool]:
    """Return the smallest cuts that differ in their lines, and whether these are all.

    The loss itself is left alone, if there is a cut without it.
    """
    found = smallest_cut(paths)
    if not found.isdisjoint(paths.starts):
        elsewhere = replace(paths, rigid=paths.rigid | paths.starts)
        with suppress(Uncuttable):
            other = smallest_cut(elsewhere)
            paths, found = (elsewhere, other) if len(other) == len(found) else (paths, found)
    if not found or most < 2:
        return [_moved_outward(traced.flat, paths, found)], True
    lines: Dict[str, Set[int]] = {}

    def alike(tensor: int) -> FrozenSet[int]:
        """Return the tensors that the same line of code makes."""
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


def paths_to(flow: GradientFlow, away: FrozenSet[int], kept: FrozenSet[int]) -> Paths:
    """Return all that a gradient passes on its way to ``away``."""
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

    starts = {tensor for tensor in order if walk.parents[tensor] == SEED}
    return Paths(order, steps, starts, fixed & inside, _rigid(flat, order, fixed), ends & inside)


def _rigid(flat: FlatGraph, order: Sequence[int], fixed: FrozenSet[int]) -> FrozenSet[int]:
    """Return the tensors that no line of code stops: wiring, handles, and those whose copies serve a kept variable."""
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
    found, seen = tensor, {tensor}
    while tensor not in paths.ends and flat.type(flat.producer[tensor]) in ("_Arg", "_LoopVar"):
        sources = [source for source in paths.steps(tensor) if source not in seen]
        if len(sources) != 1:
            break
        tensor = sources[0]
        seen.add(tensor)
        found = found if tensor in paths.fixed or tensor in paths.rigid else tensor
    return found


def _place(flat: FlatGraph, tensor: int) -> Tuple[Any, str, int]:
    """Return the function, the op's name in it and the output, which all copies of a tensor share."""
    op = flat.producer[tensor]
    return flat.function(op), flat.names[op].rpartition(SEPARATOR)[2], tensor - flat.first_output[op]


def _confirm(
    request: AuditRequest, flow: GradientFlow, cut: Sequence[int], blocked: Sequence[Target], kept: Sequence[Target]
) -> None:
    """Audit again with the stops in place."""
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


def _suggestions(
    audit: Audit, tensors: Sequence[int], blocked: FrozenSet[str], kept: FrozenSet[str], number: int, reader: SourceReader
) -> Iterator[Suggestion]:
    traced = audit._request.traced
    flat, variables = traced.flat, [_variable(traced, tensor) for tensor in tensors]
    candidates = stopping_candidates(traced, tensors, [identifier(each) if each else "" for each in variables], reader)
    chosen, is_confirmed = best(candidates, lambda each: _holds(audit, each, blocked, kept))
    if not is_confirmed and (traced.edited or not all(is_whole_value(traced, tensor) for tensor in tensors)):
        chosen = None
    edits = {owner: (diff, code) for owner, diff, code in (diffs(chosen) if chosen else ())}
    for position, (tensor, variable) in enumerate(zip(tensors, variables)):
        op = flat.producer[tensor]
        diff, code = edits.get(position, ("", ""))
        yield Suggestion(
            tensor=flat.tensor_name(tensor),
            op=flat.names[op],
            where=traced.place(op)[0],
            code=code,
            diff=diff,
            confirmed=is_confirmed,
            alternative=number,
            prose="" if diff else _serve_words(edits) if is_confirmed else _prose(traced, tensor, variable),
        )


def _serve_words(edits: Mapping[int, Any]) -> str:
    return "the edit above stops this tensor, too" if edits else ""


def _prose(traced: LoadedGraph, tensor: int, variable: str) -> str:
    """Return in words where to put the stop."""
    op = traced.flat.producer[tensor]
    where = traced.place(op)[0]
    what = f"the value of variable {escape_name(variable)}" if variable else escape_name(traced.flat.tensor_name(tensor))
    made = ", ".join([escape_name(traced.flat.type(op)), *([at(where)] if where else [])])
    return f"put tf.stop_gradient around {what} ({made}), for all that reads it"


def _variable(traced: LoadedGraph, tensor: int) -> str:
    """Return the name of the variable that a tensor is the value of; empty where it is of none."""
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


def _holds(audit: Audit, candidate: Candidate, blocked: FrozenSet[str], kept: FrozenSet[str]) -> Optional[bool]:
    """Return whether, in the edited source, blocked variables get no gradient and kept ones the same as before."""

    def holds(pairs: Rows) -> bool:
        same = all(new is not None and new.verdict is row.verdict for row, new in pairs if row.name in kept)
        none = [new is not None and new.verdict in (Verdict.NONE, Verdict.ZERO) for row, new in pairs if row.name in blocked]
        return same and all(none) and len(none) == len(blocked)

    return confirm(audit, candidate.edits, holds)


def identifier(name: str) -> str:
    """Return the last piece of a name, as Python may have it: ``kernel`` of ``dense/kernel``."""
    return re.sub(r"\W", "_", re.split(r"[/%s]" % re.escape(SEPARATOR), name)[-1])
