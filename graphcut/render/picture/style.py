"""The look of a picture: each verdict and role has a colour, a shape and a line style, each of which identifies it alone.

The colours come from ``palette``.
"""

from __future__ import annotations

from typing import Dict, Mapping

from graphcut.render import palette
from graphcut.render.palette import BLACK, BLUE, FAINT, GREEN, GREY, VERMILLION, WARNING, WHITE
from graphcut.render.picture.model import Box, Line, Link, Role
from graphcut.results import Verdict

Attributes = Dict[str, str]


def _verdict(verdict: Verdict, shape: str, line: str, width: str) -> Attributes:
    colours = {"color": palette.STROKES[verdict], "fillcolor": palette.FILLS[verdict]}
    return {"shape": shape, **colours, "style": f"filled,{line}", "penwidth": width}


_SHAPES = {
    Verdict.RAISES: ("tripleoctagon", "solid", "2"),
    Verdict.NONE: ("box", "dashed", "3"),
    Verdict.ZERO: ("parallelogram", "dotted", "3"),
    Verdict.CONDITIONAL: ("hexagon", "dashed", "2"),
    Verdict.FLOWS: ("ellipse", "solid", "2"),
}
VERDICTS: Mapping[Verdict, Attributes] = {verdict: _verdict(verdict, *shape) for verdict, shape in _SHAPES.items()}

LOSS: Attributes = {"shape": "house", "color": GREY, "fillcolor": palette.DARK, "fontcolor": WHITE, "style": "filled"}
BARRIER: Attributes = {
    "shape": "octagon",
    "color": BLACK,
    "fillcolor": VERMILLION,
    "style": "filled",
    "penwidth": "2",
}
HARMLESS: Attributes = {"shape": "octagon", "color": GREY, "fillcolor": palette.HARMLESS, "style": "filled"}
INPUT: Attributes = {"shape": "box", "color": GREY, "fillcolor": palette.HARMLESS, "style": "filled"}
LEFT_OUT: Attributes = {"shape": "ellipse", "color": GREY, "fillcolor": palette.HARMLESS, "style": "filled,dashed"}
LIVE_OP: Attributes = {"shape": "box", "color": GREEN, "style": "rounded"}
DEAD_OP: Attributes = {"shape": "box", "color": GREY, "fontcolor": FAINT, "style": "rounded,dashed"}

LINES: Mapping[Line, Attributes] = {
    Line.LIVE: {"color": GREEN, "penwidth": "2.5"},
    Line.LOST: {"color": VERMILLION, "penwidth": "1.5", "arrowhead": "open"},
    Line.CUT: {"color": VERMILLION, "penwidth": "3", "arrowhead": "tee", "style": "dashed", "fontcolor": WARNING},
    Line.BEHIND: {"color": GREY, "penwidth": "1.8", "arrowhead": "none", "style": "dotted"},
    Line.DATA: {"color": GREY, "penwidth": "1", "dir": "back", "arrowtail": "open", "arrowsize": "0.7"},
}
HARMLESS_CUT: Attributes = {"color": GREY, "fontcolor": FAINT}
LOOP: Attributes = {"constraint": "false", "fontcolor": FAINT, "labelangle": "-60", "labeldistance": "2.2"}
CONDITIONAL: Attributes = {"color": BLUE, "style": "dashed", "fontcolor": BLUE, "penwidth": "2.5"}

# The change of a variable since an older version, or that it breaks a contract: the outline is doubled and keeps the pattern
# of the verdict.
CHANGES: Mapping[str, Attributes] = {
    "gained": {"color": BLACK, "fillcolor": GREEN, "peripheries": "2"},
    "lost": {"color": BLACK, "fillcolor": VERMILLION, "peripheries": "2"},
    "broken": {"color": BLACK, "fillcolor": VERMILLION, "peripheries": "2"},
}
CHANGE_WORDS: Mapping[str, str] = {
    "gained": "gained its gradient",
    "lost": "lost its gradient",
    "broken": "breaks the contract",
}

VERDICT_WORDS: Mapping[Verdict, str] = {
    Verdict.RAISES: "raises: an error",
    Verdict.NONE: "none: no gradient",
    Verdict.ZERO: "zero: always zeros",
    Verdict.CONDITIONAL: "conditional: in some runs",
    Verdict.FLOWS: "flows: gets a gradient",
}
LINE_WORDS: Mapping[Line, str] = {
    Line.LIVE: "gradient, from loss to variable",
    Line.LOST: "gradient that reaches no variable",
    Line.CUT: "cut: no gradient passes",
    Line.BEHIND: "data behind the cut",
    Line.DATA: "data, no gradient asked for",
}
CONDITIONAL_WORDS, HARMLESS_WORDS = "gradient in some runs", "cut that blocks no variable"
ROLES: Mapping[Role, Attributes] = {
    Role.BARRIER: BARRIER,
    Role.HARMLESS: HARMLESS,
    Role.INPUT: INPUT,
    Role.LEFT_OUT: LEFT_OUT,
}
ROLE_WORDS: Mapping[Role, str] = {
    Role.BARRIER: "blocks the gradient",
    Role.HARMLESS: "stop that blocks no variable",
    Role.INPUT: "input",
    Role.LEFT_OUT: "variable, no gradient asked for",
}


def box_style(box: Box) -> Attributes:
    """Return the look of a box."""
    if box.role is Role.LOSS:
        return dict(LOSS)
    if box.verdict:
        return {**VERDICTS[box.verdict], **CHANGES.get(box.change or "", {})}
    if box.role in ROLES:
        return dict(ROLES[box.role])
    return dict(LIVE_OP if box.live else DEAD_OP)


def link_style(link: Link) -> Attributes:
    """Return the look of a link, without its label."""
    looks = dict(LINES[link.line])
    looks.update(LOOP if link.loop else {})
    looks.update(HARMLESS_CUT if link.harmless else {})
    looks.update(CONDITIONAL if _is_conditional(link) else {})
    return looks


def link_words(link: Link) -> str:
    """Return the words of the legend for such a link."""
    if _is_conditional(link):
        return CONDITIONAL_WORDS
    return HARMLESS_WORDS if link.harmless else LINE_WORDS[link.line]


def _is_conditional(link: Link) -> bool:
    return bool(link.labels) and link.line is not Line.CUT and not link.state
