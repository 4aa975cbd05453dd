"""Pictures that can be asked: ``page`` for a browser, ``notebook`` for Jupyter, ``explorer`` for Model Explorer.

They show what ``report`` says beside what ``drawing`` draws and judge nothing. Jinja2 is imported when a page is made.
``draw``, ``repr_svg`` and ``repr_html`` are methods of an audit.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Optional, Union

from graphcut.errors import GraphcutError, printable
from graphcut.views.page import page

if TYPE_CHECKING:
    from graphcut.views.facts import Facts, Shown
    from graphcut.views.sketch import Sketch

__all__ = ["draw", "page"]


def draw(self: Facts, path: Union[str, os.PathLike[str]], engine: Optional[str] = None) -> None:
    """Draw the cut to a file.

    Args:
        path: where to; its ending picks the format. ``.html`` is one page to search and click in, ``.svg`` a picture that
            needs nothing but pip's engine; ``.png`` and ``.pdf`` need the system's Graphviz; ``.dot``, ``.gv``, ``.mmd``
            (Mermaid) and ``.graphml`` are text; ``.json`` is the whole graph for Model Explorer, its node data beside it.
        engine: ``"wasm"`` or ``"dot"``; by default what is installed.

    Raises:
        GraphcutError: the ending is another, there is no engine for the format, the layout takes too long or the file cannot
            be written. A page is written even without an engine: with the table alone.
    """
    from graphcut import drawing
    from graphcut.views import explorer

    name = os.fspath(path)
    ending = os.path.splitext(name)[1][1:].lower()
    if ending in ("html", "htm"):
        return page([self], path, engine=engine)
    if ending == "json":
        return explorer.write(self, path)
    if ending not in drawing.FORMATS:
        known = ", .".join(("html", *drawing.FORMATS, "json"))
        raise GraphcutError(f"cannot draw {printable(name)}: the name must end in .{known}")
    return drawing.draw(self, path, engine)


def repr_svg(self: Shown) -> Optional[str]:
    """The picture, for a notebook; ``None`` where none can be laid out."""
    from graphcut.views.notebook import svg

    return svg(_sketched(self))


def repr_html(self: Shown) -> str:
    """The table and the picture, for a notebook."""
    from graphcut.views.notebook import html

    return html(self, _sketched(self))


def _sketched(audit: Shown) -> Sketch:
    """The picture of an audit, laid out once: a notebook asks for every format."""
    from graphcut.views.sketch import sketch

    if "sketch" not in audit._made:
        audit._made["sketch"] = sketch(audit)
    made: Sketch = audit._made["sketch"]
    return made
