"""A picture as DOT text. No engine is needed for it.

Nodes have made-up ids, names go into labels only, and every label is escaped: for DOT's quotes and backslashes, for
its HTML entities, and never as an HTML label.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Tuple

import graphviz
import networkx

from graphcut.drawing.boxes import Box, Line, Link
from graphcut.drawing.legend import add_legend
from graphcut.drawing.links import target
from graphcut.drawing.metrics import box_size
from graphcut.drawing.picture import picture
from graphcut.drawing.style import box_style, link_style
from graphcut.drawing.view import view
from graphcut.errors import printable
from graphcut.palette import FAINT, GREY, WHITE
from graphcut.terms import Verdict

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts

FONT = "Helvetica,Arial,sans-serif"
_SIZE = 11.0
_WIDTH, _TIP = 44, 200
_LOSSES, _LABELS, _LINES = 3, 4, 12


def to_dot(facts: Facts, **asked: Any) -> str:
    """The picture of an audit as DOT text; the same audit gives the same text. ``asked``: what to draw, as of ``view``."""
    return write(picture(facts, view(**asked)), title(facts))


def title(facts: Facts) -> str:
    """``gradient of loss:0: 2 of 4 variables get it``, its names escaped."""
    gets = sum(each.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL) for each in facts.variables)
    names = [printable(name, _WIDTH)[1:-1] for name in facts.loss]
    losses = " + ".join(names[:_LOSSES] + [f"{len(names) - _LOSSES} more"] * (len(names) > _LOSSES))
    return f"gradient of {losses}: {gets} of {len(facts.variables)} variables get it"


def write(drawn: networkx.MultiDiGraph, heading: str, link: Optional[str] = None) -> str:
    """The picture as DOT text; ``link`` is a template for links to the user's code, ``vscode://file/{file}:{line}``."""
    dot = _dot(drawn, heading, link)
    add_legend(dot, [box for _, box in drawn.nodes(data="box")], [each.line for _, _, each in drawn.edges(data="link")])
    return str(dot.source)


def write_inside(drawn: networkx.MultiDiGraph) -> str:
    """What is in a box as DOT text: no heading, no legend, no links; what has no lines in columns."""
    dot, alone = _dot(drawn, "", None), list(networkx.isolates(drawn))
    rows = math.ceil(math.sqrt(2 * len(alone)))
    for at, (above, below) in enumerate(zip(alone, alone[1:]), start=1):
        if at % rows:
            dot.edge(above, below, style="invis")
    return str(dot.source)


def _dot(drawn: networkx.MultiDiGraph, heading: str, link: Optional[str]) -> graphviz.Digraph:
    dot = graphviz.Digraph("cut", node_attr={"fontname": FONT, "fontsize": f"{_SIZE:g}", "margin": "0"})
    dot.attr("graph", label=_quoted([heading]), labelloc="t", fontname=FONT, fontsize="14", bgcolor=WHITE, pad="0.15")
    dot.attr("graph", rankdir="TB", nodesep="0.3", ranksep="0.42", compound="true", newrank="true")
    dot.attr("edge", fontname=FONT, fontsize="10")
    _add_boxes(dot, [(node, told["box"]) for node, told in drawn.nodes(data=True)], 0, link)
    for consumer, producer, each in drawn.edges(data="link"):
        back = {"constraint": "false"} if each.line is Line.BEHIND and drawn.has_edge(producer, consumer, Line.CUT) else {}
        dot.edge(consumer, producer, **_link_attributes(each, link), **back)
    return dot


def _add_boxes(dot: graphviz.Digraph, found: Sequence[Tuple[str, Box]], depth: int, link: Optional[str]) -> None:
    """Boxes of this scope first, then each scope inside it as a cluster."""
    inner: Dict[str, List[Tuple[str, Box]]] = {}
    for node, box in found:
        if len(box.scope) == depth:
            dot.node(node, **_box_attributes(box, link))
        else:
            inner.setdefault(box.scope[depth], []).append((node, box))
    for scope, members in inner.items():
        with dot.subgraph(name="cluster_" + members[0][0] + f"_{depth}") as cluster:
            cluster.attr(label=_text([scope]), style="rounded", color=GREY, fontsize="11", fontcolor=FAINT)
            _add_boxes(cluster, members, depth + 1, link)


def _box_attributes(box: Box, link: Optional[str]) -> Dict[str, Any]:
    looks, lines = box_style(box), _shown((box.title,) + box.lines)
    tips = [printable(line, _TIP)[1:-1] for line in box.tips]
    size = box_size(looks["shape"], lines, _SIZE)
    return {"label": _quoted(lines), "tooltip": _quoted(tips), **looks, **size, **_address(link, box.where)}


def _link_attributes(told: Link, link: Optional[str]) -> Dict[str, Any]:
    looks: Dict[str, Any] = dict(link_style(told))
    if not told.labels:
        return looks
    lines = ["× " + label if told.line is Line.CUT else label for label in told.labels[:_LABELS]]
    lines += [f"and {len(told.labels) - _LABELS} more"] if len(told.labels) > _LABELS else []
    wheres = [where.replace("\\", "/").rpartition("/")[2] for where in told.wheres[:2]]
    wheres += [f"and {len(told.wheres) - 2} more lines"] if len(told.wheres) > 2 else []
    label = _quoted(["  " + line for line in _shown(lines + wheres)])
    tips = _quoted([printable(line, _TIP)[1:-1] for line in told.labels + told.wheres][:_LINES])
    return {**looks, "label": label, "labeltooltip": tips, **_address(link, next(iter(told.wheres), None))}


def _address(link: Optional[str], where: Optional[str]) -> Dict[str, Any]:
    found = target(link, where)
    return {"URL": _quoted([found]), "target": "_top"} if found else {}


def _shown(lines: Iterable[str]) -> List[str]:
    """Lines of a label, shortened, with control characters shown."""
    return [printable(line, _WIDTH)[1:-1] or " " for line in lines]


def _text(lines: Iterable[str]) -> Any:
    return _quoted(_shown(lines))


def _quoted(lines: Iterable[str]) -> Any:
    """Lines of a label for DOT: backslashes and HTML entities escaped, and never an HTML label."""
    return graphviz.nohtml("\\n".join(graphviz.escape(line.replace("&", "&amp;")) for line in lines))
