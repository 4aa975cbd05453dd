"""The words on a link.

They are a node of their own in the middle of the line: a node has the size that we give it, the label of an edge the size that
the machine's fonts give it.

A link that closes a loop has its words at its end, where they take no space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence, Tuple

from graphcut.render.picture.model import Line, Link
from graphcut.render.picture.style import link_style
from graphcut.render.picture.writers.font_metrics import text_width
from graphcut.util.source_lines import file_and_line

if TYPE_CHECKING:
    import networkx

SIZE = 10.0
_LABELS = 4
_SPACE, _LINE = 6.0, 12.0
Ends = Tuple[str, str]


def label_nodes(drawn: networkx.MultiDiGraph) -> Mapping[str, Ends]:
    """Return the node of each label (``e0``, ``e1``, …) and the two boxes that its line joins."""
    links = enumerate(drawn.edges(data="link"))
    return {f"e{at}": (start, end) for at, (start, end, link) in links if link.labels and not link.loop}


def lines(link: Link) -> List[str]:
    """Return the words on a link: its labels, its files and lines, a count of the rest, and what to do."""
    told = ["× " + label if link.line is Line.CUT else label for label in link.labels[:_LABELS]]
    told += [f"and {len(link.labels) - _LABELS} more"] if len(link.labels) > _LABELS else []
    wheres = [file_and_line(where) for where in link.wheres[:2]]
    more = [f"and {len(link.wheres) - 2} more lines"] if len(link.wheres) > 2 else []
    return told + wheres + more + list(link.advice[:2])


def look(link: Link, shown: Sequence[str]) -> Dict[str, Any]:
    """DOT attributes of the node for these lines of text."""
    width = max(text_width(line, SIZE) for line in shown) + _SPACE
    size = {"width": f"{width / 72:.3f}", "height": f"{(len(shown) * _LINE + 2) / 72:.3f}", "fixedsize": "true"}
    colour = {"fontcolor": link_style(link)["fontcolor"]} if "fontcolor" in link_style(link) else {}
    return {"shape": "plaintext", "fontsize": f"{SIZE:g}", **colour, **size}


def scope_of_both(one: Tuple[str, ...], other: Tuple[str, ...]) -> Tuple[str, ...]:
    """Return the innermost scope that two boxes stand in."""
    shared = [mine == its for mine, its in zip(one, other)]
    return one[: shared.index(False) if False in shared else len(shared)]
