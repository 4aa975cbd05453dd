"""Jump pointers: read both ends of a long route without walking it.

A *chain* leads from a node to the loss, one parent after the other. Walking every chain to its end would take quadratic time;
jump pointers (Myers, "An applicative random-access stack", 1983) find the nodes near the loss in a logarithmic number of
steps. A node *counts* if its op is worth showing; the *depth* of a node is the number of nodes on its chain that count.
"""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from graphcut.analysis.barrier_edges import Fence

END = -1
_REACH = 10


class Link(NamedTuple):
    """A link from a node to the next one towards the loss (``END`` at the loss), with or without a barrier."""

    parent: int
    fence: Optional[Fence] = None


class Part(NamedTuple):
    """A part of a chain up to a barrier or the loss: its ``near`` end, its ``far`` end, and how many are ``left_out``."""

    near: List[int]
    left_out: int
    far: List[int]
    fence: Optional[Fence]


class Chains:
    """The chains of a graph. ``link`` returns the next node; ``counts`` returns whether a node counts.

    The facts about a node (its parent, depth, length, jump and next barrier) are cached.
    """

    def __init__(self, link: Callable[[int], Link], counts: Callable[[int], bool]) -> None:
        self.link, self.counts = link, counts
        self.parents: Dict[int, int] = {}
        self.depths, self.lengths = {END: 0}, {END: 0}
        self.jumps, self.crossings = {END: END}, {END: END}

    def parts(self, node: int, limit: int, named: Optional[Fence] = None) -> List[Part]:
        """Return the chain from ``node`` to its end, cut at its barriers.

        If there are more than ``limit`` barriers, the ones nearest to ``node``, the ``named`` one and the last one are kept,
        and the others are only counted.
        """
        self._place(node)
        parts: List[Part] = []
        start = node
        for stop, is_next in self._stops(node, limit, named):
            fence = self.link(stop).fence
            folded = Part([], self.depths[start] - self.depths[stop], [stop], fence)
            parts.append(self._part(start, stop) if is_next else folded)
            start = self.parents[stop]
        return parts if start == END else [*parts, self._part(start, END)]

    def _stops(self, node: int, limit: int, named: Optional[Fence]) -> List[Tuple[int, bool]]:
        """Return the kept nodes before a barrier, and whether each directly follows the previous one."""
        stops: List[int] = []
        while node != END and self.crossings[node] != END:
            stops.append(self.crossings[node])
            node = self.parents[stops[-1]]
        most, last = max(limit - 2, 0), len(stops) - 1
        nodes = [
            place
            for place, stop in enumerate(stops)
            if last < limit or place < most or place == last or self.link(stop).fence == named
        ]
        return [(stops[place], place - 1 == before) for before, place in zip([-1, *nodes], nodes)]

    def _part(self, node: int, stop: int) -> Part:
        last = self._ancestor(node, 1) if stop == END else stop
        fence = None if stop == END else self.link(stop).fence
        if self.lengths[node] - self.lengths[last] < 2 * _REACH:
            return Part(self._walk(node, self.lengths[node] - self.lengths[last] + 1), 0, [], fence)
        near = self._walk(node, _REACH)
        far = self._walk(self._ancestor(node, self.lengths[last] + _REACH - 1), _REACH)
        return Part(near, self.depths[self.parents[near[-1]]] - self.depths[far[0]], far, fence)

    def _walk(self, node: int, count: int) -> List[int]:
        nodes = [node]
        while len(nodes) < count:
            nodes.append(self.parents[nodes[-1]])
        return nodes

    def _ancestor(self, node: int, length: int) -> int:
        """Return the node of the chain at a given distance from its end."""
        while self.lengths[node] > length:
            jump = self.jumps[node]
            node = jump if self.lengths[jump] >= length else self.parents[node]
        return node

    def _place(self, node: int) -> None:
        """Compute the pointers of ``node`` and of all nodes towards the loss that have none yet."""
        waiting: List[Tuple[int, Link]] = []
        while node not in self.depths:
            link = self.link(node)
            waiting.append((node, link))
            node = link.parent
        for each, link in reversed(waiting):
            self._set(each, *link)

    def _set(self, node: int, parent: int, fence: Optional[Fence]) -> None:
        lengths, jumps, jump = self.lengths, self.jumps, self.jumps[parent]
        even = lengths[parent] - lengths[jump] == lengths[jump] - lengths[jumps[jump]]
        self.parents[node], jumps[node] = parent, jumps[jump] if even else parent
        self.depths[node] = self.counts(node) + self.depths[parent]
        lengths[node] = 1 + lengths[parent]
        self.crossings[node] = self.crossings[parent] if fence is None else node
