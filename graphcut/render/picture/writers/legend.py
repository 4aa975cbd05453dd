"""The legend: what is in the picture, said in words beside a sample of each, with how many variables each verdict has."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import Any, Dict, List, Sequence, Tuple

import graphviz

from graphcut.render.palette import FAINT, GREY
from graphcut.render.picture.model import Box, Line
from graphcut.render.picture.style import CHANGE_WORDS, CHANGES, LINE_WORDS, LINES, ROLE_WORDS, ROLES, VERDICT_WORDS, VERDICTS
from graphcut.render.picture.writers.font_metrics import box_size
from graphcut.results import Verdict

_SIZE = 9.0


def add_legend(dot: graphviz.Digraph, boxes: Sequence[Box], lines: Sequence[Line]) -> None:
    """Add a cluster with the verdicts and marks that occur in one column, the lines in another."""
    marks = list(_marks(boxes))
    drawn = [line for line in Line if line in lines]
    with dot.subgraph(name="cluster_legend") as legend:
        legend.attr(label="legend", style="", color=GREY, fontsize="10", fontcolor=FAINT)
        names = [_row(legend, mark, line) for mark, line in zip_longest(marks, drawn)]
        for column in zip(*names):
            held = [name for name in column if name]
            for above, below in zip(held, held[1:]):
                legend.edge(above, below, style="invis", weight="9")


def _marks(boxes: Sequence[Box]) -> List[Tuple[str, str, Dict[str, str]]]:
    """Name, words and look of each verdict and mark that occurs."""
    counts: Dict[Any, int] = Counter()
    for box in boxes:
        counts[box.verdict] += len(box.variables)
    verdicts = [
        (verdict.value, f"{VERDICT_WORDS[verdict]} ({counts[verdict]})", VERDICTS[verdict])
        for verdict in Verdict
        if counts[verdict]
    ]
    roles = [(role.value, ROLE_WORDS[role], ROLES[role]) for role in ROLES if any(box.role is role for box in boxes)]
    changed = {word: sum(len(box.variables) for box in boxes if box.change == word) for word in CHANGES}
    changes = [
        ("change_" + word, f"{CHANGE_WORDS[word]} ({count})", _change_look(word)) for word, count in changed.items() if count
    ]
    return verdicts + roles + changes


def _change_look(word: str) -> Dict[str, str]:
    return {**VERDICTS[Verdict.NONE if word == "lost" else Verdict.FLOWS], **CHANGES[word]}


def _row(legend: graphviz.Digraph, mark: Any, line: Any) -> Tuple[str, str]:
    """One rank: a mark, a line, or both; the name of the node of each, empty where there is none."""
    left, right = ("legend_" + mark[0] if mark else ""), (f"legend_{line.value}_start" if line else "")
    with legend.subgraph() as row:
        row.attr(rank="same")
        if mark:
            row.node(left, label=mark[1], fontsize="9", **mark[2], **box_size(mark[2]["shape"], [mark[1]], _SIZE))
        if line:
            _line_sample(row, right, line)
        if mark and line:
            row.edge(left, right, style="invis")
    return left, right


def _line_sample(row: graphviz.Digraph, start: str, line: Line) -> None:
    words = LINE_WORDS[line]
    row.node(start, label="", shape="point", width="0.05", color=GREY)
    row.node(start[:-6], label=words, shape="plaintext", fontsize="9", **box_size("plaintext", [words], _SIZE))
    row.edge(start, start[:-6], minlen="2", **LINES[line])
