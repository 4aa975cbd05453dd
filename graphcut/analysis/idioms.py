"""What a deliberate stop is for, recognised by the graph around it: the idioms of the literature.

A stop ends a gradient on purpose in a straight-through estimator (Bengio, Leonard, Courville 2013), the two terms of a VQ-VAE
(van den Oord, Vinyals, Kavukcuoglu 2017), a target network (Mnih et al. 2015; Grill et al. 2020), a discriminator that is
trained on detached fakes (Goodfellow et al. 2014), the score function (Williams 1992) and SimSiam (Chen and He 2021). What
looks like none of them has no idiom; nothing follows from that.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Deque, Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from graphcut.analysis.graph_edits import readers_of
from graphcut.graph.backward_part import backward_part
from graphcut.graph.flat import FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.traverse import find_reachable

_DIFFERENCES = frozenset(["Sub", "SquaredDifference"])
_SUMS = frozenset(["Add", "AddV2"])
_CHOICES = frozenset(["ArgMin", "ArgMax", "TopKV2"])
_LOGARITHMS = frozenset(
    ["Log", "LogSoftmax", "SparseSoftmaxCrossEntropyWithLogits", "SoftmaxCrossEntropyWithLogits", "Log1p", "Softplus"]
)
_LAYERS = frozenset(["MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv1D", "Conv2D", "Conv3D"])
_PLUMBING = frozenset(["Identity", "Reshape", "Squeeze", "ExpandDims", "Cast", "IdentityN", "_Arg", "_Retval"])
_FAR = 400  # ops that are looked at behind a stop
_NEAR = 12  # ops that are looked at from a factor back to the logarithm of a score function


class Idiom(enum.Enum):
    """What a stop belongs to."""

    STRAIGHT_THROUGH = "a straight-through estimator"
    INVERTED_STRAIGHT_THROUGH = "an inverted straight-through estimator"
    CODEBOOK = "the codebook loss of a VQ-VAE"
    COMMITMENT = "the commitment loss of a VQ-VAE"
    TARGET_NETWORK = "a target network"
    DETACHED_FAKES = "a discriminator that is trained on detached fakes"
    SCORE_FUNCTION = "a score function estimator"
    SIMSIAM = "SimSiam's stop on one of two views"

    @property
    def is_meant(self) -> bool:
        """Whether the stop is as its idiom has it."""
        return self is not Idiom.INVERTED_STRAIGHT_THROUGH


class Idioms:
    """Names the idioms of one graph. Searches are made when they are needed, and kept."""

    def __init__(self, traced: LoadedGraph) -> None:
        self._traced, self._flat = traced, traced.flat
        self._readers: Dict[int, List[Tuple[int, int]]] = {}
        self._backward: FrozenSet[int] = frozenset()
        self._above: Dict[int, FrozenSet[int]] = {}
        self._variables: Dict[int, str] = {}
        self._shapes: Dict[str, object] = {}

    def of(self, op: int) -> Optional[Idiom]:
        """Return the idiom of a ``StopGradient`` op."""
        if self._flat.type(op) != "StopGradient":
            return None
        if not self._readers:
            self._read()
        return self._straight_through(op) or self._difference(op) or self._further_on(op)

    def _read(self) -> None:
        flat = self._flat
        self._backward = frozenset(backward_part(flat, self._traced.names).reached)
        readers = readers_of(flat, lambda op, index: op not in self._backward)
        self._readers = {tensor: list(found) for tensor, found in readers.items()}
        for each in self._traced.variables:
            self._shapes[each.name] = each.shape
            for name in each.tensors:
                self._variables.update((tensor, each.name) for tensor in self._traced.names.tensors(name))

    def _straight_through(self, op: int) -> Optional[Idiom]:
        flat, stopped = self._flat, self._flat.inputs[op][0]
        inside = flat.producer[stopped]
        if flat.type(inside) != "Sub":
            return None
        value, base = (self._plain(each) for each in flat.inputs[inside][:2])
        for reader, others in self._meetings(op):
            if flat.type(reader) in _SUMS and base in [self._plain(each) for each in others]:
                backwards = value in self._ancestors(base)
                return Idiom.INVERTED_STRAIGHT_THROUGH if backwards else Idiom.STRAIGHT_THROUGH
        return None

    def _difference(self, op: int) -> Optional[Idiom]:
        flat, stopped = self._flat, self._plain(self._flat.inputs[op][0])
        for reader, others in self._meetings(op):
            if flat.type(reader) in _DIFFERENCES:
                moved = [each for each in map(self._plain, others) if flat.type(flat.producer[each]) != "StopGradient"]
                for other in moved:
                    if self._chooses(other, stopped):
                        return Idiom.CODEBOOK
                    if self._chooses(stopped, other):
                        return Idiom.COMMITMENT
        return None

    def _chooses(self, code: int, latent: int) -> bool:
        """Whether ``code`` is picked by a choice that is made of ``latent``."""
        above = self._ancestors(code)
        choices = [tensor for tensor in above if self._flat.type(self._flat.producer[tensor]) in _CHOICES]
        return latent in above and any(latent in self._ancestors(choice) for choice in choices)

    def _further_on(self, op: int) -> Optional[Idiom]:
        """Return the idiom by where the stopped value first meets what does not come from it."""
        flat, own = self._flat, self._names(self._flat.inputs[op][0])
        if not own:
            return None
        weights: Set[str] = set()
        for reader, other in self._strangers(op):
            names = self._names(other)
            if flat.type(flat.producer[self._plain(other)]) == "StopGradient":
                return None  # nothing learns from what is compared here
            if flat.type(reader) in _LAYERS and names and self._is_weight(other):
                weights |= names
            elif flat.type(reader) in _LAYERS | _DIFFERENCES | {"Mul"} and names:
                return self._between(own, names, flat.type(reader), other)
        return Idiom.DETACHED_FAKES if weights and self._is_used_twice(weights, own) else None

    def _between(self, own: FrozenSet[str], names: FrozenSet[str], kind: str, other: int) -> Optional[Idiom]:
        if kind == "Mul" and self._is_logarithm(other):
            return Idiom.SCORE_FUNCTION
        if own < names or (own == names and kind == "Mul"):
            return Idiom.SIMSIAM
        if kind == "Mul" and not self._has_layer(other):
            return None  # a product of two variables compares nothing
        shapes = sorted(str(self._shapes[name]) for name in own)
        matching = [str(self._shapes[name]) for name in names - own]
        return Idiom.TARGET_NETWORK if not own & names and all(each in matching for each in shapes) else None

    def _has_layer(self, tensor: int) -> bool:
        return any(self._flat.type(self._flat.producer[each]) in _LAYERS for each in self._ancestors(tensor))

    def _strangers(self, op: int) -> Iterator[Tuple[int, int]]:
        """Yield the ops behind a stop with an input that does not come from the stop, and that input; nearest first."""
        flat = self._flat
        behind: Dict[int, None] = dict.fromkeys(flat.outputs(op))
        waiting: Deque[int] = deque(behind)
        order: List[int] = []
        while waiting and len(order) < _FAR:
            for reader, _ in self._readers.get(waiting.popleft(), ()):
                if reader not in order:
                    order.append(reader)
                    fresh = [tensor for tensor in flat.outputs(reader) if tensor not in behind]
                    behind.update(dict.fromkeys(fresh))
                    waiting.extend(fresh)
        for reader in order:
            yield from ((reader, tensor) for tensor in flat.inputs[reader] if tensor not in behind)

    def _meetings(self, op: int) -> Iterator[Tuple[int, Sequence[int]]]:
        """Yield the ops that read a stop, by way of plumbing alone, each with its other inputs."""
        flat, waiting, seen = self._flat, list(self._flat.outputs(op)), set(self._flat.outputs(op))
        while waiting:
            tensor = waiting.pop()
            for reader, index in self._readers.get(tensor, ()):
                if flat.type(reader) not in _PLUMBING:
                    yield reader, [each for place, each in enumerate(flat.inputs[reader]) if place != index]
                    continue
                fresh = [each for each in flat.outputs(reader) if each not in seen]
                seen.update(fresh)
                waiting += fresh

    def _plain(self, tensor: int) -> int:
        """Return the tensor that another one is but a copy of."""
        seen: Set[int] = set()
        while self._flat.type(self._flat.producer[tensor]) in ("Identity", "_Arg", "_Retval") and tensor not in seen:
            seen.add(tensor)
            inputs = self._flat.inputs[self._flat.producer[tensor]]
            if len(inputs) != 1:
                break
            tensor = inputs[0]
        return tensor

    def _ancestors(self, tensor: int) -> FrozenSet[int]:
        """All tensors that one is computed from, itself included."""
        if tensor not in self._above:
            flat = self._flat
            self._above[tensor] = frozenset(find_reachable([tensor], lambda each: flat.inputs[flat.producer[each]]))
        return self._above[tensor]

    def _names(self, tensor: int) -> FrozenSet[str]:
        """Return the variables that a tensor is computed from."""
        return frozenset(self._variables[each] for each in self._ancestors(tensor) if each in self._variables)

    def _is_weight(self, tensor: int) -> bool:
        """Whether a tensor is computed from variables alone."""
        flat = self._flat
        leaves = (flat.producer[each] for each in self._ancestors(tensor) if each not in self._variables)
        return all(flat.inputs[op] or flat.type(op) == "Const" for op in leaves)

    def _is_logarithm(self, tensor: int) -> bool:
        """Whether a factor is a log probability: a logarithm, and little arithmetic behind it."""
        flat, waiting, seen = self._flat, deque([tensor]), {tensor}
        while waiting and len(seen) < _NEAR:
            op = flat.producer[waiting.popleft()]
            if flat.type(op) in _LOGARITHMS:
                return True
            if flat.type(op) not in _LAYERS:
                fresh = [each for each in flat.inputs[op] if each not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
        return False

    def _is_used_twice(self, weights: Set[str], own: FrozenSet[str]) -> bool:
        """Whether a network is applied to the stopped value and to another that no stopped variable makes."""
        flat: FlatGraph = self._flat
        for op in range(len(flat.names)):
            if flat.type(op) in _LAYERS and len(flat.inputs[op]) > 1 and op not in self._backward:
                names = self._names(flat.inputs[op][1])
                if names and names <= weights and not own & self._names(flat.inputs[op][0]):
                    return True
        return False
