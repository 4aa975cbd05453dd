"""Recognise what a deliberate stop is for by the graph around it: the idioms of the literature.

A stop ends a gradient on purpose in a straight-through estimator (Bengio, Leonard, Courville 2013), the two terms of a VQ-VAE
(van den Oord, Vinyals, Kavukcuoglu 2017), a target network (Mnih et al. 2015; Grill et al. 2020), a discriminator that is
trained on detached fakes (Goodfellow et al. 2014), the score function (Williams 1992) and SimSiam (Chen and He 2021).

Users keep a stop if graphcut says so, so a wrong idiom is worse than none: an idiom is reported only if its whole pattern
feeds the loss. A stop without an idiom may still be deliberate.
"""

from __future__ import annotations

import enum
from collections import Counter, deque
from typing import Deque, Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from graphcut.analysis.graph_edits import readers_of
from graphcut.graph.backward_part import backward_part
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import VARIABLES
from graphcut.graph.traverse import find_reachable, walk_depth_first

_DIFFERENCES = frozenset(["Sub", "SquaredDifference"])
_SUMS = frozenset(["Add", "AddV2"])
_ADDING = _SUMS.union(("AddN", "Sub"))
_CHOICES = frozenset(["ArgMin", "ArgMax", "TopKV2"])
_LOGARITHMS = frozenset(
    ["Log", "LogSoftmax", "SparseSoftmaxCrossEntropyWithLogits", "SoftmaxCrossEntropyWithLogits", "Log1p", "Softplus"]
)
_LAYERS = frozenset(["MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv1D", "Conv2D", "Conv3D"])
_PLUMBING = frozenset(["Identity", "Reshape", "Squeeze", "ExpandDims", "Cast", "IdentityN", "_Arg", "_Retval"])
_REDUCTIONS = frozenset(["Sum", "Mean"])
_SCALINGS = frozenset(["Neg", "Mul", "RealDiv"])
_SQUASHING = frozenset(["Softmax", "Sigmoid", "Exp"])
_FIXED = VARIABLES.union(("Const",))
_MEASURES = frozenset(["Shape", "ShapeN", "Size", "Rank"])
_FAR = 400  # ops that are examined behind a stop
_MOST_KEPT = 4_000_000  # tensors in all cached sets
_NEAR = 12  # ops that are examined between a factor and the logarithm of a score function


class Idiom(enum.Enum):
    """The idiom that a stop belongs to."""

    STRAIGHT_THROUGH = "a straight-through estimator"
    INVERTED_STRAIGHT_THROUGH = "an inverted straight-through estimator"
    CODEBOOK = "the codebook loss of a VQ-VAE"
    COMMITMENT = "the commitment loss of a VQ-VAE"
    TARGET_NETWORK = "a target network"
    DETACHED_FAKES = "a discriminator that is trained on detached fakes"
    SCORE_FUNCTION = "a score function estimator"
    SHARED_SCORE_FUNCTION = "a score function estimator, but a loss term of its own reads it as well"
    SIMSIAM = "SimSiam's stop on one of two views"

    @property
    def is_meant(self) -> bool:
        """Return whether the stop is where the idiom needs it."""
        return self not in (Idiom.INVERTED_STRAIGHT_THROUGH, Idiom.SHARED_SCORE_FUNCTION)

    @property
    def label(self) -> str:
        """The name of the idiom in a few words, for a picture."""
        return "SimSiam" if self is Idiom.SIMSIAM else self.name.lower().replace("_", " ")

    @property
    def brief(self) -> str:
        """The advice on the stop in a few words, for a picture."""
        return _BRIEF.get(self, "keep it")

    @property
    def note(self) -> str:
        """A sentence on the idiom and what to do about the stop."""
        if self is Idiom.INVERTED_STRAIGHT_THROUGH:
            return "this is an inverted straight-through estimator: the gradient goes to the chosen value, not to its source"
        if self is Idiom.SHARED_SCORE_FUNCTION:
            return f"this stop belongs to {self.value}, and trains nothing"
        return f"this stop belongs to {self.value}; keep it"

    @property
    def advice(self) -> str:
        """The advice for a variable that only stops of this idiom cut off."""
        return _ADVICE.get(self, _OTHER_TERM)


