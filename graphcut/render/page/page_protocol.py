"""What a page is made from, whoever holds it: what is drawn, what is said, and what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Dict, Protocol

    from graphcut.render.picture.picture_protocol import Facts as Drawn
    from graphcut.render.text.report_protocol import Facts as Told

    class Facts(Drawn, Told, Protocol):
        """The plain results of one audit, for one loss."""

        @property
        def source(self) -> str: ...

    class Shown(Facts, Protocol):
        """An audit that keeps what it has made."""

        _made: Dict[str, Any]
