"""Searches over a graph, and the topological order of a flat graph.

A search starts from some nodes and follows ``successors``, a function from a node to those that it leads to. Nodes are any
hashable objects: ops, tensors and others. The two walks of ``analysis.reachability`` and the maximum flow of
``analysis.vertex_cut`` do not use these functions, because an audit spends most of its time there.
"""

from __future__ import annotations

from collections import deque
from typing import Callable, Deque, Dict, Hashable, Iterable, Iterator, List, MutableMapping, Sequence, Set, Tuple, TypeVar

from graphcut.errors import GraphcutError, printable
from graphcut.graph.flat import FlatGraph
from graphcut.util.caching import cached_weakly

NodeT = TypeVar("NodeT", bound=Hashable)
Successors = Callable[[NodeT], Iterable[NodeT]]


def find_reachable(starts: Iterable[NodeT], successors: Successors[NodeT]) -> Set[NodeT]:
    """Return the nodes that can be reached from ``starts`` by ``successors``, including ``starts``.

    >>> sorted(find_reachable([4], range))
    [0, 1, 2, 3, 4]
    """
    seen = set(starts)
    waiting = list(seen)
    while waiting:
        for node in successors(waiting.pop()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def walk_depth_first(starts: Iterable[NodeT], successors: Successors[NodeT]) -> Iterator[NodeT]:
    """Yield the reachable nodes once each, those found last first; ``successors`` is called after a node is yielded.

    >>> list(walk_depth_first([1], {1: [2, 3], 2: [4], 3: [4], 4: []}.__getitem__))
    [1, 3, 4, 2]
    """
    waiting = list(dict.fromkeys(starts))
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        yield node
        for other in successors(node):
            if other not in seen:
                seen.add(other)
                waiting.append(other)


def find_predecessors(starts: Iterable[NodeT], successors: Successors[NodeT]) -> Dict[NodeT, NodeT]:
    """Map each reachable node to the previous node on a shortest path, and each start to itself.

    >>> find_predecessors([1], {1: [2, 3], 2: [4], 3: [4], 4: []}.__getitem__)
    {1: 1, 2: 1, 3: 1, 4: 2}
    """
    before = {start: start for start in starts}
    waiting = deque(before)
    while waiting:
        node = waiting.popleft()
        for other in successors(node):
            if other not in before:
                before[other] = node
                waiting.append(other)
    return before


def settle_costs(
    costs: MutableMapping[NodeT, int], starts: Iterable[NodeT], edges: Callable[[NodeT], Iterable[Tuple[NodeT, int]]]
) -> None:
    """Complete ``costs`` with the lowest cost at which each node is reached from ``starts`` (Dijkstra, small whole costs).

    Args:
        costs: the cost of each start, and upper limits for other nodes; it is updated.
        starts: the nodes to start from, all of cost 0.
        edges: returns the successors of a node, each with the cost of the step. It is called once for each settled node, and
            may read ``costs``.

    >>> costs = {"a": 0}
    >>> settle_costs(costs, "a", {"a": [("b", 1), ("c", 0)], "b": [], "c": [("b", 0)]}.__getitem__)
    >>> costs
    {'a': 0, 'b': 0, 'c': 0}
    """
    queues: Dict[int, Deque[NodeT]] = {0: deque(starts)}
    settled: Set[NodeT] = set()
    while queues:
        cost = min(queues)
        if not queues[cost]:
            del queues[cost]
            continue
        node = queues[cost].popleft()
        if node in settled or costs[node] < cost:
            continue
        settled.add(node)
        for other, step in edges(node):
            total = cost + step
            if total < costs.get(other, total + 1):
                costs[other] = total
                queue = queues.setdefault(total, deque())
                (queue.append if step else queue.appendleft)(other)


def find_readers(flat: FlatGraph) -> Dict[int, List[int]]:
    """Return, for each tensor, the ops that read it, once for each input."""
    readers: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        for tensor in inputs:
            readers.setdefault(tensor, []).append(op)
    return readers


@cached_weakly
def topological_order(flat: FlatGraph) -> Sequence[int]:
    """Return the ops, producers before consumers, ignoring loop back-edges; computed once for each graph.

    Raises:
        GraphcutError: ops feed each other in a cycle that is no loop.
    """
    # The order of the graph itself if it is topological; else Kahn's algorithm.
    return range(len(flat.names)) if _is_sorted(flat) else _by_consumers(flat)


def _is_sorted(flat: FlatGraph) -> bool:
    if any(True for first, inputs in zip(flat.first_output, flat.inputs) for tensor in inputs if tensor >= first):
        return False
    return not any(True for op, controls in enumerate(flat.controls) for source in controls if source >= op)


def _by_consumers(flat: FlatGraph) -> List[int]:
    """Return a topological order by the algorithm of Kahn."""
    consumers: List[List[int]] = [[] for _ in flat.names]
    missing = [0] * len(flat.names)
    producer, loops = flat.producer, flat.loop_inputs
    for op, inputs in enumerate(flat.inputs):
        looped = loops.get(op, ())
        for index, tensor in enumerate(inputs):
            if index not in looped:
                consumers[producer[tensor]].append(op)
                missing[op] += 1
        for source in flat.controls[op]:
            consumers[source].append(op)
            missing[op] += 1
    order = [op for op, count in enumerate(missing) if not count]
    for op in order:
        for consumer in consumers[op]:
            missing[consumer] -= 1
            if not missing[consumer]:
                order.append(consumer)
    if len(order) < len(flat.names):
        raise _cycle(flat, missing)
    return order


def _cycle(flat: FlatGraph, missing: List[int]) -> GraphcutError:
    op = next(op for op, count in enumerate(missing) if count)
    seen: Dict[int, int] = {}
    while op not in seen:
        seen[op] = len(seen)
        sources = [flat.producer[tensor] for tensor in flat.inputs[op]] + list(flat.controls[op])
        op = next(source for source in sources if missing[source])
    names = [flat.names[each] for each in seen][seen[op] :]
    shown = " <- ".join(printable(name) for name in names[:4])
    description = (
        "op %s feeds itself" % shown if len(names) == 1 else "%d ops feed each other in a cycle: %s" % (len(names), shown)
    )
    return GraphcutError(
        "%s\nTensorFlow builds loops only from Enter, Merge, Switch, NextIteration and Exit; the file is damaged."
        % description
    )