_OTHER_TERM = "if it should learn, let another term of the loss read it without this stop"
_ADVICE = {
    Idiom.INVERTED_STRAIGHT_THROUGH: (
        "swap its two values: for a source z and the value q that is chosen for it, z + tf.stop_gradient(q - z) has the "
        "value q and passes the gradient on to z"
    ),
    Idiom.TARGET_NETWORK: "nothing, if the step copies the weights of the network that learns to it, or their moving average",
    Idiom.DETACHED_FAKES: "nothing here; the generator learns from a loss of its own",
    Idiom.SCORE_FUNCTION: "nothing here; what estimates the return learns from a loss of its own",
    Idiom.SHARED_SCORE_FUNCTION: (
        "let the loss term that learns the estimate, such as the squared error of a critic, read the value before the stop, "
        "and keep the stopped value for the score function"
    ),
    Idiom.STRAIGHT_THROUGH: "if it should learn, let another term of the loss read it, such as the codebook loss of a VQ-VAE",
}
_BRIEF = {
    Idiom.INVERTED_STRAIGHT_THROUGH: "instead: z + stop_gradient(q - z)",
    Idiom.SHARED_SCORE_FUNCTION: "keep it, but compute the other term before it",
}
MEANT = frozenset(each.label for each in Idiom if each.is_meant)


