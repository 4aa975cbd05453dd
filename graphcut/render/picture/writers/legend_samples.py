"""The legend: a sample and a text for each kind of box and line in the picture, and the number of variables per verdict.

In DOT text the legend is a cluster; in an SVG it is a strip below the picture (``svg_legend``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Dict, List, Mapping, Optional, Tuple
from typing import Counter as Counts

import graphviz
import networkx

from graphcut.render.palette import FAINT, GREY
from graphcut.render.picture.model import Box, Line
from graphcut.render.picture.style import (
    CHANGE_WORDS,
    CHANGES,
    ROLE_WORDS,
    ROLES,
    VERDICT_WORDS,
    VERDICTS,
    link_style,
    link_words,
)
from graphcut.render.picture.writers.font_metrics import box_size
from graphcut.results import Verdict

_SIZE = 9.0


@dataclass(frozen=True)
class Sample:
    """One entry: the DOT attributes of a box (with ``shape``) or of a line (without), and their meaning."""

    words: str
    looks: Mapping[str, str]

    @property
    def is_line(self) -> bool:
        """Return whether the sample is a line."""
        return "shape" not in self.looks


def samples(drawn: networkx.MultiDiGraph) -> Tuple[Sample, ...]:
    """Return the entries for what occurs in a picture: verdicts and marks first, then lines."""
    return (*_box_samples(drawn), *_line_samples(drawn))


def _box_samples(drawn: networkx.MultiDiGraph) -> List[Sample]:
    boxes = [box for _, box in drawn.nodes(data="box")]
    counts: Counts[Optional[Verdict]] = Counter()
    for box in boxes:
        if box.change not in CHANGES:
            counts[box.verdict] += len(box.variables)
    verdicts = [Sample(f"{VERDICT_WORDS[each]} ({counts[each]})", VERDICTS[each]) for each in Verdict if counts[each]]
    roles = [Sample(ROLE_WORDS[role], ROLES[role]) for role in ROLES if any(box.role is role for box in boxes)]
    return verdicts + roles + _change_samples(boxes)


def _change_samples(boxes: List[Box]) -> List[Sample]:
    counts = {change: sum(len(box.variables) for box in boxes if box.change == change) for change in CHANGES}
    outlines = {"gained": VERDICTS[Verdict.FLOWS], "lost": VERDICTS[Verdict.NONE], "broken": VERDICTS[Verdict.FLOWS]}
    return [
        Sample(f"{CHANGE_WORDS[change]} ({count})", {**outlines[change], **CHANGES[change]})
        for change, count in counts.items()
        if count
    ]


def _line_samples(drawn: networkx.MultiDiGraph) -> List[Sample]:
    order = list(Line)
    links = sorted((link for *_, link in drawn.edges(data="link")), key=lambda link: order.index(link.line))
    looks: Dict[str, Mapping[str, str]] = {}
    for link in sorted(links, key=lambda link: link.loop):  # a loop back-edge looks like other lines
        looks.setdefault(link_words(link), link_style(link))
    return [Sample(words, each) for words, each in looks.items()]


def add_legend(dot: graphviz.Digraph, drawn: networkx.MultiDiGraph) -> None:
    """Add a cluster with the verdicts and marks in one column, the lines in another."""
    result = samples(drawn)
    marks, drawn_lines = [each for each in result if not each.is_line], [each for each in result if each.is_line]
    with dot.subgraph(name="cluster_legend") as legend:
        legend.attr(label="legend", style="", color=GREY, fontsize="10", fontcolor=FAINT)
        rows = enumerate(zip_longest(marks, drawn_lines))
        names = [_row(legend, at, mark, line) for at, (mark, line) in rows]
        for column in zip(*names):
            held = [name for name in column if name]
            for above, below in zip(held, held[1:]):
                legend.edge(above, below, style="invis", weight="9")


def _row(legend: graphviz.Digraph, at: int, mark: Optional[Sample], line: Optional[Sample]) -> Tuple[str, str]:
    """Add one rank with a mark, a line or both; return the name of each node, empty if there is none."""
    left, right = (f"legend_mark{at}" if mark else ""), (f"legend_line{at}_start" if line else "")
    with legend.subgraph() as row:
        row.attr(rank="same")
        if mark:
            size = box_size(mark.looks["shape"], [mark.words], _SIZE)
            row.node(left, **{**mark.looks, "label": mark.words, "fontsize": "9"}, **size)
        if line:
            _add_line(row, right, line)
        if mark and line:
            row.edge(left, right, style="invis")
    return left, right


def _add_line(row: graphviz.Digraph, start: str, line: Sample) -> None:
    size: Dict[str, Any] = box_size("plaintext", [line.words], _SIZE)
    row.node(start, label="", shape="point", width="0.05", color=GREY)
    row.node(start[:-6], label=line.words, shape="plaintext", fontsize="9", **size)
    row.edge(start, start[:-6], minlen="2", **line.looks)
