"""Two audits side by side: which verdicts changed, and through which op.

The op is looked for where the variable gets less: in its cut, first of all what the other graph does not have or has as
another type of op; failing a cut, the conditional that its gradient hangs on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Optional, Tuple

from graphcut.terms import Change, VariableAudit, Verdict

if TYPE_CHECKING:
    from typing import Protocol

    import networkx as nx

    class Facts(Protocol):
        """What is compared of an audit."""

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def graph(self) -> nx.DiGraph: ...


_LEAST_FIRST = (Verdict.RAISES, Verdict.NONE, Verdict.ZERO, Verdict.CONDITIONAL, Verdict.FLOWS)


def changes(before: Facts, after: Facts) -> Tuple[Change, ...]:
    """The variables of both audits whose verdicts differ, in the order of ``before``."""
    return tuple(_changes(before, after))


def _changes(before: Facts, after: Facts) -> Iterator[Change]:
    old = {each.name: each for each in before.variables}
    new = {each.name: each for each in after.variables}
    for name in {**old, **new}:
        if name not in new:
            yield Change(name, old[name].verdict, None)
        elif name not in old:
            yield Change(name, None, new[name].verdict)
        elif old[name].verdict is not new[name].verdict:
            less_before = _rank(old[name]) < _rank(new[name])
            op = _op(old[name], before, after) if less_before else _op(new[name], after, before)
            yield Change(name, old[name].verdict, new[name].verdict, op)


def _rank(variable: VariableAudit) -> int:
    return _LEAST_FIRST.index(variable.verdict)


def _op(less: VariableAudit, own: Facts, other: Facts) -> Optional[str]:
    ops: List[Optional[str]] = [each.op for each in less.cut]
    ops += [each.op for each in less.conditions]
    fresh = [op for op in ops if op and _type(own.graph, op) != _type(other.graph, op)]
    return (fresh or ops or [None])[0]


def _type(graph: nx.DiGraph, op: str) -> Optional[str]:
    return str(graph.nodes[op]["type"]) if op in graph else None