class Idioms:
    """The idioms of the stops in one graph that feed some losses. Searches run on demand and are cached."""

    def __init__(self, traced: LoadedGraph, losses: Sequence[int]) -> None:
        self._traced, self._flat, self._losses = traced, traced.flat, losses
        self._known: Dict[int, Optional[Idiom]] = {}
        self._feeding: FrozenSet[int] = frozenset()
        self._readers: Dict[int, List[Tuple[int, int]]] = {}
        self._backward: FrozenSet[int] = frozenset()
        self._above: Dict[int, FrozenSet[int]] = {}
        self._variables: Dict[int, str] = {}
        self._shapes: Dict[str, object] = {}

    def of(self, op: int) -> Optional[Idiom]:
        """Return the idiom of a ``StopGradient`` op."""
        if self._flat.type(op) != "StopGradient":
            return None
        if not self._feeding:
            self._read_graph()
        if op not in self._known:
            self._known[op] = self._straight_through(op) or self._difference(op) or self._idiom_at_meeting_point(op)
        return self._known[op]

    def _read_graph(self) -> None:
        flat = self._flat
        self._backward = frozenset(backward_part(flat, self._traced.names).reached)
        self._feeding = frozenset(flat.producer[each] for loss in self._losses for each in self._ancestors(loss))
        inside = self._feeding - self._backward
        readers = readers_of(flat, lambda op, index: op in inside)
        self._readers = {tensor: list(result) for tensor, result in readers.items()}
        for each in self._traced.variables:
            self._shapes[each.name] = each.shape
            for name in each.tensors:
                self._variables.update((tensor, each.name) for tensor in self._traced.names.tensors(name))

    def _straight_through(self, op: int) -> Optional[Idiom]:
        flat, stopped = self._flat, self._flat.inputs[op][0]
        inside = flat.producer[stopped]
        if flat.type(inside) != "Sub":
            return None
        value, base = (self._original(each) for each in flat.inputs[inside][:2])
        for reader, others in self._meetings(op):
            if flat.type(reader) in _SUMS and base in [self._original(each) for each in others]:
                if value in self._ancestors(base):
                    return Idiom.INVERTED_STRAIGHT_THROUGH
                return Idiom.STRAIGHT_THROUGH if base in self._ancestors(value) else None
        return None

    def _difference(self, op: int) -> Optional[Idiom]:
        flat, stopped = self._flat, self._original(self._flat.inputs[op][0])
        for reader, others in self._meetings(op):
            if flat.type(reader) in _DIFFERENCES:
                moved = [each for each in map(self._original, others) if flat.type(flat.producer[each]) != "StopGradient"]
                for other in moved:
                    if self._chooses(other, stopped):
                        return Idiom.CODEBOOK
                    if self._chooses(stopped, other):
                        return Idiom.COMMITMENT
        return None

    def has_inverted_estimator(self) -> bool:
        """Return whether the losses read a straight-through estimator that passes the gradient to the wrong side."""
        if not self._feeding:
            self._read_graph()
        return any(self.of(op) is Idiom.INVERTED_STRAIGHT_THROUGH for op in sorted(self._feeding))

    def may_be_lookup(self, choice: int) -> bool:
        """Return whether the loss reads variables that an op chooses by, also in another way than through the choice."""
        if not self._feeding:
            self._read_graph()
        compared = self._names(self._flat.inputs[choice][0])
        return any(self._table(loss) & compared for loss in self._losses)

    def is_nearest(self, code: int, latent: int) -> bool:
        """Return whether ``code`` is the row of a table that was chosen by comparing the rows with ``latent``."""
        if not self._feeding:
            self._read_graph()
        flat, latent = self._flat, self._original(latent)
        choices = [tensor for tensor in self._ancestors(code) if flat.type(flat.producer[tensor]) in _CHOICES]
        compared = [self._names(flat.inputs[flat.producer[each]][0]) for each in choices]
        return self._chooses(code, latent) and any(self._table(code) & names for names in compared)

    def _table(self, code: int) -> Set[str]:
        """Return the variables that a code is computed from, other than by a choice."""
        flat = self._flat

        def before(tensor: int) -> Sequence[int]:
            return () if flat.type(flat.producer[tensor]) in _CHOICES else flat.inputs[flat.producer[tensor]]

        return {self._variables[each] for each in find_reachable([code], before) if each in self._variables}

    def _chooses(self, code: int, latent: int) -> bool:
        """Return whether ``code`` is a row of a table of weights, chosen by an index that is computed from ``latent``."""
        flat, above = self._flat, self._ancestors(code)
        choices = [tensor for tensor in above if flat.type(flat.producer[tensor]) in _CHOICES]
        picked = latent in above and any(latent in self._ancestors(choice) for choice in choices)
        return picked and bool(self._table(code) - self._names(latent))

    def _idiom_at_meeting_point(self, op: int) -> Optional[Idiom]:
        """Return the idiom by where the stopped value first meets what does not come from it."""
        flat, stopped = self._flat, self._flat.inputs[op][0]
        own = self._names(stopped)
        if not own:
            return None
        weights: Set[str] = set()
        for reader, other in self._ops_with_other_inputs(op):
            if flat.type(flat.producer[self._original(other)]) == "StopGradient":
                return None  # nothing learns from this comparison
            if flat.type(reader) not in _LAYERS | _DIFFERENCES | {"Mul"}:
                continue
            names = self._names(other)
            if flat.type(reader) in _LAYERS and names and self._is_weight(other):
                weights |= names
            elif names:
                return None if weights else self._compared_idiom(op, other, reader)
        return Idiom.DETACHED_FAKES if weights and self._is_discriminator(weights, stopped) else None

    def _compared_idiom(self, op: int, other: int, reader: int) -> Optional[Idiom]:
        """Return the idiom of a stop whose value is compared with another one."""
        kind, stopped = self._flat.type(reader), self._flat.inputs[op][0]
        own, names = self._names(stopped), self._names(other)
        if kind == "Mul" and self._is_logarithm(other):
            if not own - names or not self._is_advantage(stopped, reader, other):
                return None
            return Idiom.SHARED_SCORE_FUNCTION if self._is_term(op) else Idiom.SCORE_FUNCTION
        if not self._is_last(reader) or (kind == "Mul" and not self._is_added_up(reader)):
            return None  # the result goes on through layers, or it is no distance
        if own < names or (own == names and kind != "Sub" and kind != "SquaredDifference"):
            return Idiom.SIMSIAM if self._is_applied_twice(own, stopped, other) else None
        if own & names or not (self._has_layer(stopped, own) and self._has_layer(other, names)):
            return None
        return Idiom.TARGET_NETWORK if self._is_copy(own, names) and self._is_target(stopped, other) else None

    def _is_term(self, op: int) -> bool:
        """Return whether a stopped value is a term of the loss by itself: no other value that learns meets it before a sum."""
        flat = self._flat
        strangers = {reader for reader, other in self._ops_with_other_inputs(op) if self._names(other)}

        def readers(tensor: int) -> List[int]:
            passing = (
                each for each, _ in self._readers.get(tensor, ()) if each not in strangers or flat.type(each) in _ADDING
            )
            return [each for reader in passing for each in flat.outputs(reader)]

        return not find_reachable(flat.outputs(op), readers).isdisjoint(self._losses)

    def _is_copy(self, own: FrozenSet[str], names: FrozenSet[str]) -> bool:
        """Return whether one network has the shapes of the other, which may have more."""
        theirs = Counter(str(self._shapes[name]) for name in names)
        return not Counter(str(self._shapes[name]) for name in own) - theirs

    def _is_target(self, stopped: int, other: int) -> bool:
        """Return whether a similar network is a target network, not a second tower that was stopped by mistake.

        It is one if both read the same data, if the stopped value is a reward plus the value of what follows it, or if the
        other network contains a copy of this one, layer by layer, and continues from it (a predictor).
        """
        if self._sources(stopped) & self._sources(other):
            return True
        flat, near = self._flat, self._ops_before(stopped)
        for op in (op for op in near if flat.type(op) in _SUMS):
            if any(not self._names(each) and self._sources(each) for each in flat.inputs[op]):
                return True
        ours, theirs = (self._shapes_in_order(each) for each in (stopped, other))
        return sum("," in shape for shape in ours) > 1 and len(ours) < len(theirs) and theirs[: len(ours)] == ours

    def _shapes_in_order(self, tensor: int) -> List[str]:
        names = self._names(tensor)
        return [str(each.shape) for each in self._traced.variables if each.name in names]

    def _is_advantage(self, stopped: int, reader: int, other: int) -> bool:
        """Return whether a weight of a log probability is the difference of a return and its estimate."""
        flat = self._flat
        weight = next((each for each in flat.inputs[reader] if each != other), stopped)
        near = self._ops_before(weight)
        if any(flat.type(op) in _SQUASHING for op in near):
            return False
        return any(
            any(not self._names(each) and self._sources(each) for each in flat.inputs[op])
            for op in near
            if flat.type(op) == "Sub"
        )

    def _ops_before(self, tensor: int) -> Sequence[int]:
        """Return the ops right before a tensor, without those beyond a layer."""
        flat, waiting, seen = self._flat, deque([tensor]), {tensor}
        ops: List[int] = []
        while waiting and len(ops) < _NEAR:
            op = flat.producer[waiting.popleft()]
            ops.append(op)
            if flat.type(op) not in _LAYERS | _MEASURES:
                fresh = [each for each in flat.inputs[op] if each not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
        return ops

    def _is_last(self, op: int) -> bool:
        """Return whether no layer lies between an op and the losses."""
        flat = self._flat

        def behind(tensor: int) -> List[int]:
            return [each for reader, _ in self._readers.get(tensor, ()) for each in flat.outputs(reader)]

        result = find_reachable(list(flat.outputs(op)), behind)
        return not any(flat.type(flat.producer[each]) in _LAYERS for each in result if flat.producer[each] != op)

    def _is_added_up(self, op: int) -> bool:
        """Return whether a product is a summand of a sum of products."""
        flat = self._flat

        def readers(tensor: int) -> List[int]:
            return [reader for reader, _ in self._readers.get(tensor, ())]

        def behind(tensor: int) -> List[int]:
            passing = (each for each in readers(tensor) if flat.type(each) in _PLUMBING | _SCALINGS)
            return [output for each in passing for output in flat.outputs(each)]

        reached = walk_depth_first(flat.outputs(op), behind)
        return any(flat.type(each) in _REDUCTIONS for tensor in reached for each in readers(tensor))

    def _layers_of(self, tensor: int, names: FrozenSet[str]) -> FrozenSet[int]:
        """Return the layers that a tensor is computed by, of those that have a weight among some variables."""
        flat = self._flat
        ops = {flat.producer[each] for each in self._ancestors(tensor)}
        return frozenset(
            op
            for op in ops
            if flat.type(op) in _LAYERS
            and any(self._is_weight(each) and self._names(each) & names for each in flat.inputs[op])
        )

    def _has_layer(self, tensor: int, names: FrozenSet[str]) -> bool:
        return bool(self._layers_of(tensor, names))

    def _is_applied_twice(self, own: FrozenSet[str], stopped: int, other: int) -> bool:
        """Return whether one network computes both values, from different data."""
        if self._original(stopped) in self._ancestors(other):
            return False
        ours, theirs = self._layers_of(stopped, own), self._layers_of(other, own)
        return bool(ours and theirs) and ours.isdisjoint(theirs) and self._sources(stopped) != self._sources(other)

    def _sources(self, tensor: int) -> FrozenSet[int]:
        """Return the sources of the data that a tensor is computed from: inputs and random numbers."""
        flat = self._flat

        def before(each: int) -> Sequence[int]:
            op = flat.producer[each]
            return () if flat.type(op) in _MEASURES or "Random" in flat.type(op) else flat.inputs[op]

        ops = {flat.producer[each] for each in find_reachable([tensor], before) if each not in self._variables}
        return frozenset(op for op in ops if "Random" in flat.type(op) or (not flat.inputs[op] and self._is_data(op)))

    def _is_data(self, op: int) -> bool:
        """Return whether an op without inputs is a data source: neither a constant, a variable nor a scalar such as a flag."""
        kind = self._flat.type(op)
        return kind not in _FIXED and any(shape is None or len(shape) > 0 for shape in self._traced.shapes(op))

    def _ops_with_other_inputs(self, op: int) -> Iterator[Tuple[int, int]]:
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

    def _original(self, tensor: int) -> int:
        """Return the tensor that a tensor is a copy of."""
        seen: Set[int] = set()
        while self._flat.type(self._flat.producer[tensor]) in ("Identity", "_Arg", "_Retval") and tensor not in seen:
            seen.add(tensor)
            inputs = self._flat.inputs[self._flat.producer[tensor]]
            if len(inputs) != 1:
                break
            tensor = inputs[0]
        return tensor

    def _ancestors(self, tensor: int) -> FrozenSet[int]:
        """Return all tensors that one is computed from, itself included."""
        if tensor not in self._above:
            flat = self._flat
            if sum(map(len, self._above.values())) > _MOST_KEPT:
                self._above.clear()
            self._above[tensor] = frozenset(find_reachable([tensor], lambda each: flat.inputs[flat.producer[each]]))
        return self._above[tensor]

    def _names(self, tensor: int) -> FrozenSet[str]:
        """Return the variables that a tensor is computed from."""
        return frozenset(self._variables[each] for each in self._ancestors(tensor) if each in self._variables)

    def _is_weight(self, tensor: int) -> bool:
        """Return whether a tensor is computed from variables alone."""
        flat = self._flat
        leaves = (flat.producer[each] for each in self._ancestors(tensor) if each not in self._variables)
        return all(flat.inputs[op] or flat.type(op) == "Const" for op in leaves)

    def _is_logarithm(self, tensor: int) -> bool:
        """Return whether a factor is a log probability: a logarithm, followed by little arithmetic."""
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

    def _is_discriminator(self, weights: Set[str], stopped: int) -> bool:
        """Return whether a network takes the stopped value and, in the same loss, data that no network made."""
        flat, made_of = self._flat, self._sources(stopped)
        for op in self._feeding - self._backward:
            if flat.type(op) in _LAYERS and len(flat.inputs[op]) > 1 and self._is_weight(flat.inputs[op][1]):
                names, data = self._names(flat.inputs[op][1]), flat.inputs[op][0]
                real = self._sources(data)
                if names and names <= weights and real and not self._names(data) and real.isdisjoint(made_of):
                    return True
        return False
