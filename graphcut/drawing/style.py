"""How a picture looks: colour, shape and line for each word, so that any one of the three is enough.

The palette is Okabe and Ito's, safe for colour-blind readers (https://jfly.uni-koeln.de/color/), fills lightened so
that black text stays readable on them.
"""

from __future__ import annotations

from typing import Dict, Mapping

from graphcut.drawing.boxes import Box, Line, Link, Role
from graphcut.terms import Verdict

Attributes = Dict[str, str]

GREEN, BLUE, ORANGE, VERMILLION, PURPLE, GREY = "#009E73", "#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#8C8C8C"


def _verdict(shape: str, color: str, fill: str, line: str, width: str) -> Attributes:
    return {"shape": shape, "color": color, "fillcolor": fill, "style": f"filled,{line}", "penwidth": width}


VERDICTS: Mapping[Verdict, Attributes] = {
    Verdict.RAISES: _verdict("tripleoctagon", PURPLE, "#EFCFE0", "solid", "2"),
    Verdict.NONE: _verdict("box", VERMILLION, "#F6C3A0", "dashed", "3"),
    Verdict.ZERO: _verdict("parallelogram", ORANGE, "#FBE6B0", "dotted", "3"),
    Verdict.CONDITIONAL: _verdict("hexagon", BLUE, "#DCEBF5", "dashed", "2"),
    Verdict.FLOWS: _verdict("ellipse", GREEN, "#DDF2EB", "solid", "2"),
}

LOSS: Attributes = {"shape": "house", "color": "black", "fillcolor": "#333333", "fontcolor": "white", "style": "filled"}
BARRIER: Attributes = {
    "shape": "octagon",
    "color": "black",
    "fillcolor": VERMILLION,
    "style": "filled",
    "penwidth": "2",
}
HARMLESS: Attributes = {"shape": "octagon", "color": GREY, "fillcolor": "#F0F0F0", "style": "filled"}
LIVE_OP: Attributes = {"shape": "box", "color": GREEN, "style": "rounded"}
DEAD_OP: Attributes = {"shape": "box", "color": GREY, "fontcolor": "#595959", "style": "rounded,dashed"}

LINES: Mapping[Line, Attributes] = {
    Line.LIVE: {"color": GREEN, "penwidth": "2.5"},
    Line.LOST: {"color": VERMILLION, "penwidth": "1.5", "arrowhead": "open"},
    Line.CUT: {"color": VERMILLION, "penwidth": "3", "arrowhead": "tee", "style": "dashed", "fontcolor": "#A34700"},
    Line.BEHIND: {"color": GREY, "penwidth": "1.2", "arrowhead": "none", "style": "dotted"},
}
HARMLESS_CUT: Attributes = {"color": GREY, "fontcolor": "#595959"}
LOOP: Attributes = {"constraint": "false", "label": "  loop", "fontcolor": "#595959"}
CONDITIONAL: Attributes = {"color": BLUE, "style": "dashed", "fontcolor": BLUE, "penwidth": "2.5"}

VERDICT_WORDS: Mapping[Verdict, str] = {
    Verdict.RAISES: "raises: an error",
    Verdict.NONE: "none: no gradient",
    Verdict.ZERO: "zero: always zeros",
    Verdict.CONDITIONAL: "conditional: in some runs",
    Verdict.FLOWS: "flows: gets a gradient",
}
LINE_WORDS: Mapping[Line, str] = {
    Line.LIVE: "a gradient passes",
    Line.LOST: "a gradient comes this far, to no use",
    Line.CUT: "cut: no gradient passes",
    Line.BEHIND: "data behind the cut",
}
ROLES: Mapping[Role, Attributes] = {Role.BARRIER: BARRIER, Role.HARMLESS: HARMLESS}
ROLE_WORDS: Mapping[Role, str] = {Role.BARRIER: "ends the gradient", Role.HARMLESS: "a stop that cuts off nothing"}


def box_style(box: Box) -> Attributes:
    """The look of a box."""
    if box.role is Role.LOSS:
        return dict(LOSS)
    if box.verdict:
        return dict(VERDICTS[box.verdict])
    if box.role in ROLES:
        return dict(ROLES[box.role])
    return dict(LIVE_OP if box.live else DEAD_OP)


def link_style(link: Link) -> Attributes:
    """The look of a link, but for what is written on it."""
    looks = dict(LINES[link.line])
    looks.update(LOOP if link.loop else {})
    looks.update(HARMLESS_CUT if link.harmless else {})
    looks.update(CONDITIONAL if link.labels and link.line is not Line.CUT else {})
    return looks
