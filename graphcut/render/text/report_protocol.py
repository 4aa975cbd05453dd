"""What a report is written from, whoever holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Tuple

if TYPE_CHECKING:
    from typing import Protocol

    import networkx

    from graphcut.analysis.reasons.reason import Reason
    from graphcut.results import Assumption, Disagreement, LeftOut, Stop, VariableAudit

    class Facts(Protocol):
        """The plain results of one audit, for one loss."""

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def loss(self) -> Tuple[str, ...]: ...
        @property
        def loss_dtypes(self) -> Tuple[str, ...]: ...
        @property
        def loss_source(self) -> str: ...
        @property
        def stops(self) -> Tuple[Stop, ...]: ...
        @property
        def assumptions(self) -> Tuple[Assumption, ...]: ...
        @property
        def recorded(self) -> Tuple[Optional[bool], ...]: ...
        @property
        def disagreements(self) -> Tuple[Disagreement, ...]: ...
        @property
        def is_recorded(self) -> bool: ...
        @property
        def left_out(self) -> Tuple[LeftOut, ...]: ...
        @property
        def graph(self) -> networkx.DiGraph: ...
        def reason(self, variable: VariableAudit) -> Reason: ...
