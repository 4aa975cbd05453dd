"""Find which gradients of other losses an edit takes away.

The other losses are those of the same step, each with its own audit, or those that the backward part of the same graph
differentiates. Only the variables that a loss trains count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.live_routes import find_dependent_tensors
from graphcut.analysis.request import Loss
from graphcut.analysis.verdicts import GradientFlow
from graphcut.api.analyze import analyze
from graphcut.api.select.resolve_variables import targets
from graphcut.api.what_if import stop_tensors
from graphcut.graph.targets import Target
from graphcut.graph.variable_updates import training_part
from graphcut.render.name_folding import labels, scope_sizes
from graphcut.render.text.headings import with_headings
from graphcut.results import WITH_GRADIENT, VariableAudit
from graphcut.results.words import escape_name
from graphcut.util.text import join_first

if TYPE_CHECKING:
    from graphcut.api.audit import Audit

_NAMED = 4
# From an audit before an edit and one after it: the row after it of each variable, by its name before it.
MatchRows = Callable[[Any, Any], Mapping[str, Optional[VariableAudit]]]


@dataclass(frozen=True)
class LostGradients:
    """The variables that get no gradient of another loss after an edit, or only a part of it (``is_part``)."""

    loss: str
    names: Tuple[str, ...]
    others: Tuple[str, ...]
    is_part: bool = False

    def __str__(self) -> str:
        groups = labels(self.names, scope_sizes(dict.fromkeys([*self.names, *self.others])))
        texts = [escape_name(each.text) + (f" ({each.count})" if each.count > 1 else "") for each in groups]
        part = "a part of " if self.is_part else ""
        return f"this also takes {part}the gradient of {escape_name(self.loss)} to {join_first(texts, _NAMED)}"


@dataclass(frozen=True)
class OtherLoss:
    """Another loss of the same step or graph: its heading, its gradient flow, and the variables that it trains."""

    heading: str
    audit: Audit
    flow: GradientFlow
    targets: Tuple[Target, ...]

    def lost(self, names: Sequence[str], is_part: bool = False) -> LostGradients:
        """Return what an edit takes from some of the variables."""
        others = [each.variable.name for each in self.audit._targets]
        return LostGradients(self.heading, tuple(names), tuple(others), is_part)

    def passed(self, name: str) -> int:
        """Return how many tensors the gradient of a variable passes."""
        return _count_passed(self.flow, (each for each in self.targets if each.variable.name == name))


def other_losses(audit: Audit) -> Tuple[OtherLoss, ...]:
    """Return the other losses of the step of an audit, or of its graph, with the variables that get a gradient of them."""
    siblings = audit._retrace.siblings if audit._retrace else ()
    if len(siblings) < 2:
        return tuple(_losses_of_graph(audit))
    listed, headings = with_headings(siblings)
    return tuple(_of_audit(head, each) for head, each in zip(headings, listed) if each is not audit)


def _of_audit(heading: str, audit: Audit) -> OtherLoss:
    flow = audit._findings.flow
    return OtherLoss(heading, audit, flow, _with_gradient(flow, audit._targets))


def _losses_of_graph(audit: Audit) -> Iterator[OtherLoss]:
    """Yield the other losses that the backward part of a graph differentiates and trains variables with."""
    traced, own = audit._traced, set(audit._request.loss.tensors)
    by_loss = training_part(traced.flat, traced.names).by_loss
    every = targets(traced, None) if by_loss else ()
    for loss, handles in by_loss.items():
        trained = [each for each in every if not handles.isdisjoint(each.tensors)]
        if loss and trained and own.isdisjoint(loss):
            flow = analyze(audit._request._replace(loss=Loss(loss, "")))
            heading = " + ".join(map(traced.flat.tensor_name, loss))
            yield OtherLoss(heading, audit, flow, _with_gradient(flow, trained))


def _with_gradient(flow: GradientFlow, targets: Iterable[Target]) -> Tuple[Target, ...]:
    return tuple(each for each in targets if _gets_gradient(flow, each))


def _gets_gradient(flow: GradientFlow, target: Target) -> bool:
    return any(flow.verdict(tensor) in WITH_GRADIENT for tensor in target.tensors)


def tensors_needed(audit: Audit, others: Sequence[OtherLoss]) -> FrozenSet[int]:
    """Return the tensors of an audit's graph that the gradients of other losses pass."""
    result: List[int] = []
    for each in others:
        passed = find_dependent_tensors(each.flow, frozenset(tensor for row in each.targets for tensor in row.tensors))
        result += _same_tensors(each.audit, audit, passed)
    return frozenset(result)


def _same_tensors(source: Audit, other: Audit, tensors: Iterable[int]) -> List[int]:
    """Return the tensors of the same names in the graph of another gradient of the step."""
    if source is other:
        return list(tensors)
    names = map(source.flat.tensor_name, tensors)
    return [tensor for name in names for tensor in other._traced.names.tensors(name)]


def lost_by_stops(audit: Audit, others: Sequence[OtherLoss], tensors: Sequence[int]) -> List[LostGradients]:
    """Return what stops in the graph of an audit take from the other losses."""
    result = []
    for each in others:
        request = each.audit._request
        if each.audit is audit:
            request = request._replace(loss=Loss(tuple(each.flow.losses), ""))
        after = analyze(stop_tensors(request, _same_tensors(audit, each.audit, tensors)))
        names = [row.variable.name for row in each.targets if not _gets_gradient(after, row)]
        result += [each.lost(names)] if names else []
    return result


def lost_by_edit(others: Sequence[OtherLoss], audits: Sequence[Any], edited: Any, match: MatchRows) -> List[LostGradients]:
    """Return what an edit of the source takes from the other losses.

    Args:
        others: the other losses before the edit.
        audits: all audits of the edited source.
        edited: the one of them that belongs to the audit whose source was edited.
        match: find the rows of the same variables after the edit.
    """
    result = []
    for each in others:
        new = _after_edit(each, audits, edited)
        rows = match(each.audit, new.audit) if new else {}
        getting = {target.variable.name for target in new.targets} if new else set()
        names = {target.variable.name for target in each.targets}
        pairs = [(row.name, rows.get(row.name)) for row in each.audit if row.name in names]
        lost = [name for name, row in pairs if row is None or row.name not in getting]
        pairs_with_gradient = [(name, row.name) for name, row in pairs if row is not None and row.name in getting]
        part = [name for name, now in pairs_with_gradient if new and new.passed(now) < each.passed(name)]
        result += [each.lost(lost)] * bool(lost) + [each.lost(part, is_part=True)] * bool(part)
    return result


def _after_edit(before: OtherLoss, audits: Sequence[Any], edited: Any) -> Optional[OtherLoss]:
    """Return the same loss after an edit; ``None`` if the edited source does not differentiate it."""
    siblings = before.audit._retrace.siblings if before.audit._retrace else ()
    if len(siblings) < 2:
        return next((each for each in _losses_of_graph(edited) if each.heading == before.heading), None)
    if len(siblings) == len(audits):
        audit = next(new for old, new in zip(siblings, audits) if old is before.audit)
    else:
        audit = next((each for each in audits if each.loss_where == before.audit.loss_where), None)
    return None if audit is None else _of_audit(before.heading, audit)


def passed(audit: Audit, names: FrozenSet[str]) -> int:
    """Return how many tensors the gradients of some variables pass."""
    return _count_passed(audit._findings.flow, (each for each in audit._targets if each.variable.name in names))


def _count_passed(flow: GradientFlow, targets: Iterable[Target]) -> int:
    return len(find_dependent_tensors(flow, frozenset(tensor for each in targets for tensor in each.tensors)))
