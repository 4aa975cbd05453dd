"""A picture as DOT text. No engine is needed for it.

Nodes have made-up ids, names go into labels only, and every label is escaped: for DOT's quotes and backslashes, for
its HTML entities, and never as an HTML label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Sequence, Tuple

import graphviz

from graphcut.drawing.boxes import Box, Line, Link
from graphcut.drawing.legend import add_legend
from graphcut.drawing.picture import picture
from graphcut.drawing.style import box_style, link_style
from graphcut.errors import printable
from graphcut.terms import Verdict

if TYPE_CHECKING:
    import networkx

    from graphcut.drawing.facts import Facts

FONT = "Helvetica,Arial,sans-serif"
_WIDTH = 44


def to_dot(facts: Facts) -> str:
    """The picture of an audit as DOT text; the same audit gives the same text."""
    return write(picture(facts), title(facts))


def title(facts: Facts) -> str:
    """``gradient of loss:0: 2 of 4 variables get it``, its names escaped."""
    gets = sum(each.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL) for each in facts.variables)
    losses = " + ".join(printable(name, _WIDTH)[1:-1] for name in facts.loss)
    return f"gradient of {losses}: {gets} of {len(facts.variables)} variables get it"


def write(drawn: networkx.MultiDiGraph, heading: str) -> str:
    """The picture as DOT text."""
    dot = graphviz.Digraph("cut", node_attr={"fontname": FONT, "fontsize": "11", "margin": "0.12,0.06"})
    dot.attr("graph", label=_quoted([heading]), labelloc="t", fontname=FONT, fontsize="14", bgcolor="white")
    dot.attr("graph", rankdir="TB", nodesep="0.3", ranksep="0.35", compound="true")
    dot.attr("edge", fontname=FONT, fontsize="10")
    _add_boxes(dot, [(node, told["box"]) for node, told in drawn.nodes(data=True)], depth=0)
    for consumer, producer, link in drawn.edges(data="link"):
        dot.edge(consumer, producer, **_link_attributes(link))
    add_legend(dot, [box for _, box in drawn.nodes(data="box")], [link.line for _, _, link in drawn.edges(data="link")])
    return str(dot.source)


def _add_boxes(dot: graphviz.Digraph, found: Sequence[Tuple[str, Box]], depth: int) -> None:
    """Boxes of this scope first, then each scope inside it as a cluster."""
    inner: Dict[str, List[Tuple[str, Box]]] = {}
    for node, box in found:
        if len(box.scope) == depth:
            dot.node(node, label=_text((box.title,) + box.lines), tooltip=_text(box.tips), **box_style(box))
        else:
            inner.setdefault(box.scope[depth], []).append((node, box))
    for scope, members in inner.items():
        with dot.subgraph(name="cluster_" + members[0][0] + f"_{depth}") as cluster:
            cluster.attr(label=_text([scope]), style="rounded", color="#BBBBBB", fontsize="11", fontcolor="#595959")
            _add_boxes(cluster, members, depth + 1)


def _link_attributes(link: Link) -> Dict[str, str]:
    looks = link_style(link)
    if not link.labels:
        return looks
    lines = ["× " + label if link.line is Line.CUT else label for label in link.labels]
    wheres = [where.rpartition("/")[2] for where in link.wheres[:2]]
    return {**looks, "label": _text(["  " + line for line in lines + wheres])}


def _text(lines: Iterable[str]) -> Any:
    """Lines of a label, shortened, with control characters shown."""
    return _quoted([printable(line, _WIDTH)[1:-1] for line in lines])


def _quoted(lines: Iterable[str]) -> Any:
    """Lines of a label for DOT: backslashes and HTML entities escaped, and never an HTML label."""
    return graphviz.nohtml("\\n".join(graphviz.escape(line.replace("&", "&amp;")) for line in lines))
