"""The same variable in several audits: told by what the audits take for its identity.

Two audits side by side: which verdicts changed, and through which op.

The op is looked for where the variable gets less: in its cut, first of all what the other graph does not have or has as
another type of op; failing a cut, the conditional that its gradient hangs on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, FrozenSet, Hashable, Iterator, List, Optional, Sequence, Tuple

from graphcut.results import Change, VariableAudit, Verdict

if TYPE_CHECKING:
    from typing import Protocol

    class Identified(Protocol):
        """What an audit tells of its variables; ``identities`` has one entry for each."""

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def identities(self) -> Tuple[FrozenSet[Hashable], ...]: ...


Matched = Tuple[Optional[VariableAudit], ...]


def matched(audits: Sequence[Identified]) -> Tuple[Matched, ...]:
    """For each variable of any of the audits its row in each, ``None`` where an audit does not have it."""
    places: Dict[Hashable, int] = {}
    rows: List[List[Optional[VariableAudit]]] = []
    for column, audit in enumerate(audits):
        for variable, identity in zip(audit.variables, audit.identities):
            known = next((places[each] for each in identity if each in places), None)
            if known is None or rows[known][column] is not None:
                known = len(rows)
                rows.append([None] * len(audits))
            rows[known][column] = variable
            places.update(dict.fromkeys(identity, known))
    return tuple(map(tuple, rows))


if TYPE_CHECKING:
    from typing import Protocol

    import networkx as nx

    class ComparableAudit(Identified, Protocol):
        """What is compared of an audit."""

        @property
        def graph(self) -> nx.DiGraph: ...


_LEAST_FIRST = (Verdict.RAISES, Verdict.NONE, Verdict.ZERO, Verdict.CONDITIONAL, Verdict.FLOWS)


def changes(before: ComparableAudit, after: ComparableAudit) -> Tuple[Change, ...]:
    """The variables of both audits whose verdicts differ, in the order of ``before``."""
    return tuple(_changes(before, after))


def _changes(before: ComparableAudit, after: ComparableAudit) -> Iterator[Change]:
    for old, new in _pairs(before, after):
        if old is not None and new is None:
            yield Change(old.name, old.verdict, None)
        elif old is None and new is not None:
            yield Change(new.name, None, new.verdict)
        elif old is not None and new is not None and old.verdict is not new.verdict:
            op = _op(old, before, after) if _rank(old) < _rank(new) else _op(new, after, before)
            yield Change(old.name, old.verdict, new.verdict, op)


def _pairs(before: ComparableAudit, after: ComparableAudit) -> Iterator[Matched]:
    """The variables of both; those that are not the same object are paired by their names."""
    found = matched([before, after])
    lonely = {new.name: new for old, new in found if old is None and new is not None}
    paired = {old.name for old, new in found if old is not None and new is None and old.name in lonely}
    for old, new in found:
        if old is not None and new is None:
            yield old, lonely.get(old.name)
        elif old is not None or new is None or new.name not in paired:
            yield old, new


def _rank(variable: VariableAudit) -> int:
    return _LEAST_FIRST.index(variable.verdict)


def _op(less: VariableAudit, own: ComparableAudit, other: ComparableAudit) -> Optional[str]:
    ops: List[Optional[str]] = [each.op for each in less.cut]
    ops += [each.op for each in less.conditions]
    fresh = [op for op in ops if op and _type(own.graph, op) != _type(other.graph, op)]
    return (fresh or ops or [None])[0]


def _type(graph: nx.DiGraph, op: str) -> Optional[str]:
    return str(graph.nodes[op]["type"]) if op in graph else None
