"""Notes on the boxes of variables: the change since an older version, or the demand of a broken contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Optional, Sequence

import networkx as nx

from graphcut.results import Change

_NAMED = 44  # characters


def mark_changes(drawn: nx.MultiDiGraph, changes: Sequence[Change]) -> nx.MultiDiGraph:
    """Write on each box of variables what changed.

    All variables of a box share one note, because ``note_of`` is part of the key that groups them.
    """
    known = {each.name: each for each in changes}
    for node, box in drawn.nodes(data="box"):
        change = known.get(box.variables[0]) if box.variables else None
        if change is not None:
            lines = (*box.lines[:-1], *note_of(change, box.lines[-1]))
            drawn.nodes[node]["box"] = replace(box, lines=lines, change=change.direction)
    return drawn


def mark_demands(drawn: nx.MultiDiGraph, demands: Mapping[str, str]) -> nx.MultiDiGraph:
    """Write on each box of variables what a contract demands of them: ``flows, must get none``.

    All variables of a box share one demand, because it is part of the key that groups them.
    """
    for node, box in drawn.nodes(data="box"):
        demand = demands.get(box.variables[0]) if box.variables else None
        if demand is not None:
            lines = (*box.lines[:-1], f"{box.lines[-1]}, {demand}")
            drawn.nodes[node]["box"] = replace(box, lines=lines, change="broken")
    return drawn


def note_of(change: Optional[Change], verdict: str = "") -> Sequence[str]:
    """Return lines such as ``none, lost`` and ``was flows``; for a gained gradient also the op that blocked it."""
    if change is None:
        return ()
    if change.before is None:
        return (verdict + ", new",)
    through = ", cut at %s" % _end(change.op) if change.op and change.direction == "gained" else ""
    return ("%s, %s" % (verdict, change.direction), "was %s%s" % (change.before.value, through))


def _end(name: str) -> str:
    """Return the last part of a long name."""
    return name if len(name) <= _NAMED // 2 else "…" + name[-_NAMED // 2 :]
