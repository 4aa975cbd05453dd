"""Pictures of a cut: ``picture`` decides what to draw, ``dot`` writes it, ``engines`` lays it out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from graphcut.drawing.dot import title, to_dot, write
from graphcut.drawing.engines import choose, render
from graphcut.drawing.mermaid import mermaid
from graphcut.drawing.picture import picture
from graphcut.drawing.plain import graphml
from graphcut.drawing.svg import accessible
from graphcut.errors import GraphcutError, printable

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts

__all__ = ["draw", "to_dot"]

FORMATS = ("svg", "png", "pdf", "dot", "gv", "mmd", "graphml")
TEXTS = {"mmd": mermaid, "graphml": graphml}


def draw(facts: Facts, path: Union[str, os.PathLike[str]], engine: Optional[str] = None, seconds: float = 30.0) -> None:
    """Write the picture of an audit to ``path``, in the format of its suffix.

    ``.dot``, ``.gv``, ``.mmd`` (Mermaid) and ``.graphml`` are text and need no ``engine``; ``.svg`` is laid out by
    ``"wasm"`` or ``"dot"``, ``.png`` and ``.pdf`` by the system's ``"dot"``. ``seconds`` is the limit for the layout. Raises
    ``GraphcutError`` where the suffix is another, no engine is installed, the limit is passed or the file cannot be written;
    what DOT text there is by then is kept beside ``path``.
    """
    target = Path(os.fspath(path))
    format = target.suffix[1:].lower()
    if format not in FORMATS:
        raise GraphcutError(f"cannot draw {printable(target.name)}: the name must end in .{', .'.join(FORMATS)}")
    drawn, heading = picture(facts), title(facts)
    if format in TEXTS:
        return _save(target, TEXTS[format](drawn, heading).encode())
    text = write(drawn, heading)
    if format in ("dot", "gv"):
        return _save(target, text.encode())
    image = _laid_out(text, format, engine, seconds, target)
    return _save(target, accessible(image.decode(), drawn, heading).encode() if format == "svg" else image)


def _laid_out(text: str, format: str, engine: Optional[str], seconds: float, target: Path) -> bytes:
    try:
        return render(text, format, choose(format, engine), seconds)
    except GraphcutError as error:
        kept = target.with_name(target.name + ".dot")
        _save(kept, text.encode())
        raise GraphcutError(f"{error}\nthe DOT text was kept in {printable(str(kept))}") from None


def _save(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise GraphcutError(f"cannot write {printable(str(target))}: {error.strerror}") from None
