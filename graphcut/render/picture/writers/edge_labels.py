"""The labels of links.

A label is a separate node in the middle of its line, because a node has a fixed size, while the size of an edge label depends
on the fonts of the machine.

A loop back-edge has its label at its end, where it takes no space.
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
    """Return the text on a link: its labels, its files and lines, a count of the rest, and advice."""
    info = ["× " + label if link.line is Line.CUT else label for label in link.labels[:_LABELS]]
    info += [f"and {len(link.labels) - _LABELS} more"] if len(link.labels) > _LABELS else []
    wheres = [file_and_line(where) for where in link.wheres[:2]]
    more = [f"and {len(link.wheres) - 2} more lines"] if len(link.wheres) > 2 else []
    return info + wheres + more + list(link.advice[:2])


def look(link: Link, shown: Sequence[str]) -> Dict[str, Any]:
    """Return the DOT attributes of the node for these lines of text."""
    width = max(text_width(line, SIZE) for line in shown) + _SPACE
    size = {"width": f"{width / 72:.3f}", "height": f"{(len(shown) * _LINE + 2) / 72:.3f}", "fixedsize": "true"}
    colour = {"fontcolor": link_style(link)["fontcolor"]} if "fontcolor" in link_style(link) else {}
    return {"shape": "plaintext", "fontsize": f"{SIZE:g}", **colour, **size}


def scope_of_both(one: Tuple[str, ...], other: Tuple[str, ...]) -> Tuple[str, ...]:
    """Return the innermost scope that contains two boxes."""
    shared = [mine == its for mine, its in zip(one, other)]
    return one[: shared.index(False) if False in shared else len(shared)]
