"""Fixed points: propagate values from node to node until none changes.

The shape is that of a compiler's data-flow analysis (Kildall, "A unified approach to global program optimization", 1973):
values only grow by ``join``, so the result does not depend on the order of the nodes; with a good order one sweep is enough.
"""

from __future__ import annotations

from operator import or_
from typing import Callable, Dict, Hashable, Iterable, Iterator, Sequence, Set, TypeVar

from graphcut.graph.flat import FlatGraph

NodeT = TypeVar("NodeT", bound=Hashable)


def run_analysis(
    values: Dict[NodeT, int],
    order: Sequence[NodeT],
    successors: Callable[[NodeT], Iterable[NodeT]],
    join: Callable[[int, int], int] = or_,
) -> Dict[NodeT, int]:
    """Propagate the value of each node to its successors until no value changes.

    Args:
        values: the initial values, sets as bits, of the nodes that have one; completed and returned.
        order: every node that passes a value on. One sweep is enough if each node comes before its successors.
        successors: the nodes that a node passes its value to.
        join: the new value of a node from its own value and one that is passed to it.

    Returns:
        ``values``.

    >>> run_analysis({1: 0b01, 2: 0b10}, [2, 1, 3], {1: [3], 2: [3], 3: [1]}.__getitem__)
    {1: 3, 2: 2, 3: 3}
    """
    again = True
    while again:
        again = False
        visited: Set[NodeT] = set()
        for node in order:
            if node in values:
                value = values[node]
                for other in successors(node):
                    before = values.get(other, 0)
                    joined = join(before, value)
                    if joined != before:
                        values[other] = joined
                        again = again or other in visited or other == node
            visited.add(node)
    return values


def tensors_from_loss(flat: FlatGraph, order: Iterable[int]) -> Iterator[int]:
    """Yield the tensors, consumers before producers; ``order`` holds the ops, the last consumer first."""
    for op in order:
        yield from flat.outputs(op)
