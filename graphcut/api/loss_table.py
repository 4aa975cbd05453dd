"""Compare several losses: which variables each of them trains.

A row is a group of variables that share, in every audit, the verdict and the kind of barrier that cuts them off; a column is a
loss. Variables are matched by live object, else by name, else by position (``match_variables``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Hashable, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from graphcut.api.match_variables import Match, MatchedRow, match_variables
from graphcut.render.name_folding import labels, scope_sizes
from graphcut.render.text.headings import with_headings
from graphcut.render.text.table_rows import is_of_others
from graphcut.results import Assumption, VariableAudit

if TYPE_CHECKING:
    from typing import Protocol

    from graphcut.api.match_variables import Identified
    from graphcut.render.protocols import HeadedFacts

    class TableSource(Identified, HeadedFacts, Protocol):
        """The audit of one column of a table."""

        @property
        def assumptions(self) -> Tuple[Assumption, ...]: ...


_NAMED = 4


@dataclass(frozen=True)
class Row:
    """The variables that have the same outcome for every loss.

    ``label`` stands for ``names`` and shows at most a few of them; ``cells`` has, for each loss, the outcome of each of the
    variables, and is empty if that audit has none of them. ``matched_by`` says how the variables were matched across columns:
    by ``object``, ``name`` or ``position``; ``others`` has the names in the other columns, if they were matched by position.
    """

    label: str
    names: Tuple[str, ...]
    cells: Tuple[Tuple[VariableAudit, ...], ...]
    matched_by: str = Match.OBJECT.value
    others: str = ""


@dataclass(frozen=True)
class Table:
    """A table of variables by losses.

    ``str`` gives text; ``losses`` are the headings of the columns, ``rows`` the groups of variables (``label``, ``names``,
    ``cells``). ``assumptions`` has, for each loss, what its audit cannot certify.
    """

    losses: Tuple[str, ...]
    rows: Tuple[Row, ...]
    assumptions: Tuple[Tuple[Assumption, ...], ...] = ()

    def __str__(self) -> str:
        from graphcut.render.text.loss_table_formats import text

        return text(self)

    def _repr_html_(self) -> str:
        """Return the table, for a notebook."""
        return self.to_html()

    def to_dict(self) -> Dict[str, Any]:
        """Return everything in the table, as plain values, with the enums as words."""
        from graphcut.render.text.loss_table_formats import to_dict

        return to_dict(self)

    def to_json(self) -> str:
        """Return the table as JSON."""
        from graphcut.render.text.loss_table_formats import to_json

        return to_json(self)

    def to_html(self) -> str:
        """Return the table as one self-contained HTML element; all names are escaped."""
        from graphcut.render.text.loss_table_formats import html

        return html(self)


def table(audits: Union[TableSource, Iterable[TableSource], Mapping[str, TableSource]]) -> Table:
    """Compare audits side by side, in a table of variables and losses.

    Args:
        audits: one audit, or several, one for each loss; or a dict of them by the headings of their columns. By default
            the heading is the name of the traced function, the name of the target in the code of a step, or the loss.

    Returns:
        A ``Table``: ``print`` it, or call ``to_json()`` or ``to_html()``.

    >>> import graphcut
    >>> audit = graphcut.audit("fixtures/documents/003.meta")
    >>> print(graphcut.table({"with the stop": audit, "without": audit.what_if(remove="hidden")}))
    variable  with the stop        without
    w1        none: stop-gradient  flows
    w2        flows                flows
    """
    listed, heads = with_headings(audits)
    return Table(heads, _rows(match_variables(listed)), tuple(tuple(each.assumptions) for each in listed))


def _rows(matched: Sequence[MatchedRow]) -> Tuple[Row, ...]:
    names = list(_unique(next(each.name for each in row.variables if each is not None) for row in matched))
    totals = scope_sizes(names)
    groups: Dict[Hashable, List[int]] = {}
    for place, row in enumerate(matched):
        groups.setdefault((row.match is Match.POSITION, *map(_outcome, row.variables)), []).append(place)
    return tuple(_row(matched, names, group, totals) for group in groups.values())


def _row(matched: Sequence[MatchedRow], names: Sequence[str], group: Sequence[int], totals: Mapping[str, int]) -> Row:
    own = tuple(names[place] for place in group)
    columns = zip(*(matched[place].variables for place in group))
    matches = [matched[place].match for place in group]
    return Row(
        _label(own, totals),
        own,
        tuple(tuple(each for each in column if each is not None) for column in columns),
        max(matches, key=list(Match).index).value,
        _other_names(matched, group) if Match.POSITION in matches else "",
    )


def _label(names: Sequence[str], totals: Mapping[str, int]) -> str:
    texts = [each.text + (" (%d)" % each.count if each.count > 1 else "") for each in labels(names, totals)]
    return ", ".join(texts[:_NAMED] + ["…"] * (len(texts) > _NAMED))


def _other_names(matched: Sequence[MatchedRow], group: Sequence[int]) -> str:
    """Return which variables of a row have another name in another column."""
    pairs: Dict[str, None] = {}
    for place in group:
        listed = [each.name for each in matched[place].variables if each is not None]
        pairs.update(dict.fromkeys("%s is %s" % (listed[0], name) for name in listed if name != listed[0]))
    more = len(pairs) - _NAMED
    return ", ".join([*list(pairs)[:_NAMED], *["%d more" % more] * (more > 0)])


def _outcome(variable: Optional[VariableAudit]) -> Hashable:
    """Return the key by which variables of one loss share a row: verdict, use, first barrier kind, training."""
    if variable is None:
        return None
    cut = variable.cut[0].kind if variable.cut else None
    return variable.verdict, variable.unused, cut, variable.trained_by if is_of_others(variable) else ()


def _unique(names: Iterable[str]) -> Iterable[str]:
    """Return unique labels for different variables with the same name."""
    counts: Dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        yield name if counts[name] == 1 else "%s_%d" % (name, counts[name] - 1)
