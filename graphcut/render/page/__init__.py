"""Pictures that can be asked: ``page`` for a browser, ``notebook`` for Jupyter, ``explorer`` for Model Explorer.

They show what ``report`` says beside what ``drawing`` draws and judge nothing. Jinja2 is imported when a page is made.
``draw``, ``repr_svg`` and ``repr_html`` are methods of an audit.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional, Union

from graphcut.errors import GraphcutError, printable
from graphcut.render.page.html import page

if TYPE_CHECKING:
    from graphcut.render.protocols import NotebookFacts, PageFacts

__all__ = ["draw", "page"]


def draw(self: PageFacts, path: Union[str, os.PathLike[str]], engine: Optional[str] = None, **asked: Any) -> None:
    """Draw the cut to a file.

    Args:
        path: where to; its ending picks the format. ``.html`` is one page to search and click in; ``.svg`` and ``.png`` are
            pictures that need nothing but pip's engines on Python 3.11 and later, else the system's Graphviz, which ``.pdf``
            always needs; ``.dot``, ``.gv``, ``.mmd`` (Mermaid) and ``.graphml`` are text; ``.json`` is the whole graph for
            Model Explorer, its node data beside it.
        engine: ``"wasm"`` or ``"dot"``; by default what is installed.
        **asked: of a picture, what to draw and how. ``detail``: ``"variables"`` folds every op between loss, barriers and
            variables, ``"scopes"`` draws name scopes, ``"ops"`` as many single ops as fit; by default it is what can be
            read. ``expand``: names or patterns of ops that are not folded. ``around``: of ops of which only what is near is
            drawn, ``hops`` edges far (3). ``of``: of variables whose paths and cuts alone are drawn. ``link``: a template for
            links to your code, ``"vscode://file/{file}:{line}"``. ``seconds``: the time that
            the layout may take (30).

    Raises:
        GraphcutError: the ending is another, there is no engine for the format, the layout takes too long, the file cannot
            be written or a name that is asked for is not there. A page is written even without an engine: with the table
            alone.
    """
    from graphcut.render import picture
    from graphcut.render.page import model_explorer

    name = os.fspath(path)
    ending = os.path.splitext(name)[1][1:].lower()
    if ending in picture.FORMATS:
        return picture.draw(self, path, engine, **asked)
    if ending not in ("html", "htm", "json"):
        known = ", .".join(("html", *picture.FORMATS, "json"))
        raise GraphcutError(f"cannot draw {printable(name)}: the name must end in .{known}")
    if asked:
        raise GraphcutError(f"a .{ending} holds all there is: {', '.join(asked)} is for pictures\nwrite a .svg")
    return model_explorer.write(self, path) if ending == "json" else page([self], path, engine=engine)


def repr_svg(self: NotebookFacts) -> Optional[str]:
    """The picture, for a notebook; ``None`` where none can be laid out."""
    from graphcut.render.page.notebook import svg

    return svg(self._sketch)


def repr_html(self: NotebookFacts) -> str:
    """The table and the picture, for a notebook."""
    from graphcut.render.page.notebook import html

    return html(self, self._sketch)
