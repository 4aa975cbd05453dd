"""The options of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, AbstractSet, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, Union

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.flat import SEPARATOR
from graphcut.render.picture.quotient import Sketch
from graphcut.results import Change

if TYPE_CHECKING:
    from graphcut.graph.flat import FlatGraph, Shape
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts
    from graphcut.results import LeftOut, Stop, VariableAudit

DETAILS = ("variables", "scopes", "ops")
READABLE, AT_MOST = 40, 150
Names = Union[str, Iterable[str]]


@dataclass(frozen=True)
class PictureOptions:
    """What to draw of an audit, and how; ``picture_options`` makes one from a user's arguments.

    ``detail``: ``"variables"`` folds every op that is neither loss nor barrier, ``"scopes"`` draws name scopes, ``"ops"``
    draws as many single ops as fit; ``None`` is the finest level that is small enough to read. ``expand``: names or patterns
    of ops that are never folded. ``around``: names or patterns of ops of which only the neighbourhood is drawn, ``hops`` edges
    far. ``of``: names or patterns of variables; only their paths and cuts are drawn. ``link``: a template for links to the
    user's code; ``seconds``: the limit for the layout. ``boxes``: how many boxes are few enough to read. ``changes``: what to
    mark, by the names of the drawn variables; ``demands``: what a contract demands of a variable that breaks it, as pairs of
    name and words; ``heading``: what to write above the picture in place of the counts of verdicts.
    """

    detail: Optional[str] = None
    expand: Tuple[str, ...] = ()
    around: Tuple[str, ...] = ()
    hops: int = 3
    of: Tuple[str, ...] = ()
    link: Optional[str] = None
    seconds: float = 30.0
    boxes: int = READABLE
    changes: Tuple[Change, ...] = ()
    demands: Tuple[Tuple[str, str], ...] = ()
    heading: str = ""

    def changed_names(self) -> Tuple[str, ...]:
        """Return the names of the options that differ from the defaults."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != each.default)


DEFAULT_OPTIONS = PictureOptions()


def picture_options(
    detail: Optional[str] = None,
    expand: Names = (),
    around: Names = (),
    hops: int = 3,
    of: Names = (),
    link: Optional[str] = None,
    seconds: float = 30.0,
) -> PictureOptions:
    """Return the options for a user's arguments, each one name or several.

    Raises:
        GraphcutError: the detail is unknown, or ``hops`` is not a number of edges.
    """
    if detail is not None and detail not in DETAILS:
        raise GraphcutError(f"unknown detail {detail!r}\nchoose from: {', '.join(DETAILS)}")
    if hops < 0:
        raise GraphcutError(f"hops={hops} is not a number of edges\ngive 0 or more")
    return PictureOptions(detail, _as_names(expand), _as_names(around), hops, _as_names(of), link, seconds)


def _as_names(names: Names) -> Tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def matching_numbers(names: Mapping[int, str], wanted: Sequence[str], asked: str) -> List[int]:
    """Return the numbers of the ``names`` that match: by name, with or without ``:0``, by pattern, or by scope."""
    result: Dict[int, None] = {}
    for each in wanted:
        plain = each[:-2] if each.endswith(":0") else each
        scopes = tuple(plain.rstrip("/") + mark for mark in ("/", SEPARATOR))
        meant = [at for at, name in names.items() if name == plain or name.startswith(scopes) or fnmatchcase(name, plain)]
        if not meant:
            near = near_names(plain, names.values())
            raise GraphcutError(f"{asked}: nothing in the picture is named {printable(each)}{near}")
        result.update(dict.fromkeys(meant))
    return list(result)


def neighbourhood(sketch: Sketch, starts: Iterable[int], hops: int) -> Sketch:
    """Return the part of a sketch within ``hops`` edges of ``starts``, in either direction."""
    leads, led = sketch.producers(), sketch.consumers()
    near = dict.fromkeys(starts)
    edge: Set[int] = set(near)
    for _ in range(hops):
        edge = {other for node in edge for other in leads[node] + led[node]}.difference(near)
        near.update(dict.fromkeys(edge))
    return sketch.restrict_to(near)


@dataclass(frozen=True)
class VariableSelection:
    """The facts about selected variables only, with their paths and cuts."""

    variables: Tuple[VariableAudit, ...]
    loss: Tuple[str, ...]
    loss_keys: Tuple[str, ...]
    stops: Tuple[Stop, ...]
    flat: FlatGraph
    passing: Mapping[int, Tuple[int, ...]]
    reached: AbstractSet[int]
    facts: PictureFacts
    left_out_ops: Mapping[int, LeftOut] = field(default_factory=dict)
    idioms: Mapping[str, str] = field(default_factory=dict)

    def shapes(self, op: int) -> Sequence[Shape]:
        """As for the full audit."""
        return self.facts.shapes(op)

    def place(self, op: int) -> Tuple[Optional[str], bool]:
        """As for the full audit."""
        return self.facts.place(op)


def select_variables(facts: PictureFacts, ops: Ops, wanted: Sequence[str]) -> PictureFacts:
    """Return the facts about the variables in ``wanted`` only, each with one path."""
    names = {at: each.name for at, each in enumerate(facts.variables)}
    variables = tuple(facts.variables[at] for at in sorted(matching_numbers(names, wanted, "of")))
    passing: Dict[int, Tuple[int, ...]] = {}
    for each in variables:
        path = [ops.numbers[name] for name in each.path]
        for consumer, producer in zip(path, path[1:]):
            passing[consumer] = tuple(dict.fromkeys(passing.get(consumer, ()) + (producer,)))
        passing.update((op, passing.get(op, ())) for op in path[-1:])
    return VariableSelection(
        variables, facts.loss, facts.loss_keys, (), facts.flat, passing, facts.reached, facts, idioms=facts.idioms
    )
