"""The edges of the gradient flow: where a gradient goes from a tensor, towards the inputs.

``reachability.walk`` says where a gradient arrives. Code that needs to know *how* it gets there (paths, reaches, conditions,
pictures) uses the edges of this module, so every answer is based on the same edges as the verdict.

A *node* is a place where a gradient arrives. It is the tensor's number where the gradient can be nonzero, and that number
plus the number of tensors where TensorFlow has a gradient that may be all zeros. The second kind leads to the first at an op
whose gradient does not depend on the upstream gradient (``GradientPattern.independent_of_output``). It is used only in graphs
with such an op.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Dict, Iterable, List, Mapping, Sequence, Tuple

from graphcut.analysis.reachability import SEED, Fill, Walk
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.graph.traverse import find_reachable

FILLED = -1


@dataclass(frozen=True)
class GradientEdges:
    """The edges for one loss. ``connected`` and ``carried`` are its two walks; ops in ``stopped`` count as constants."""

    rules: PatternLookup
    stopped: AbstractSet[int]
    fills: Mapping[int, Fill]
    connected: Walk
    carried: Walk

    @property
    def size(self) -> int:
        """Return the number of tensors. A node that is only connected has the number of its tensor plus this number."""
        return len(self.rules.flat.dtypes)

    @property
    def has_sources(self) -> bool:
        """Return whether the walk meets an op whose gradient does not depend on the upstream gradient."""
        return bool(self.connected.independent)

    def starts(self) -> List[int]:
        """Return the nodes of the loss."""
        carried = [tensor for tensor in self.carried.order if self.carried.parents[tensor] == SEED]
        if not self.has_sources:
            return carried
        connected = [tensor for tensor in self.connected.order if self.connected.parents[tensor] == SEED]
        return carried + [tensor + self.size for tensor in connected]

    def nodes(self) -> List[int]:
        """Return every node at which a gradient arrives."""
        size = self.size
        connected = [tensor + size for tensor in self.connected.order] if self.has_sources else []
        return [*self.carried.order, *connected]

    def onward(self, node: int) -> List[Tuple[int, int]]:
        """Return the next nodes, each with the input that leads there; ``FILLED`` if TensorFlow fills in zeros."""
        flat, size = self.rules.flat, self.size
        tensor = node - size if node >= size else node
        op = flat.producer[tensor]
        if op in self.stopped:
            return []
        row, inputs, passing = self.rules.row(op), flat.inputs[op], self.rules.passing
        output = tensor - flat.first_output[op]
        if node < size:
            return [(inputs[index], index) for index in row.carries[output] if passing[inputs[index]]]
        edges = [(inputs[index] + size, index) for index in row.connected[output] if passing[inputs[index]]]
        if row.raises is None:
            edges += [(inputs[index], index) for index in sorted(row.independent_of_output) if passing[inputs[index]]]
        return edges + [(each + size, FILLED) for each in self._zero_filled(op)]

    def sources(self) -> Dict[int, Tuple[int, ...]]:
        """Return the ops whose gradient does not depend on the upstream gradient, each with the tensors that receive it."""
        flat, passing = self.rules.flat, self.rules.passing
        targets: Dict[int, Tuple[int, ...]] = {}
        for tensor in self.connected.order if self.has_sources else ():
            op = flat.producer[tensor]
            row = self.rules.row(op)
            if row.independent_of_output and row.raises is None and op not in self.stopped:
                inputs = flat.inputs[op]
                targets[op] = tuple(inputs[index] for index in sorted(row.independent_of_output) if passing[inputs[index]])
        return targets

    def path(self, tensor: int) -> List[int]:
        """Return the tensors from the loss to a tensor at which the gradient can be nonzero; empty if it cannot."""
        path: List[int] = []
        node, size = tensor, self.size
        while node >= 0:
            path.append(node % size)
            node = self.nearer(node)
        return path[::-1] if node == SEED else []

    def nearer(self, node: int) -> int:
        """Return the next node towards the loss: ``SEED`` at the loss, ``UNSEEN`` if no gradient arrives. Never loops."""
        size = self.size
        if node >= size:
            parent = self.connected.parents[node - size]
            return parent if parent < 0 else parent + size
        parent = self.carried.parents[node]
        return parent + size if parent >= 0 and node in self.carried.origins else parent

    def nodes_to(self, tensors: Iterable[int]) -> Sequence[int]:
        """Return the nodes from which a gradient reaches one of ``tensors``, where it can be nonzero; include those nodes."""
        before: Dict[int, List[int]] = {}
        nodes = self.nodes()
        for node in nodes:
            for other, _ in self.onward(node):
                before.setdefault(other, []).append(node)
        leading = find_reachable(filter(self.carried.reaches, tensors), lambda node: before.get(node, ()))
        return [node for node in nodes if node in leading]

    def _zero_filled(self, op: int) -> List[int]:
        """Return the tensors that TensorFlow fills with zeros once a gradient arrives at ``op``."""
        fill = self.fills.get(op)
        if fill is None:
            return []
        return [*(each for each in fill.tensors if self.rules.passing[each]), *fill.forced]
