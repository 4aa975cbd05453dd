"""Write a picture as Mermaid text, for pages that render it themselves (a README, a wiki). This needs no layout engine.

Nodes have generated ids. Every name is a quoted label in which all characters except letters, digits and a few harmless marks
are written as Mermaid's entities (``#35;``), so no name can be read as syntax or markup. After Mermaid has decoded the
entities, it looks for formulas (``$$``), icons (``fa:fa-``) and ends of lines (``\\n``), so these are broken up. The title is
YAML, where Mermaid has no entities and removes text in angle brackets, so other brackets replace them.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Mapping, Tuple

import networkx as nx

from graphcut.errors import printable
from graphcut.render.palette import BLACK, WHITE
from graphcut.render.picture.model import Box, Line, Link, Role
from graphcut.render.picture.style import box_style, link_style
from graphcut.results import Verdict

_WIDTH = 60
_HARMLESS = frozenset(" ./:_-,()×*…")
_OPEN: Mapping[Verdict, Tuple[str, str]] = {
    Verdict.RAISES: ("[[", "]]"),
    Verdict.NONE: ("[", "]"),
    Verdict.ZERO: ("[/", "/]"),
    Verdict.CONDITIONAL: ("{{", "}}"),
    Verdict.FLOWS: ("([", "])"),
}
_MEANT = re.compile(r"(?<=\$)(?=\$)|(?<=:)(?=fa-)|(?<=\\)(?=n)")
_ANGLES = str.maketrans("<>", "‹›")
_DASHES = {"dashed": "6 4", "dotted": "2 3"}
_ARROWS: Mapping[Line, str] = {Line.LIVE: "==>", Line.LOST: "-->", Line.CUT: "--x", Line.BEHIND: "-.-", Line.DATA: "---"}


def mermaid(drawn: nx.MultiDiGraph, heading: str) -> str:
    """Return the picture as a Mermaid flowchart."""
    boxes = dict(drawn.nodes(data="box"))
    lines = ["---", 'title: "%s"' % _yaml(heading), "---", "flowchart TD"]
    lines += list(_write_scope(list(boxes.items()), 0))
    lines += [_edge(*edge) for edge in drawn.edges(data="link")]
    lines += [_style(node, box) for node, box in boxes.items()]
    lines += _line_styles([link for _, _, link in drawn.edges(data="link")])
    return "\n".join(lines) + "\n"


def _write_scope(result: List[Tuple[str, Box]], depth: int) -> Iterator[str]:
    """Yield the boxes of this scope, then each scope inside it as a subgraph."""
    indent = "  " * (depth + 1)
    inner: Dict[str, List[Tuple[str, Box]]] = {}
    for node, box in result:
        if len(box.scope) == depth:
            yield indent + node + _shape(box)
        else:
            inner.setdefault(box.scope[depth], []).append((node, box))
    for scope, members in inner.items():
        yield '%ssubgraph s%d_%s["%s"]' % (indent, depth, members[0][0], _text([scope]))
        yield from _write_scope(members, depth + 1)
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


def _line_styles(links: List[Link]) -> Iterator[str]:
    """Return the colours of the lines, which Mermaid numbers in the order of the text."""
    numbers: Dict[str, List[str]] = {}
    for at, link in enumerate(links):
        looks = link_style(link)
        dash = ",stroke-dasharray:%s" % _DASHES[looks["style"]] if "style" in looks else ""
        numbers.setdefault("stroke:%s,stroke-width:%spx%s" % (looks["color"], looks["penwidth"], dash), []).append(str(at))
    return ("  linkStyle %s %s" % (",".join(held), looks) for looks, held in numbers.items())


def _text(lines: Iterable[str]) -> str:
    """Return a label of these lines; Mermaid has no empty label."""
    return "<br/>".join(_entities(printable(line, _WIDTH)[1:-1]) for line in lines) or "#32;"


def _entities(text: str) -> str:
    apart = _MEANT.sub("\u2060", text)
    return "".join(each if each.isalnum() or each in _HARMLESS else "#%d;" % ord(each) for each in apart)


def _yaml(heading: str) -> str:
    """Escape text for a quoted YAML string; ``heading`` has no control characters any more."""
    info = heading.translate(_ANGLES)
    return "".join(each if each.isalnum() or each in _HARMLESS else "\\U%08X" % ord(each) for each in info)
