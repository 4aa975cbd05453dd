"""Which variables of a picture gained or lost their gradient since an older version, as notes on their boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence

import networkx as nx

from graphcut.results import Change

_NAMED = 44  # characters


def mark_changes(drawn: nx.MultiDiGraph, changes: Sequence[Change]) -> nx.MultiDiGraph:
    """Write on each box of variables what changed.

    All variables of a box share one note: ``note_of`` is part of what tells them apart.
    """
    known = {each.name: each for each in changes}
    for node, box in drawn.nodes(data="box"):
        change = known.get(box.variables[0]) if box.variables else None
        if change is not None:
            lines = (*box.lines[:-1], *note_of(change, box.lines[-1]))
            drawn.nodes[node]["box"] = replace(box, lines=lines, change=change.direction)
    return drawn


def note_of(change: Optional[Change], verdict: str = "") -> Sequence[str]:
    """``none, lost`` and ``was flows``; of a gained gradient also the op that held it up."""
    if change is None:
        return ()
    if change.before is None:
        return (verdict + ", new",)
    through = ", cut at %s" % _end(change.op) if change.op and change.direction == "gained" else ""
    return ("%s, %s" % (verdict, change.direction), "was %s%s" % (change.before.value, through))


def _end(name: str) -> str:
    """Return the last part of a long name."""
    return name if len(name) <= _NAMED // 2 else "…" + name[-_NAMED // 2 :]
