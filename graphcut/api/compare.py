"""Compare two audits: which verdicts changed, and because of which op.

The op is taken from the audit in which the variable gets less: from its cut, preferably an op that is missing or has another
type in the other graph. Without a cut, it is the conditional that decides whether a gradient arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Optional, Tuple

from graphcut.api.match_variables import match_variables
from graphcut.results import Change, VariableAudit, Verdict

if TYPE_CHECKING:
    from typing import Protocol

    import networkx as nx

    from graphcut.api.match_variables import Identified

    class ComparableAudit(Identified, Protocol):
        """The parts of an audit that are compared."""

        @property
        def graph(self) -> nx.DiGraph: ...


_LEAST_FIRST = (Verdict.RAISES, Verdict.NONE, Verdict.ZERO, Verdict.CONDITIONAL, Verdict.FLOWS)


def changes(before: ComparableAudit, after: ComparableAudit) -> Tuple[Change, ...]:
    """Return the variables of both audits whose verdicts differ, in the order of ``before``."""
    return tuple(_changes(before, after))


def _changes(before: ComparableAudit, after: ComparableAudit) -> Iterator[Change]:
    for (old, new), match in match_variables([before, after]):
        if old is not None and new is None:
            yield Change(old.name, old.verdict, None)
        elif old is None and new is not None:
            yield Change(new.name, None, new.verdict)
        elif old is not None and new is not None and old.verdict is not new.verdict:
            op = _op(old, before, after) if _rank(old) < _rank(new) else _op(new, after, before)
            renamed = new.name if new.name != old.name else ""
            yield Change(old.name, old.verdict, new.verdict, op, renamed, match.value)


def _rank(variable: VariableAudit) -> int:
    return _LEAST_FIRST.index(variable.verdict)


def _op(less: VariableAudit, own: ComparableAudit, other: ComparableAudit) -> Optional[str]:
    ops: List[Optional[str]] = [each.op for each in less.cut]
    ops += [each.op for each in less.conditions]
    fresh = [op for op in ops if op and _type(own.graph, op) != _type(other.graph, op)]
    return (fresh or ops or [None])[0]


def _type(graph: nx.DiGraph, op: str) -> Optional[str]:
    return str(graph.nodes[op]["type"]) if op in graph else None
