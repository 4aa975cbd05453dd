"""Whether a gradient reaches a variable *through* one place and *avoiding* another.

A *carrying path* leads from the loss to the variable over edges that carry. It passes a place if one of its tensors is
the place's, its ends included. The walk goes over pairs of a tensor and whether the place was passed, so each tensor is
met twice at most: no path is enumerated, and loops need no care. A gradient that a custom gradient makes out of nothing
carries from there on; what leads up to it need only be connected (``Row.makes``).
"""

from __future__ import annotations

from typing import AbstractSet, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from graphcut.flow.judge import Flow
from graphcut.flow.walk import SEED, carries, connected
from graphcut.replies import Reach
from graphcut.rows import Target


class _State(NamedTuple):
    """A tensor; whether the place was passed on the way; whether the gradient there is more than connected."""

    tensor: int
    passed: bool
    carried: bool


_Parents = Mapping[_State, Optional[_State]]


def reach(flow: Flow, asked: Sequence[Target], through: Optional[AbstractSet[int]], avoiding: AbstractSet[int]) -> Reach:
    """Which of the targets a carrying path reaches.

    Args:
        flow: the judgement of the loss.
        asked: the targets.
        through: tensors of which the path must pass one; ``None`` for no such wish.
        avoiding: tensors that the path must not pass.
    """
    parents = _walked(flow, through, avoiding)
    found: Dict[str, _State] = {}
    for target in asked:
        states = (_State(tensor, True, True) for tensor in target.tensors)
        state = next((each for each in states if each in parents), None)
        if state is not None:
            found[target.variable.name] = state
    return Reach(tuple(found), lambda: {name: _path(flow, parents, state) for name, state in found.items()})  # type: ignore


def _walked(flow: Flow, through: Optional[AbstractSet[int]], avoiding: AbstractSet[int]) -> _Parents:
    """Every state that can be reached, with the one before it."""
    makes = bool(flow.connected.made)
    seeds = [tensor for tensor in flow.connected.order if flow.connected.parents[tensor] == SEED]
    parents: Dict[_State, Optional[_State]] = {}
    waiting: List[_State] = []
    for tensor in (tensor for tensor in seeds if tensor not in avoiding):
        passed = through is None or tensor in through
        for state in [_State(tensor, passed, True)] + [_State(tensor, passed, False)] * makes:
            parents[state] = None
            waiting.append(state)
    for state in waiting:
        for source, carried in _next(flow, state):
            if source not in avoiding and flow.rules.passing[source]:
                fresh = _State(source, state.passed or through is None or source in through, carried)
                if fresh not in parents:
                    parents[fresh] = state
                    waiting.append(fresh)
    return parents


def _next(flow: Flow, state: _State) -> Iterator[Tuple[int, bool]]:
    """The inputs that the gradient of a tensor goes on to."""
    flat = flow.rules.flat
    op = flat.producer[state.tensor]
    if op in flow.stopped:
        return
    row, given = flow.rules.row(op), flat.inputs[op]
    relation = carries if state.carried else connected
    for index in relation(row)[state.tensor - flat.first[op]]:
        yield given[index], state.carried
    if not state.carried and row.raises is None:
        for index in sorted(row.makes):
            yield given[index], True


def _path(flow: Flow, parents: _Parents, state: Optional[_State]) -> Tuple[str, ...]:
    flat = flow.rules.flat
    ops: List[int] = []
    while state is not None:
        ops.append(flat.producer[state.tensor])
        state = parents[state]
    return tuple(flat.names[op] for op in dict.fromkeys(reversed(ops)))
