"""What the questions that are put to an audit answer with: plain results, in the words of ``terms``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Tuple

from graphcut.terms import Late, Verdict


@dataclass(frozen=True)
class Change:
    """One variable whose verdict differs between two audits, and the op that makes the difference.

    ``name`` is the variable's.
    ``op`` is in the cut of the variable where it gets less: the stop that was added or taken out, or the conditional that
    the gradient hangs on. ``None``: no single op does, as for an unused variable. ``before`` or ``after`` is ``None`` where
    that audit does not have the variable.
    """

    name: str
    before: Optional[Verdict]
    after: Optional[Verdict]
    op: Optional[str] = None


@dataclass(frozen=True)
class Reach:
    """True if any of the variables asked about is reached.

    ``reached`` has the names of those that are;
    ``paths`` maps the name of each variable that is reached to one such path: op names, loss first.
    """

    reached: Tuple[str, ...]
    paths: Mapping[str, Tuple[str, ...]] = Late()  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.reached)


@dataclass(frozen=True)
class Disagreement:
    """One variable for which the real ``tf.gradients`` answers otherwise than its verdict says, or could not be asked.

    ``name`` is the variable's, ``verdict`` what the audit says.
    ``answer`` is ``none``, ``gradient``, ``raises`` or ``not checked``; ``reason`` says why it could not be, or what
    TensorFlow said.
    """

    name: str
    verdict: Verdict
    answer: str
    reason: str = ""


@dataclass(frozen=True)
class Suggestion:
    """One tensor to stop, or one barrier to take out.

    ``tensor`` (``op:0``) is the one to stop, or the output of the barrier; ``op`` makes it; ``where`` is ``file:line`` of the
    op or ``None``; ``code`` is the line to write: a stop right behind that line, or in its place where it returns.
    """

    tensor: str
    op: str
    where: Optional[str]
    code: str
