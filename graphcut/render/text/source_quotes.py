"""Quote the source lines that the table refers to, such as ``model.py:12: h = tf.stop_gradient(x)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Tuple

from graphcut.render.text.advice import advice
from graphcut.render.text.table_rows import named_cuts
from graphcut.results import Barrier, BarrierKind
from graphcut.results.words import at, escape_name
from graphcut.util.source_lines import line_of
from graphcut.util.text import join_first

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts

_MOST = 10


def quote_lines(facts: ReportFacts) -> Tuple[str, ...]:
    """Return the place and source line of each cut in the table, once, with a count of the rest; empty if none can be read.

    A line that takes a value out of TensorFlow is followed by what to write instead.
    """
    cuts = {cut.where: cut for each in reversed(facts.variables) for cut in reversed(named_cuts(each)) if cut.where}
    places = dict.fromkeys(cut.where for each in facts.variables for cut in named_cuts(each) if cut.where)
    known = [(str(where), line_of(where)) for where in places if line_of(where)]
    more = ("%d more" % (len(known) - _MOST),) * (len(known) > _MOST)
    return (*_code_names(facts), *(text for where, line in known[:_MOST] for text in _quote(where, line, cuts[where])), *more)


def _code_names(facts: ReportFacts) -> Iterator[str]:
    """Yield one line on how the code names variables that have no name of their own."""
    names = [f"{name} is {escape_name(expression)}" for name, expression in facts.code_names.items()]
    if names:
        yield f"in your code, {join_first(names, _MOST)}"


def _quote(where: str, line: str, cut: Barrier) -> Iterator[str]:
    yield f"{at(where)}: {escape_name(line)}"
    if cut.kind is BarrierKind.PYTHON:
        yield f"    What to do: {advice(cut, '')}."
