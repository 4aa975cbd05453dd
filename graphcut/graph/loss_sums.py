"""Find the differentiated loss if it is a sum, whose op leaves no trace in the backward part.

An addition and an ``Identity`` pass on the gradient that they receive, so no op of the backward part has their name. The
gradients of the terms then read the seed, and the *total* is the addition of these terms. Other terms may leave no trace
either: constants, stopped values, and values computed from variables that nobody asked for. If two additions match, and
neither contains the other, the total stays unknown. If ops only pass a tensor on, the output of the last one is the loss.

An optimizer that *gates* gradients copies the gradients of each op that answers more than one; then an addition leaves a
trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import AbstractSet, Dict, FrozenSet, Iterator, List, Optional, Sequence, Set

from graphcut.graph.dtypes import REAL_FLOATS, base_dtype
from graphcut.graph.flat import FlatGraph
from graphcut.graph.float_walks import consumers, reachable_ops
from graphcut.graph.op_types import STOPS, VARIABLES
from graphcut.graph.traverse import find_reachable, walk_depth_first
from graphcut.graph.variables import root
from graphcut.graph.writing_ops import writes
from graphcut.util.caching import cached_property

_SUMS = frozenset(["Add", "AddV2", "AddN"])
_PASSES_ON = frozenset(["Identity", "Print", "EnsureShape"])


@dataclass(eq=False)
class LossSums:
    """The additions in front of one loss.

    ``ops`` are those of the call of ``tf.gradients``, ``differentiated`` the forward ops whose gradients it computes,
    ``others`` those of each other call, ``backward`` the ops of the backward part. ``gates``: every op that answers two
    gradients left a trace.
    """

    flat: FlatGraph
    ops: Sequence[int]
    differentiated: AbstractSet[int]
    others: Sequence[AbstractSet[int]]
    backward: AbstractSet[int]
    gates: bool
    _is_free: bool = False

    @cached_property
    def _requested_variables(self) -> FrozenSet[int]:
        """Return the variables that a gradient may have been asked for.

        Differentiated ops read them, and if the gradients train any variables, they train these.
        """
        flat = self.flat
        handles = {root(flat, each, "ReadVariableOp") for op in self.differentiated for each in flat.inputs[op]}
        read = frozenset(handle for handle in handles if flat.type(flat.producer[handle]) in VARIABLES)
        reached = reachable_ops(flat, self.ops)
        return read.intersection(write.handle for write in writes(flat) if write.op in reached) or read

    def loss_of(self, terms: List[int], is_free: bool) -> List[int]:
        """Return the differentiated tensor, given that the gradients of ``terms`` read the seed; else the terms.

        ``is_free``: the seed is itself the gradient of something, as of a variable that is one of the terms.
        """
        self._is_free = is_free
        total = terms if len(terms) < 2 else self._total(frozenset(terms)) or terms
        return [self._end_of_passing_ops(total[0])] if len(total) == 1 else total

    def _total(self, terms: FrozenSet[int]) -> List[int]:
        """Return the innermost addition of the terms; nothing if that is ambiguous."""
        above = dict.fromkeys(self._additions_above(min(terms)))
        within = {tensor for addition in above for tensor in self._passed_through(self.flat.producer[addition])}
        inner = dict.fromkeys(self._innermost_addition(addition, terms) for addition in above if addition not in within)
        totals = [each for each in inner if each is not None and self._is_total(each, terms)]
        return totals if len(totals) == 1 else []

    def _innermost_addition(self, addition: int, terms: FrozenSet[int]) -> Optional[int]:
        """Return the innermost addition within ``addition`` that contains each term once; ``None`` if there is none."""
        counts: Dict[int, int] = {}
        waiting = [addition]
        while waiting:
            tensor = waiting[-1]
            sources = [] if tensor in terms else self._passed_through(self.flat.producer[tensor])
            fresh = [each for each in sources if each not in counts]
            if fresh:
                waiting.extend(fresh)
            else:
                counts[waiting.pop()] = sum(counts[each] for each in sources) + (tensor in terms)
        if counts[addition] != len(terms):
            return None
        whole: Optional[int] = addition
        while whole is not None:
            addition = whole
            whole = next(
                (each for each in self._passed_through(self.flat.producer[addition]) if counts[each] == len(terms)), None
            )
        return addition

    def _additions_above(self, tensor: int) -> Iterator[int]:
        """Yield the additions that pass their gradient on to a tensor."""

        def readers(each: int) -> List[int]:
            following = consumers(self.flat).get(self.flat.producer[each], ())
            return [
                self.flat.first_output[op] for op in following if op not in self.backward and self._passes_unchanged(op, each)
            ]

        above = walk_depth_first([tensor], readers)
        return (each for each in above if each != tensor and self.flat.type(self.flat.producer[each]) in _SUMS)

    def _passes_unchanged(self, op: int, tensor: int) -> bool:
        return tensor in self._passed_through(op) and (self.flat.type(op) != "Sub" or self.flat.inputs[op][0] == tensor)

    def _passed_through(self, op: int) -> List[int]:
        """Return the tensors to which an op passes its gradient unchanged."""
        if self.flat.type(op) in _SUMS:
            return list(self.flat.inputs[op])
        return list(self.flat.inputs[op][:1]) if self.flat.type(op) in _PASSES_ON else []

    def _is_total(self, addition: int, terms: AbstractSet[int]) -> bool:
        """Return whether only the gradients of the terms read the seed that the addition passes on."""
        met = self._summands_of(addition, terms)
        ends = (
            self.flat.producer[each]
            for each in met
            if each not in terms and not self._passed_through(self.flat.producer[each])
        )
        return self._is_free or self.differentiated.isdisjoint(ends)

    def _summands_of(self, tensor: int, stop: AbstractSet[int] = frozenset()) -> Iterator[int]:
        """Yield the tensors that an addition passes its gradient on to, without those before ``stop``."""
        inside = walk_depth_first(
            [tensor], lambda each: () if each in stop else self._passed_through(self.flat.producer[each])
        )
        return (each for each in inside if each != tensor)

    def _end_of_passing_ops(self, tensor: int) -> int:
        """Return the tensor at the end of the ops that pass ``tensor`` on, as long as there is just one such op.

        An op that waits for the backward part (``control_dependencies([train])``) was created after the loss, so it is not the
        loss.
        """
        seen = {tensor}
        while True:
            following = dict.fromkeys(consumers(self.flat).get(self.flat.producer[tensor], ()))
            readers = [op for op in following if tensor in self.flat.inputs[op] and op not in self.backward]
            passing = [op for op in readers if self._passes_on(op, tensor) and not self._runs_after_backward_part(op)]
            if len(passing) != 1 or self.flat.first_output[passing[0]] in seen:
                return tensor
            tensor = self.flat.first_output[passing[0]]
            seen.add(tensor)

    def _passes_on(self, op: int, tensor: int) -> bool:
        """Return whether an op passes its gradient unchanged to ``tensor``, and to nothing else that would leave a trace."""
        inputs = self.flat.inputs[op]
        if self.flat.type(op) in _PASSES_ON:
            return inputs[0] == tensor
        others = [each for each in inputs if each != tensor]
        if self.gates or not others or self._is_written(op):
            return False
        constant = all(self.flat.type(self.flat.producer[each]) == "Const" for each in others)
        if self.flat.type(op) == "Sub":
            return constant and inputs[0] == tensor
        return self.flat.type(op) in _SUMS and all(self._end_without_trace(each) for each in others)

    def _end_without_trace(self, tensor: int) -> bool:
        within = [tensor, *self._summands_of(tensor)]
        return all(self._leaves_no_trace(each) for each in within if not self._passed_through(self.flat.producer[each]))

    def _is_written(self, op: int) -> bool:
        """Return whether the sum is assigned to a variable, such as a metric or an average."""
        return any(self.flat.type(each).startswith("Assign") for each in consumers(self.flat).get(op, ()))

    def _leaves_no_trace(self, tensor: int) -> bool:
        """Return whether a term whose gradient ends there could be differentiated without leaving a trace."""
        handle = root(self.flat, tensor, "ReadVariableOp")
        if self.flat.type(self.flat.producer[handle]) in VARIABLES:
            return self._is_free or handle not in self._requested_variables
        if self.flat.producer[tensor] in self.differentiated:
            return self._is_free
        above = self._differentiable(tensor)
        if not all(above.isdisjoint(each) for each in (self.differentiated, self.backward, *self.others)):
            return False
        read = (root(self.flat, each, "ReadVariableOp") for op in above for each in self.flat.inputs[op])
        return self._requested_variables.isdisjoint(read)

    def _differentiable(self, tensor: int) -> Set[int]:
        """Return the ops that a gradient of a tensor may reach."""

        def producers(op: int) -> List[int]:
            if self.flat.type(op) in STOPS:
                return []
            inputs = self.flat.inputs[op]
            return [self.flat.producer[each] for each in inputs if base_dtype(self.flat.dtypes[each]) in REAL_FLOATS]

        return find_reachable([self.flat.producer[tensor]], producers)

    def _runs_after_backward_part(self, op: int) -> bool:
        """Return whether an op runs after some op of the backward part."""
        flat = self.flat

        def needed(each: int) -> List[int]:
            return [*flat.controls[each], *(flat.producer[tensor] for tensor in flat.inputs[each])]

        return any(each in self.backward for each in walk_depth_first(flat.controls[op], needed))
