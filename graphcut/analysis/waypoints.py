"""Decide whether a gradient reaches a variable *through* one place while *avoiding* another.

A *carrying path* leads from the loss to the variable over the edges of the gradient flow (``flow_edges``). It passes a
place if one of its tensors, ends included, belongs to the place. The walk visits pairs of a node and a flag that says whether
the place was passed, so it visits each node at most twice: it enumerates no paths, and loops need no special case. If no place
is named, the answer is that of the verdict.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.targets import Target
from graphcut.results import WITH_GRADIENT, Reach

_State = Tuple[int, bool]
_Parents = Mapping[_State, Optional[_State]]


def reach(
    flow: GradientFlow, targets: Sequence[Target], through: Optional[AbstractSet[int]], avoiding: AbstractSet[int]
) -> Reach:
    """Return which targets a carrying path reaches; no path reaches a target for which TensorFlow raises.

    Args:
        flow: the gradient flow from the loss.
        targets: the variables to look for.
        through: tensors; the path must pass at least one of them; ``None`` for no such condition.
        avoiding: tensors that the path must not pass.
    """
    parents = _walk_states(flow, through, avoiding)
    result: Dict[str, _State] = {}
    for target in targets:
        states = ((tensor, True) for tensor in target.tensors if flow.verdict(tensor) in WITH_GRADIENT)
        state = next((each for each in states if each in parents), None)
        if state is not None:
            result[target.variable.name] = state
    return Reach(tuple(result), lambda _: {name: _path(flow, parents, state) for name, state in result.items()})  # type: ignore


def _walk_states(flow: GradientFlow, through: Optional[AbstractSet[int]], avoiding: AbstractSet[int]) -> _Parents:
    """Return every reachable state, with its predecessor."""
    edges, size = flow.edges, flow.edges.size
    parents: Dict[_State, Optional[_State]] = {}
    losses, starts = [tensor for tensor in flow.losses if flow.carries_to(tensor)], frozenset(edges.starts())
    for node in (node for node in [*losses, *edges.starts()] if node % size not in avoiding):
        parents[node, through is None or node % size in through] = None
    waiting: List[_State] = [each for each in parents if each[0] in starts]
    for state in waiting:
        for node, _ in edges.onward(state[0]):
            if node % size not in avoiding:
                fresh = (node, state[1] or through is None or node % size in through)
                if fresh not in parents:
                    parents[fresh] = state
                    waiting.append(fresh)
    return parents


def _path(flow: GradientFlow, parents: _Parents, state: Optional[_State]) -> Tuple[str, ...]:
    flat = flow.rules.flat
    ops: List[int] = []
    while state is not None:
        ops.append(flat.producer[state[0] % len(flat.dtypes)])
        state = parents[state]
    return tuple(flat.names[op] for op in dict.fromkeys(reversed(ops)))
