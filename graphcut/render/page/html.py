"""One self-contained HTML page for one loss or several: the pictures, the table beside them, and a script of our own.

The page fetches nothing. Its Content Security Policy forbids everything (``default-src 'none'``) except its one style and one
script, which are named by their hashes. Content from the graph is SVG that is copied element by element, JSON in a block that
no browser runs, or text that Jinja2 escapes; the script inserts it as text only.

The templates are in ``templates/``. Jinja2 escapes every value, and an undefined name is an error.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Iterable, List, Mapping, Optional, Sequence, Union

from graphcut.errors import GraphcutError, printable
from graphcut.util.files import save
from graphcut.util.progress import show_progress

if TYPE_CHECKING:
    from graphcut.render.page.inline_svg import Sketch
    from graphcut.render.protocols import PageFacts
    from graphcut.util.files import Target

    Audits = Union[PageFacts, Iterable[PageFacts], Mapping[str, PageFacts]]

SUFFIXES = (".html", ".htm")
_SCRIPTS = (
    "pan_zoom.js",
    "expand.js",
    "fold.js",
    "legend.js",
    "highlight.js",
    "table.js",
    "keyboard.js",
    "export.js",
    "main.js",
)
_ASCII = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def page(audits: Audits, path: Target, *, engine: Optional[str] = None) -> None:
    """Write one HTML page that shows the cut of every loss, each in its own tab.

    Args:
        audits: one audit, or several, one for each loss; or a dict of them by the titles of their tabs. By default the
            title of a tab is the name of the traced function, the name of the target in the code of a step, or the loss.
        path: the output file, which must end in ``.html`` or ``.htm``.
        engine: the layout engine, ``"wasm"`` or ``"dot"``; by default the one that is installed. If there is none, or a
            layout fails, the page shows the table only and says why.

    Raises:
        GraphcutError: the suffix is unknown, there is no audit, ``engine`` is not installed, or the file cannot be
            written.
    """
    if not os.fspath(path).lower().endswith(SUFFIXES):
        raise GraphcutError(f"cannot write a page to {printable(os.fspath(path))}: the name must end in .html")
    with show_progress() as say:
        say(f"drawing {os.path.basename(os.fspath(path))}")
        save(path, html(audits, engine).encode("ascii", "xmlcharrefreplace"))


def html(audits: Audits, engine: Optional[str] = None) -> str:
    """Return the page as text; arguments and errors as for ``page``."""
    from graphcut.render.page.inline_svg import sketch
    from graphcut.render.text.headings import with_headings

    listed, heads = with_headings(audits)
    if not listed:
        raise GraphcutError("there is no audit to show\ngive one audit or several: graphcut.page([audit], 'cut.html')")
    return of_sketches(listed, heads, [sketch(each, engine) for each in listed])


def of_sketches(listed: Sequence[PageFacts], heads: Sequence[str], sketches: Sequence[Sketch]) -> str:
    """Return the page for audits whose pictures are laid out already, with the given headings as tabs."""
    from graphcut.render.page.page_data import numbers
    from graphcut.render.text.plain_table import table

    numbers_of_audits = [numbers(each, head, drawn.drawn, drawn.parts) for each, head, drawn in zip(listed, heads, sketches)]
    return _rendered(list(zip(numbers_of_audits, sketches, map(table, listed))), embed_json(numbers_of_audits))


def embed_json(value: Any) -> str:
    """Return JSON that is safe in a ``script`` element: ASCII, without any character that could end the element."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).translate(_ASCII)


def _rendered(losses: List[Any], data: str) -> str:
    from graphcut.render import palette
    from graphcut.render.picture.style import VERDICTS

    environment = templates()
    style = environment.get_template("page.css").render(verdicts=VERDICTS, palette=palette)
    script = "".join(_short(environment.get_template(name).render()) for name in _SCRIPTS)
    filled = {"losses": losses, "data": data, "style": style, "script": script}
    return str(environment.get_template("page.html").render(policy=_policy(style, script), **filled))


def _short(script: str) -> str:
    """Return a script without indentation and comment lines."""
    lines = (line.strip() for line in script.splitlines())
    return "".join(line + "\n" for line in lines if line and not line.startswith("//"))


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    """Return the source expression of Content Security Policy (level 3, section 6.6) for an inline element of this text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def templates() -> Any:
    """Return a Jinja2 environment over ``templates/``."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("graphcut.render.page", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
