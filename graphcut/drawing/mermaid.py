"""A picture as Mermaid text, for pages that draw it themselves (a README, a wiki). No engine is needed for it.

Ids are made up; every name is a quoted label in which all but letters, digits and a few harmless marks are written as
Mermaid's entities (``#35;``), so that no name can be taken for syntax or markup.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Mapping, Tuple

import networkx as nx

from graphcut.drawing.boxes import Box, Line, Link, Role
from graphcut.drawing.style import box_style
from graphcut.errors import printable
from graphcut.palette import BLACK, WHITE
from graphcut.terms import Verdict

_WIDTH = 60
_HARMLESS = frozenset(" ./:_-,()×*…")
_OPEN: Mapping[Verdict, Tuple[str, str]] = {
    Verdict.RAISES: ("[[", "]]"),
    Verdict.NONE: ("[", "]"),
    Verdict.ZERO: ("[/", "/]"),
    Verdict.CONDITIONAL: ("{{", "}}"),
    Verdict.FLOWS: ("([", "])"),
}
_ARROWS: Mapping[Line, str] = {Line.LIVE: "==>", Line.LOST: "-->", Line.CUT: "--x", Line.BEHIND: "-.-"}


def mermaid(drawn: nx.MultiDiGraph, heading: str) -> str:
    """The picture as a Mermaid flowchart."""
    boxes = dict(drawn.nodes(data="box"))
    lines = ["---", 'title: "%s"' % _text([heading]), "---", "flowchart TD"]
    lines += list(_nested(list(boxes.items()), 0))
    lines += [_edge(*edge) for edge in drawn.edges(data="link")]
    lines += [_style(node, box) for node, box in boxes.items()]
    return "\n".join(lines) + "\n"


def _nested(found: List[Tuple[str, Box]], depth: int) -> Iterator[str]:
    """The boxes of this scope, then each scope inside it as a subgraph."""
    indent = "  " * (depth + 1)
    inner: Dict[str, List[Tuple[str, Box]]] = {}
    for node, box in found:
        if len(box.scope) == depth:
            yield indent + node + _shape(box)
        else:
            inner.setdefault(box.scope[depth], []).append((node, box))
    for scope, members in inner.items():
        yield '%ssubgraph s%d_%s["%s"]' % (indent, depth, members[0][0], _text([scope]))
        yield from _nested(members, depth + 1)
        yield indent + "end"


def _shape(box: Box) -> str:
    start, end = ("[", "]")
    if box.role in (Role.BARRIER, Role.HARMLESS):
        start, end = "{{", "}}"
    elif box.role is Role.VARIABLE and box.verdict:
        start, end = _OPEN[box.verdict]
    return '%s"%s"%s' % (start, _text((box.title,) + box.lines), end)


def _edge(consumer: str, producer: str, link: Link) -> str:
    lines = ["× " + label if link.line is Line.CUT else label for label in link.labels]
    label = '|"%s"|' % _text(lines) if lines else ""
    return "  %s %s%s %s" % (consumer, _ARROWS[link.line], label, producer)


def _style(node: str, box: Box) -> str:
    looks = box_style(box)
    fill, text = looks.get("fillcolor", WHITE), looks.get("fontcolor", BLACK)
    dash = ",stroke-dasharray:5 3" if "dashed" in looks["style"] or "dotted" in looks["style"] else ""
    wide = ",stroke-width:%spx" % looks["penwidth"] if "penwidth" in looks else ""
    return "  style %s fill:%s,stroke:%s,color:%s%s%s" % (node, fill, looks["color"], text, wide, dash)


def _text(lines: Iterable[str]) -> str:
    return "<br/>".join(_entities(printable(line, _WIDTH)[1:-1]) for line in lines)


def _entities(text: str) -> str:
    return "".join(each if each.isalnum() or each in _HARMLESS else "#%d;" % ord(each) for each in text)
