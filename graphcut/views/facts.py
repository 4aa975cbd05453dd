"""What a page is made from, whoever holds it: what is drawn, what is said, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol

    from graphcut.drawing.facts import Facts as Drawn
    from graphcut.report.facts import Facts as Told

    class Facts(Drawn, Told, Protocol):
        """The plain results of one audit, for one loss."""

        @property
        def source(self) -> str: ...
