"""What a picture is drawn from, whoever holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from typing import Protocol

    from graphcut.graph.flat import FlatGraph, Shape
    from graphcut.results import Stop, VariableAudit

    class Facts(Protocol):
        """The plain results of one audit, for one loss.

        ``passing``: for each op that a gradient really passes on its way from the loss to a variable that gets one, the
        ops that it goes on to. ``shapes`` are those of an op's outputs; ``place`` is ``file:line`` of an op, and whether
        a library made it.
        """

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def loss(self) -> Tuple[str, ...]: ...
        @property
        def stops(self) -> Tuple[Stop, ...]: ...
        @property
        def flat(self) -> FlatGraph: ...
        @property
        def passing(self) -> Mapping[int, Tuple[int, ...]]: ...
        def shapes(self, op: int) -> Sequence[Shape]: ...
        def place(self, op: int) -> Tuple[Optional[str], bool]: ...
