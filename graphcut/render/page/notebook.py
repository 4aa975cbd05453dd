"""Show an audit in a notebook: its page in a frame, or the table and the picture where scripts are stripped.

GitHub and untrusted notebooks strip scripts and with them the frame, and show the rest. Where the frame is loaded, it hides
the rest. The frame is sandboxed: it has no access to the notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence

from graphcut.render.page.html import html as page_of
from graphcut.render.page.html import of_sketches, templates
from graphcut.render.page.page_data import lines
from graphcut.render.palette import GREY
from graphcut.render.picture.style import VERDICTS
from graphcut.render.picture.writers.svg import accessible
from graphcut.render.text.headings import headings
from graphcut.render.text.table_rows import HEADINGS, rows_of

if TYPE_CHECKING:
    from graphcut.render.page.inline_svg import Sketch
    from graphcut.render.protocols import PageFacts

_ROWS = 40


def svg(sketch: Sketch) -> Optional[str]:
    """Return the picture as standalone SVG; ``None``, so IPython shows another format, if it cannot be laid out."""
    return accessible(sketch.image, sketch.drawn, sketch.title) if sketch.image else None


def html(facts: PageFacts, sketch: Sketch) -> str:
    """Return the page, then the first ``_ROWS`` rows of the table and the picture, or the reason why there is no picture."""
    result = rows_of(facts)
    info = {"lines": lines(facts), "headings": HEADINGS, "rows": result[:_ROWS], "more": len(result) - _ROWS}
    info["page"] = of_sketches([facts], headings([facts]), [sketch]) if sketch.svg else ""
    return str(templates().get_template("notebook.html").render(sketch=sketch, looks=VERDICTS, border=GREY, **info))


def frame(audits: Sequence[PageFacts], title: str) -> str:
    """Return the page of several audits in a frame."""
    template = templates().get_template("frame.html")
    return str(template.render(page=page_of(audits), title=title, border=GREY, closes=False))
