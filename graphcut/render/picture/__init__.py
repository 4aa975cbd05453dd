"""Pictures of a cut: ``build`` decides what to draw, ``writers`` write it, ``layout`` runs the layout engine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Tuple, Union

from graphcut.errors import GraphcutError, printable
from graphcut.render.picture.build import picture
from graphcut.render.picture.layout import TooSlow, available, choose, rasterize, render
from graphcut.render.picture.svg_layout import lay_out
from graphcut.render.picture.view import DEFAULT_OPTIONS, PictureOptions
from graphcut.render.picture.writers.dot import heading_of, to_dot, write
from graphcut.render.picture.writers.graphml import graphml
from graphcut.render.picture.writers.hyperlinks import check_template
from graphcut.render.picture.writers.mermaid import mermaid
from graphcut.render.picture.writers.svg import accessible
from graphcut.util.files import save

if TYPE_CHECKING:
    import networkx

    from graphcut.render.protocols import PictureFacts

__all__ = ["draw", "to_dot"]

FORMATS = ("svg", "png", "pdf", "dot", "gv", "mmd", "graphml")
TEXTS = {"mmd": mermaid, "graphml": graphml}
_COARSER = (25, 8)


def draw(
    facts: PictureFacts,
    path: Union[str, os.PathLike[str]],
    engine: Optional[str] = None,
    options: PictureOptions = DEFAULT_OPTIONS,
) -> None:
    """Write the picture of an audit to ``path``, in the format of its suffix.

    ``.dot``, ``.gv``, ``.mmd`` (Mermaid) and ``.graphml`` are text and need no ``engine``. ``.svg`` is laid out by ``"wasm"``
    or ``"dot"``. ``.png`` is made from the SVG if ``resvg-py`` is installed; otherwise, like ``.pdf``, by the system's
    ``"dot"``. ``options.seconds`` is the limit for the layout: half of it for the whole picture, the rest for coarser ones.
    ``options.link`` is a template for links to the user's code, such as ``vscode://file/{file}:{line}``.

    Raises ``GraphcutError`` if the suffix is unknown, no engine is installed, the limit is exceeded, an option names nothing
    in the graph, or the file cannot be written. DOT text that was already made is kept beside ``path``.
    """
    target = Path(os.fspath(path))
    format = target.suffix[1:].lower()
    if format not in FORMATS:
        raise GraphcutError(f"cannot draw {printable(target.name)}: the name must end in .{', .'.join(FORMATS)}")
    template, heading = check_template(options.link), heading_of(facts, options)
    drawn = picture(facts, options)
    if format in TEXTS:
        return save(target, TEXTS[format](drawn, heading).encode())
    text = write(drawn, heading, template)
    if format in ("dot", "gv"):
        return save(target, text.encode())
    try:
        chosen = choose(format, engine)
        return save(target, _laid_out(facts, (drawn, text), options, (format, chosen, template)))
    except GraphcutError as error:
        raise _error_with_dot(target.with_name(target.name + ".dot"), text, error) from None


def _error_with_dot(beside: Path, text: str, error: GraphcutError) -> GraphcutError:
    """Save the DOT text, and return the error with its path; if it cannot be saved either, return the error unchanged."""
    try:
        save(beside, text.encode())
    except GraphcutError:
        return error
    return GraphcutError(f"{error}\nthe DOT text was kept in {printable(str(beside))}")


def _laid_out(
    facts: PictureFacts,
    finest: Tuple[networkx.MultiDiGraph, str],
    options: PictureOptions,
    how: Tuple[str, str, Optional[str]],
) -> bytes:
    """Return the image of the finest picture that can be laid out in time.

    The first attempt gets half the time, each later one a quarter.
    """
    (drawn, text), heading, seconds = finest, heading_of(facts, options), options.seconds
    for share, boxes in zip((0.5, 0.25, 0.25), _COARSER + (0,)):
        try:
            return _image(drawn, text, heading, how, seconds * share)
        except TooSlow:
            drawn = picture(facts, replace(options, detail=None, expand=(), boxes=boxes)) if boxes else drawn
            text = write(drawn, heading, how[2])
    raise TooSlow(f"layout took longer than {seconds:g} s and was stopped, even with {len(drawn)} boxes")


def _image(
    drawn: networkx.MultiDiGraph, text: str, heading: str, how: Tuple[str, str, Optional[str]], seconds: float
) -> bytes:
    format, engine, link = how
    by_svg = format == "svg" or (format == "png" and available("resvg"))
    if not by_svg:
        return render(text, format, engine, seconds)
    svg = accessible(lay_out(drawn, engine, seconds, link), drawn, heading)
    return svg.encode() if format == "svg" else rasterize(svg, seconds)
