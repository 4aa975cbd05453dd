"""A route in one line: ops of a name scope are joined, barriers are marked, and the middle ops are only counted."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Sequence, Tuple

from graphcut.graph.flat import SEPARATOR
from graphcut.results.words import escape_name

if TYPE_CHECKING:
    from graphcut.analysis.reasons.routes import Step

_FEW = 8
_ENDS = 3
_WIDTH = 120
MARK = "✗"


class _Stop(NamedTuple):
    """Consecutive ops of one scope, or ``ops`` of them without a name."""

    scope: Tuple[str, ...]
    names: Tuple[str, ...]
    ops: int
    kind: bool = False

    @property
    def text(self) -> str:
        """Return a text such as ``Mean``, ``dense/MatMul``, ``dense (3 ops)`` or ``94 more ops``."""
        if len(self.names) == 1 and self.ops == 1:
            return (MARK + " " if self.kind else "") + escape_name(self.names[0], 60)
        if not self.scope:
            return f"{self.ops} more op" + ("s" if self.ops > 1 else "")
        return f"{escape_name('/'.join(self.scope), 60)} ({self.ops} ops)"


def route(variable: str, steps: Sequence[Step]) -> str:
    """Return a route such as ``encoder → MatMul → ✗ StopGradient → head (3 ops) → Mean, the loss``."""
    texts = [escape_name(variable, 60)]
    for segment in _segments(list(_stops(steps))):
        texts += [stop.text for stop in _fold(segment)]
    return " → ".join(texts)


def _stops(steps: Sequence[Step]) -> Iterator[_Stop]:
    for step in steps:
        yield _stop(step.op, step.kind is not None)
        if step.left_out:
            yield _Stop((), (), step.left_out)


@lru_cache(maxsize=4096)
def _stop(op: str, barrier: bool) -> _Stop:
    name = op.rpartition(SEPARATOR)[2]
    return _Stop(tuple(name.split("/")[:-1]), (name,), 1, barrier)


def _segments(stops: Sequence[_Stop]) -> Iterator[List[_Stop]]:
    """Yield the parts of the route between barriers, and each barrier as a separate part."""
    segment: List[_Stop] = []
    for stop in stops:
        if stop.kind:
            yield segment
            yield [stop]
            segment = []
        else:
            segment.append(stop)
    yield segment


def _fold(segment: Sequence[_Stop]) -> List[_Stop]:
    """Return the stops of a segment: fold scopes, inner ones first, until few stops are left, then count the middle."""
    if len(segment) == 1:
        return list(segment)
    deepest = max((len(stop.scope) for stop in segment), default=0)
    result = _by_scope(segment, deepest)
    for depth in range(deepest - 1, 0, -1):
        if len(result) <= _FEW and sum(len(stop.text) for stop in result) <= _WIDTH:
            break
        result = _by_scope(segment, depth)
    if len(result) <= _FEW:
        return result
    middle = sum(stop.ops for stop in result[_ENDS:-_ENDS])
    return _join_counts(result[:_ENDS] + [_Stop((), (), middle)] + result[-_ENDS:])


def _join_counts(stops: Sequence[_Stop]) -> List[_Stop]:
    """Return the stops with adjacent counts of ops added up, such as ``14 more ops``."""
    joined: List[_Stop] = []
    for stop in stops:
        if joined and not (joined[-1].names or stop.names):
            joined[-1] = _Stop((), (), joined[-1].ops + stop.ops)
        else:
            joined.append(stop)
    return joined


def _by_scope(segment: Sequence[_Stop], depth: int) -> List[_Stop]:
    result: List[_Stop] = []
    for stop in segment:
        scope = stop.scope[:depth]
        last = result[-1] if result else None
        if last is not None and scope and last.scope == scope:
            result[-1] = _Stop(scope, last.names + stop.names, last.ops + stop.ops)
        else:
            result.append(_Stop(scope, stop.names, stop.ops))
    return result
