"""The boxes and links of a picture: plain data, no layout, no escaping."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Optional, Tuple

from graphcut.results import Verdict


class Role(enum.Enum):
    """What a box stands for.

    ``HARMLESS`` is a stop that is in no cut, ``LEFT_OUT`` stands for variables that no gradient was asked for.
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

    A gradient passes, or it comes and ends at a barrier; the barrier; the data behind it; data from an input, or from
    variables that no gradient was asked for.
    """

    LIVE = "live"
    LOST = "lost"
    CUT = "cut"
    BEHIND = "behind"
    DATA = "data"


@dataclass(frozen=True)
class Box:
    """One box: ``title`` is its first line, ``lines`` the rest, ``ops`` what it stands for.

    It stands in ``scope``, outermost first; ``title`` is its name from there. ``live``: a gradient passes.
    ``folded``: it stands for several ops, named by their layer, their source lines or their types. ``verdict`` is that of the
    ``variables`` (their names). ``tips`` are lines that tell more: type, dtype and shape, ``file:line``. ``where`` is the
    ``file:line`` of the one op. ``change`` is what became of the variables since an older version: ``gained``, ``lost``,
    ``changed``, ``new``; or ``broken`` if they break a contract.
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

    ``advice``: what to do about its barriers. ``loop``: it comes round a loop. ``harmless``: a cut that takes the gradient
    from nobody. ``state``: it leads from a variable, or the loss that reads it, to what is assigned to it.
    """

    line: Line
    labels: Tuple[str, ...] = ()
    wheres: Tuple[str, ...] = ()
    loop: bool = False
    harmless: bool = False
    state: bool = False
    advice: Tuple[str, ...] = ()
