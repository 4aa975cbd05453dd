"""The colours of pictures, pages and tables.

Four strokes are from Okabe and Ito (https://jfly.uni-koeln.de/color/). Their orange and yellow are too pale on white, so the
fifth is a brown that colour-blind readers can distinguish from the others. Every stroke has a contrast of 3:1 against white
and against a dark page (WCAG 2.1, 1.4.11); text has 4.5:1 against its background (1.4.3). Fills are light enough for black
text, and no fill carries information alone.
"""

from __future__ import annotations

from typing import Mapping

from graphcut.results import Verdict

BLACK, WHITE = "#000000", "#FFFFFF"
GREEN, BLUE, BROWN, VERMILLION, PURPLE, GREY = "#009E73", "#0072B2", "#946040", "#D55E00", "#CC79A7", "#858585"
INK, FAINT, WARNING = "#1B1B1B", "#595959", "#A34700"
DARK, LIVE, BEHIND, HARMLESS = "#333333", "#BFE6D8", "#D9D9D9", "#F0F0F0"

STROKES: Mapping[Verdict, str] = {
    Verdict.RAISES: PURPLE,
    Verdict.NONE: VERMILLION,
    Verdict.ZERO: BROWN,
    Verdict.CONDITIONAL: BLUE,
    Verdict.FLOWS: GREEN,
}
FILLS: Mapping[Verdict, str] = {
    Verdict.RAISES: "#EFCFE0",
    Verdict.NONE: "#F6C3A0",
    Verdict.ZERO: "#FBE6B0",
    Verdict.CONDITIONAL: "#DCEBF5",
    Verdict.FLOWS: "#DDF2EB",
}

# Colours of a page in light and dark mode. The picture itself is drawn on white; dark mode inverts it.
DAY = {"paper": WHITE, "ink": INK, "faint": FAINT, "line": GREY, "panel": "#F6F6F6", "chosen": BLUE}
NIGHT = {"paper": "#1D1F21", "ink": "#ECECEC", "faint": "#B5B5B5", "line": "#808488", "panel": "#26292B", "chosen": "#56B4E9"}
