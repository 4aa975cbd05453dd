"""The same variable in several audits: told by what the audits take for its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, FrozenSet, Hashable, List, Optional, Sequence, Tuple

from graphcut.terms import VariableAudit

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
