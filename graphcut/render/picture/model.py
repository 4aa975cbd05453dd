"""The boxes and links of a picture, as plain data without layout or escaping."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Optional, Tuple

from graphcut.results import Verdict


class Role(enum.Enum):
    """What a box stands for.

    ``HARMLESS`` is a stop that is in no cut. ``LEFT_OUT`` is a group of variables that the gradient call left out.
    """

    LOSS = "loss"
    VARIABLE = "variable"
    BARRIER = "barrier"
    HARMLESS = "harmless"
    OP = "op"
    INPUT = "input"
    LEFT_OUT = "left-out"


class Line(enum.Enum):
    """What a link stands for.

    In order: a gradient passes; a gradient arrives but ends at a barrier; the barrier; data behind a barrier; data from an
    input or from variables that the gradient call left out.
    """

    LIVE = "live"
    LOST = "lost"
    CUT = "cut"
    BEHIND = "behind"
    DATA = "data"


@dataclass(frozen=True)
class Box:
    """One box: ``title`` is its first line, ``lines`` the rest, ``ops`` what it stands for.

    ``scope`` is its name scope, outermost first, and ``title`` its name relative to that. ``live``: a gradient passes.
    ``folded``: it stands for several ops, named by their layer, source lines or types. ``verdict`` is the verdict of
    ``variables`` (names). ``tips`` are the lines of its tooltip: type, dtype and shape, ``file:line``. ``where`` is the
    ``file:line`` of a single op. ``change`` is the change of the variables since an older version: ``gained``, ``lost``,
    ``changed`` or ``new``; or ``broken`` if they break a contract.
    """

    role: Role
    title: str
    lines: Tuple[str, ...]
    ops: Tuple[str, ...]
    scope: Tuple[str, ...] = ()
    live: bool = False
    folded: bool = False
    verdict: Optional[Verdict] = None
    variables: Tuple[str, ...] = ()
    tips: Tuple[str, ...] = ()
    where: Optional[str] = None
    change: Optional[str] = None


@dataclass(frozen=True)
class Link:
    """The labels of the links of one ``line`` between two boxes, and their source lines.

    ``advice``: what to do about its barriers. ``loop``: it is a loop back-edge. ``harmless``: a cut that takes the gradient
    from no variable. ``state``: it leads from a variable, or the loss that reads it, to the value that is assigned to it.
    """

    line: Line
    labels: Tuple[str, ...] = ()
    wheres: Tuple[str, ...] = ()
    loop: bool = False
    harmless: bool = False
    state: bool = False
    advice: Tuple[str, ...] = ()
