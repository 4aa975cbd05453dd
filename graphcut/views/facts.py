"""What a page is made from, whoever holds it: what is drawn, what is said, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import FrozenSet, Protocol

    from graphcut.report.facts import Facts as Told

    class Facts(Told, Protocol):
        """The plain results of one audit, for one loss."""

        @property
        def source(self) -> str: ...
        @property
        def carrying(self) -> FrozenSet[str]: ...
