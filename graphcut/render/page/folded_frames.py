"""Lay out the pictures of a page that have folded frames: each folded frame becomes one box.

A page cannot run a layout engine, so these pictures are laid out in advance: one for each frame of three boxes or more, and
one with all outermost frames folded. For any other selection of frames, the page's script shrinks the frames in the full
picture instead.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Collection, Dict, List, Mapping, Optional, Tuple
from typing import Counter as Counts

from graphcut.render.picture.model import Box, Line, Link, Role
from graphcut.results import WITH_GRADIENT, Verdict

if TYPE_CHECKING:
    import networkx

Scope = Tuple[str, ...]
_FRAMES = 8  # frames that get a layout of their own
_LEAST = 3  # boxes in such a frame: folding fewer saves little space
_BOXES = 150  # of a picture whose frames are folded


def frames(drawn: networkx.MultiDiGraph) -> Dict[Scope, int]:
    """Return a number for each frame of a picture, outer frames first."""
    result: Dict[Scope, int] = {}
    for _, box in drawn.nodes(data="box"):
        for depth in range(len(box.scope)):
            result.setdefault(box.scope[: depth + 1], len(result))
    return result


def foldings(drawn: networkx.MultiDiGraph) -> Dict[str, Tuple[Scope, ...]]:
    """Return the frames of each folded picture, keyed by their numbers: ``"0"``, ``"2"``, ``"0,2"``."""
    frame_numbers = frames(drawn)
    outer = tuple(scope for scope in frame_numbers if len(scope) == 1)
    scopes = [box.scope for _, box in drawn.nodes(data="box")]
    large = [scope for scope in frame_numbers if sum(each[: len(scope)] == scope for each in scopes) >= _LEAST]
    wanted = [*((scope,) for scope in large[:_FRAMES]), *([outer] * bool(outer))]
    return {",".join(str(frame_numbers[scope]) for scope in each): each for each in wanted} if len(drawn) <= _BOXES else {}


def fold_frames(drawn: networkx.MultiDiGraph, scopes: Collection[Scope]) -> networkx.MultiDiGraph:
    """Return a picture in which each of some disjoint frames is replaced by one box (``f0`` for frame 0)."""
    import networkx

    frame_numbers = frames(drawn)
    home = {node: _folded(box.scope, scopes) for node, box in drawn.nodes(data="box")}
    name = {node: f"f{frame_numbers[scope]}" if scope else node for node, scope in home.items()}
    folded = networkx.MultiDiGraph()
    for node, box in drawn.nodes(data="box"):
        scope = home[node]
        if scope is None:
            folded.add_node(node, box=box)
        elif name[node] not in folded:
            folded.add_node(name[node], box=_frame(drawn, scope, [each for each in home if home[each] == scope]))
    merged: Dict[Tuple[str, str, Line], List[Link]] = {}
    for start, end, link in drawn.edges(data="link"):
        if name[start] != name[end] or home[start] is None:
            merged.setdefault((name[start], name[end], link.line), []).append(link)
    for (start, end, line), links in merged.items():
        folded.add_edge(start, end, line, link=links[0] if len(links) == 1 else _merged(line, links))
    return folded


def _folded(scope: Scope, scopes: Collection[Scope]) -> Optional[Scope]:
    """Return the folded frame that contains a box."""
    return next((scope[: depth + 1] for depth in range(len(scope)) if scope[: depth + 1] in scopes), None)


def _frame(drawn: networkx.MultiDiGraph, scope: Scope, members: List[str]) -> Box:
    live = any(drawn.nodes[each]["box"].live for each in members)
    return Box(Role.OP, scope[-1], (_content(drawn, members),), (), scope[:-1], live)


def _content(drawn: networkx.MultiDiGraph, members: List[str]) -> str:
    """Return what is in a frame, such as ``3 boxes, 1 cut, 2 none``: the variables are counted by verdict, the worst first."""
    inside = set(members)
    cuts = sum(link.line is Line.CUT and (a in inside or b in inside) for a, b, link in drawn.edges(data="link"))
    text = f"{len(members)} {'box' if len(members) == 1 else 'boxes'}"
    text += f", {cuts} {'cut' if cuts == 1 else 'cuts'}" if cuts else ""
    counts = _verdicts(drawn, members)
    return text + "".join(f", {counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])


def _verdicts(drawn: networkx.MultiDiGraph, members: List[str]) -> Counts[Optional[Verdict]]:
    counts: Counts[Optional[Verdict]] = Counter()
    for each in members:
        box = drawn.nodes[each]["box"]
        counts[box.verdict] += len(box.variables)
    return counts


def _merged(line: Line, links: List[Link]) -> Link:
    labels = dict.fromkeys(label for each in links for label in each.labels)
    wheres = dict.fromkeys(where for each in links for where in each.wheres)
    advice = tuple(dict.fromkeys(text for each in links for text in each.advice))
    flags = {name: all(getattr(each, name) for each in links) for name in ("loop", "harmless", "state")}
    return Link(line, tuple(labels), tuple(wheres), advice=advice, **flags)


def frame_groups(drawn: networkx.MultiDiGraph, frame_numbers: Mapping[Scope, int]) -> Dict[str, Dict[str, str]]:
    """Return for each frame, by its name in DOT, the attributes of its group in the page."""
    inside: Dict[Scope, List[str]] = {}
    for node, box in drawn.nodes(data="box"):
        for depth in range(len(box.scope)):
            inside.setdefault(box.scope[: depth + 1], []).append(node)
    return {
        f"cluster_{members[0]}_{len(scope) - 1}": {"data-scope": str(frame_numbers[scope]), **frame_attributes(drawn, members)}
        for scope, members in inside.items()
    }


def frame_attributes(drawn: networkx.MultiDiGraph, members: List[str]) -> Dict[str, str]:
    """Return what a frame of these boxes shows when it is folded: its content, and the worst verdict if it is no gradient."""
    counts = _verdicts(drawn, members)
    worst = next((verdict.value for verdict in Verdict if counts[verdict] and verdict not in WITH_GRADIENT), "")
    return {"data-told": _content(drawn, members), **({"data-worst": worst} if worst else {})}
