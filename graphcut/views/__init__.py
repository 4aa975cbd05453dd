"""Pictures that can be asked: ``page`` for a browser, ``notebook`` for Jupyter, ``explorer`` for Model Explorer.

They show what ``report`` says beside what ``drawing`` draws and judge nothing. Jinja2 is imported when a page is made.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Optional

from graphcut.views.page import SUFFIXES, page

if TYPE_CHECKING:
    from graphcut.views.facts import Facts
    from graphcut.views.files import Target

__all__ = ["draw", "page"]


def draw(facts: Facts, path: Target, engine: Optional[str] = None) -> None:
    """Write the picture of an audit to ``path``: a page where it ends in ``.html``, the DAG for Model Explorer where it ends
    in ``.json``, else as ``drawing.draw`` does."""
    from graphcut.drawing import draw as drawn
    from graphcut.views import explorer

    ending = os.fspath(path).lower()
    if ending.endswith(SUFFIXES):
        return page([facts], path, engine=engine)
    return explorer.write(facts, path) if ending.endswith(".json") else drawn(facts, path, engine)
