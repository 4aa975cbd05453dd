"""The legend: what is in the picture, said in words beside a sample of each."""

from __future__ import annotations

from typing import Sequence

import graphviz

from graphcut.drawing.boxes import Box, Line
from graphcut.drawing.style import LINE_WORDS, LINES, ROLE_WORDS, ROLES, VERDICT_WORDS, VERDICTS
from graphcut.terms import Verdict


def add_legend(dot: graphviz.Digraph, boxes: Sequence[Box], lines: Sequence[Line]) -> None:
    """Add a cluster with the verdicts and lines that occur."""
    with dot.subgraph(name="cluster_legend") as legend:
        legend.attr(label="legend", style="", color="#BBBBBB", fontsize="10", fontcolor="#595959")
        verdicts = [verdict for verdict in Verdict if any(box.verdict is verdict for box in boxes)]
        samples = []
        for verdict in verdicts:
            samples.append(f"legend_{verdict.value}")
            legend.node(samples[-1], label=VERDICT_WORDS[verdict], fontsize="9", **VERDICTS[verdict])
        for role in (role for role in ROLES if any(box.role is role for box in boxes)):
            samples.append(f"legend_{role.value}")
            legend.node(samples[-1], label=ROLE_WORDS[role], fontsize="9", **ROLES[role])
        for line in (line for line in Line if line in lines):
            samples.append(f"legend_{line.value}")
            _line_sample(legend, samples[-1], line)
        for above, below in zip(samples, samples[1:]):
            legend.edge(above, below, style="invis", weight="9")


def _line_sample(legend: graphviz.Digraph, name: str, line: Line) -> None:
    with legend.subgraph() as row:
        row.attr(rank="same")
        row.node(name + "_start", label="", shape="point", width="0.05", color="#8C8C8C")
        row.node(name, label=LINE_WORDS[line], shape="plaintext", fontsize="9")
        row.edge(name + "_start", name, **LINES[line])
