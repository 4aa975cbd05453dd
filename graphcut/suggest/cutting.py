"""The smallest set of tensors that every path from the loss to some others passes: a minimum vertex cut.

The graph is reduced first. (1) Tensors that are no end of a path are left out; those that must not be cut lie on the side
of the loss and become one with it. (2) A tensor to which every path leads through one other, which may be cut, is as good
as that one (a dominator). (3) A tensor right between the loss and the end is in every cut. What is left is for
``disjoint``; of several smallest cuts it takes the one nearest the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Callable, Dict, FrozenSet, Iterable, Mapping, Sequence, Set, Tuple

from graphcut.suggest.disjoint import smallest

LOSS = -1
Steps = Callable[[int], Iterable[int]]


@dataclass(frozen=True)
class Paths:
    """All paths from the loss to the ends.

    ``order``: the tensors on them, nearest the loss first but for loops; ``steps``: from a tensor to the next ones;
    ``starts``: those that the loss itself is; ``fixed``: those that must not be cut because of what else they serve, closed
    towards the loss; ``rigid``: those that cannot be cut; ``ends``: those that must be cut off.
    """

    order: Sequence[int]
    steps: Steps
    starts: AbstractSet[int]
    fixed: AbstractSet[int]
    rigid: AbstractSet[int]
    ends: AbstractSet[int]


class Uncuttable(Exception):
    """Some path has no tensor that may be cut; ``tensor`` is where it ends."""

    def __init__(self, tensor: int) -> None:
        super().__init__(tensor)
        self.tensor = tensor


Before = Mapping[int, AbstractSet[int]]


def smallest_cut(paths: Paths) -> FrozenSet[int]:
    """The tensors of a smallest cut, the one nearest the loss; ``Uncuttable`` where there is none."""
    before, last = _reduced(paths)
    for node, tensor in last.items():
        if node == LOSS:
            raise Uncuttable(tensor)
    forced = {node for node in last if LOSS in before[node]}
    for node in forced & paths.rigid:
        raise Uncuttable(last[node])
    rest = [node for node in before if node not in forced]
    after = {node: [each for each in before[node] if each != LOSS and each not in forced] for node in rest}
    found = smallest(after, last.keys() & after.keys(), {node for node in rest if LOSS in before[node]}, paths.rigid)
    if found is None:
        raise Uncuttable(next(last[node] for node in rest if node in last))
    return frozenset(found | forced)


def _reduced(paths: Paths) -> Tuple[Before, Mapping[int, int]]:
    """The nodes left with those before each of them, and the nodes right before an end, with that end."""
    stands_for: Dict[int, int] = {}
    before: Dict[int, Set[int]] = {tensor: {LOSS} for tensor in paths.starts}
    last: Dict[int, int] = {}
    late = _late(paths)
    for tensor in paths.order:
        known = before.setdefault(tensor, set())
        single = next(iter(known)) if len(known) == 1 and tensor not in late else LOSS
        free = single != LOSS and single not in paths.rigid
        node = LOSS if tensor in paths.fixed else single if free else tensor
        stands_for[tensor] = node
        for source in paths.steps(tensor):
            before.setdefault(source, set()).add(node)
        if tensor in paths.ends:
            last.setdefault(node, tensor)
    kept = {node for node in stands_for.values() if node != LOSS}
    return {node: before[node] - {node} for node in sorted(kept)}, last


def _late(paths: Paths) -> FrozenSet[int]:
    """The tensors that a loop leads back to: not all that is before them is known when it is their turn."""
    seen: Set[int] = set()
    late: Set[int] = set()
    for tensor in paths.order:
        seen.add(tensor)
        late.update(source for source in paths.steps(tensor) if source in seen)
    return frozenset(late)
