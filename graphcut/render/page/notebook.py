"""An audit as a notebook shows it: the table and the picture, without any script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from graphcut.render.page.html import templates
from graphcut.render.page.page_data import lines
from graphcut.render.picture.style import VERDICTS
from graphcut.render.picture.writers.svg import accessible
from graphcut.render.text.table_rows import HEADINGS, rows

if TYPE_CHECKING:
    from graphcut.render.page.inline_svg import Sketch
    from graphcut.render.protocols import PageFacts

_ROWS = 40


def svg(sketch: Sketch) -> Optional[str]:
    """The picture as SVG that stands alone; ``None``, which is no representation, where none could be laid out."""
    return accessible(sketch.image, sketch.drawn, sketch.title) if sketch.image else None


def html(facts: PageFacts, sketch: Sketch) -> str:
    """The first ``_ROWS`` rows of the table and the picture as one HTML element; where there is no picture, why."""
    found = rows(facts.variables)
    told = {"lines": lines(facts), "headings": HEADINGS, "rows": found[:_ROWS], "more": len(found) - _ROWS}
    return str(templates().get_template("notebook.html").render(sketch=sketch, looks=VERDICTS, **told))
