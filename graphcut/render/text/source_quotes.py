"""Quote the source lines that the table refers to, such as ``model.py:12: h = tf.stop_gradient(x)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Tuple

from graphcut.render.text.table_rows import named_cuts
from graphcut.results.words import at, escape_name
from graphcut.util.source_lines import line_of

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts

_MOST = 10


def quote_lines(facts: ReportFacts) -> Tuple[str, ...]:
    """Return the place and source line of each cut in the table, once, with a count of the rest; empty if none can be read."""
    places = dict.fromkeys(cut.where for each in facts.variables for cut in named_cuts(each) if cut.where)
    lines = [(where, line_of(where)) for where in places]
    known = [f"{at(str(where))}: {escape_name(line)}" for where, line in lines if line]
    more = ("%d more" % (len(known) - _MOST),) * (len(known) > _MOST)
    return (*known[:_MOST], *more)
