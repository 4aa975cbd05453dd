"""The rows of the table, without layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional, Sequence, Tuple

from graphcut.render.name_folding import Group, Label, distinct_barriers, fold_alike, names_beside, one_by_one
from graphcut.results import WITH_GRADIENT, Barrier, BarrierKind, VariableAudit, Verdict
from graphcut.results.words import at, branch, escape_name, kind_words, place, trainers
from graphcut.results.words import shape_text as shape_text

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts

_NAMED, _WIDTH = 4, 100  # names in a cell, and characters in total
HEADINGS = ("verdict", "variable", "shape", "what cuts it", "where")
PlaceOf = Callable[[str], Optional[str]]


@dataclass(frozen=True)
class Row:
    """One line of the table: variables that share an outcome. All text is escaped for a terminal."""

    verdict: Verdict
    variable: str
    shape: str
    reason: str
    where: str

    @property
    def cells(self) -> Tuple[str, str, str, str, str]:
        """The text of the row, in the order of ``HEADINGS``."""
        return self.verdict.value, self.variable, self.shape, self.reason, self.where


def rows_of(facts: ReportFacts, is_folded: bool = True) -> Tuple[Row, ...]:
    """Return the rows of an audit; no scope such as ``encoder/*`` covers a variable that the gradient call left out."""
    if not is_folded:
        return every_row(facts.variables, facts.place_of)
    return rows(facts.variables, facts.place_of, names_beside(facts.left_out))


def rows(
    variables: Sequence[VariableAudit], place_of: PlaceOf = lambda op: None, others: Sequence[str] = ()
) -> Tuple[Row, ...]:
    """Return the variables folded, worst first; ``place_of`` returns the ``file:line`` of an op by its name.

    No scope covers one of the names in ``others``.
    """
    return tuple(_row(group, place_of) for group in fold_alike(variables, others))


def every_row(variables: Sequence[VariableAudit], place_of: PlaceOf = lambda op: None) -> Tuple[Row, ...]:
    """Return a row for each variable, worst first."""
    return tuple(_row(group, place_of) for group in one_by_one(variables))


def _row(group: Group, place_of: PlaceOf) -> Row:
    first = group.variables[0]
    wheres = tuple(dict.fromkeys(at(cut.where) for cut in named_cuts(first) if cut.where))
    alone = len(wheres) < 2  # with several, each line is written beside its barrier
    reasons = "; ".join(_reason(group, not alone))
    where = "".join(wheres) if alone else ""
    if not named_cuts(first):
        places = {place_of(op) for op in [*(each.op for each in first.conditions), *_only_terms(group)][:1]}
        where = "".join(at(each) for each in places if each)
    return Row(first.verdict, _names(group.labels), _shape(group), reasons, where)


def _only_terms(group: Group) -> Sequence[str]:
    """Return the loss term that the gradients of all variables of a group come through, if it is one."""
    terms = {each.only_through for each in group.variables}
    return () if group.variables[0].conditions or len(terms) > 1 else group.variables[0].only_through


def named_cuts(variable: VariableAudit) -> Tuple[Barrier, ...]:
    """Return the barriers to name in the table; stops of a library only if there are no others. The rest is counted."""
    cuts = tuple(distinct_barriers(variable.cut).values())
    own = tuple(cut for cut in cuts if not (cut.library and cut.kind is BarrierKind.STOP_GRADIENT))
    return (own or cuts)[:3]


def count_cuts(variable: VariableAudit) -> int:
    """Return the number of distinct barriers in a cut."""
    repeated = len(variable.cut) - len(distinct_barriers(variable.cut))
    return max(variable.cut_size, len(variable.cut)) - repeated


def _names(labels: Sequence[Label]) -> str:
    """Return the names that fit into a cell, at least one, such as ``encoder/* (24), head/kernel``; the rest is counted."""
    texts = _fitting(labels)
    rest = sum(each.count for each in labels[len(texts) :])
    return ", ".join(texts) + (f" and {rest} more" if rest else "")


def _fitting(labels: Sequence[Label]) -> List[str]:
    texts = [escape_name(each.text) + (f" ({each.count})" if each.count > 1 else "") for each in labels[:_NAMED]]
    while len(texts) > 1 and len(", ".join(texts)) > _WIDTH:
        texts.pop()
    return texts


def _shape(group: Group) -> str:
    """Return the shape that all variables share, or the shape of each if each is named."""
    shapes = [shape_text(variable.shape) for variable in group.variables]
    if len(set(shapes)) == 1:
        return shapes[0]
    named = len(group.labels) == len(shapes) == len(_fitting(group.labels))
    return ", ".join(shapes) if named else ""


def _reason(group: Group, with_lines: bool) -> Iterator[str]:
    variable = group.variables[0]
    if variable.unused:
        yield "unused: nothing leads from it to the loss"
    for cut in named_cuts(variable):
        yield _place(cut, group) + (f", {at(cut.where)}" if with_lines and cut.where else "")
    more = count_cuts(variable) - len(named_cuts(variable))
    if more > 0:
        yield f"{more} more"
    for condition in variable.conditions:
        yield f"comes only in {branch(condition)}"
    for term in _only_terms(group):
        yield f"comes only through the loss term {escape_name(term)}"
    if variable.trainable is False:
        yield "not trainable"
    yield from update(variable)


def _place(cut: Barrier, group: Group) -> str:
    """Return the place of a barrier; for equal barriers the first and last place and their number."""
    index = list(distinct_barriers(group.variables[0].cut).values()).index(cut)
    ops = list(dict.fromkeys(list(distinct_barriers(each.cut).values())[index].op for each in group.variables))
    if len(ops) == 1:
        return place(cut)
    return f"{kind_words(cut)} at {escape_name(ops[0])} … {escape_name(ops[-1])} ({len(ops)} {escape_name(cut.type)} ops)"


def update(variable: VariableAudit) -> Iterator[str]:
    """Yield remarks on unusual updates of a variable."""
    gets = variable.verdict in WITH_GRADIENT
    if variable.is_updated is False and gets and variable.trainable is not False:
        yield "never updated"
    if variable.is_updated and not gets:
        yield _nevertheless(variable)
    if is_of_others(variable):
        yield f"trained by {trainers(variable)}, not by this loss"


def _nevertheless(variable: VariableAudit) -> str:
    """Return the remark on a variable that is written without a gradient of this loss that could change it."""
    if variable.trained_by:
        return f"trained by {trainers(variable)}"
    return "written, but this gradient does not change it" if variable.verdict is Verdict.ZERO else "updated nevertheless"


def is_of_others(variable: VariableAudit) -> bool:
    """Return whether a variable gets a gradient of this loss, and only the gradients of other losses update it."""
    return variable.verdict in WITH_GRADIENT and variable.is_trained is False and bool(variable.trained_by)
