"""Interactive pictures: ``html`` for a browser, ``notebook`` for Jupyter, ``model_explorer`` for Model Explorer.

They show the texts of ``render.text`` next to the pictures of ``render.picture``. Jinja2 is imported when a page is made.
``Audit`` uses ``repr_svg`` and ``repr_html`` as methods, and calls ``draw`` in its own ``draw``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Optional, Union

from graphcut.errors import GraphcutError, printable
from graphcut.render.page.html import page

if TYPE_CHECKING:
    from graphcut.render.picture.view import PictureOptions
    from graphcut.render.protocols import NotebookFacts, PageFacts

__all__ = ["draw", "page"]


def draw(
    facts: PageFacts,
    path: Union[str, os.PathLike[str]],
    engine: Optional[str] = None,
    options: Optional[PictureOptions] = None,
) -> None:
    """Draw the cut to a file, in the format that its suffix names; ``graphcut.Audit.draw`` lists the formats."""
    from graphcut.render import picture
    from graphcut.render.page import model_explorer
    from graphcut.render.picture.view import DEFAULT_OPTIONS

    name = os.fspath(path)
    ending = os.path.splitext(name)[1][1:].lower()
    if ending in picture.FORMATS:
        return picture.draw(facts, path, engine, options or DEFAULT_OPTIONS)
    if ending not in ("html", "htm", "json"):
        suffixes = ", .".join(("html", *picture.FORMATS, "json"))
        raise GraphcutError(f"cannot draw {printable(name)}: the name must end in .{suffixes}")
    changed = options.changed_names() if options else ()
    if changed:
        shown = " and ".join(changed)
        raise GraphcutError(
            f"{shown} cannot be used for a .{ending}, which shows the whole graph\nDraw a picture, such as a .svg."
        )
    return model_explorer.write(facts, path) if ending == "json" else page([facts], path, engine=engine)


def repr_svg(self: NotebookFacts) -> Optional[str]:
    """Return the picture, for a notebook; ``None`` if it cannot be laid out."""
    from graphcut.render.page.notebook import svg

    return svg(self._sketch)


def repr_html(self: NotebookFacts) -> str:
    """Return the table and the picture, for a notebook."""
    from graphcut.render.page.notebook import html

    return html(self, self._sketch)
