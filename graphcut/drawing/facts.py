"""What a picture is drawn from, whoever holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, FrozenSet, Tuple

if TYPE_CHECKING:
    from typing import Protocol

    import networkx

    from graphcut.terms import Stop, VariableAudit

    class Facts(Protocol):
        """The plain results of one audit, for one loss.

        ``carrying``: the ops that a gradient really passes on its way from the loss to a variable that gets one.
        """

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def loss(self) -> Tuple[str, ...]: ...
        @property
        def stops(self) -> Tuple[Stop, ...]: ...
        @property
        def graph(self) -> networkx.DiGraph: ...
        @property
        def carrying(self) -> FrozenSet[str]: ...
