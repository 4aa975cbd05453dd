"""The gradient patterns of one flat graph, each determined on demand: structural, asked, or assumed."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from itertools import chain
from typing import AbstractSet, Collection, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from graphcut.analysis.rules import control_flow, from_reply
from graphcut.analysis.rules.constant_zeros import idle_inputs, zero_tensors
from graphcut.analysis.rules.evidence import Evidence, decide_row
from graphcut.analysis.rules.oracle import AskGradient, GradientQuery, GradientReply, TensorFlowBehavior
from graphcut.analysis.rules.pattern import (
    GradientPattern,
    assumed_pattern,
    blocked_pattern,
    pass_to,
    raising_pattern,
    zero_input,
)
from graphcut.analysis.rules.trainable_tensors import (
    Shapes,
    readers,
    rebuilt_contexts,
    shape_of,
    symbolic_contexts,
    trainable_tensors,
)
from graphcut.graph.attrs import text
from graphcut.graph.dtypes import DIFFERENTIABLE, STRING, base_dtype
from graphcut.graph.flat import SEPARATOR, FlatGraph, Shape
from graphcut.graph.flatten.node_bytes import NAMES
from graphcut.graph.op_types import GRADIENT_TYPE
from graphcut.results import Assumption, BarrierKind
from graphcut.results.words import SAVED_GRADIENT

_OWN_ENTRY = b"\n\x11" + GRADIENT_TYPE.encode()
# Types whose gradient function refers to the graph that the op is in.
_SENSITIVE = ("EagerPyFunc",)
_IRRELEVANT = (*NAMES, b"\n\x0e_output_shapes", b"\n\r_xla_inferred", b"\n\x07_tpu")


class PatternLookup:
    """The gradient patterns of a flat graph's ops. Patterns are cached; the graph is not changed.

    ``rows`` holds the pattern of each op, or ``None`` before its first use: walks look there before they call ``row``.
    ``zeros`` are the tensors that are all zeros whatever is fed.
    """

    def __init__(
        self,
        flat: FlatGraph,
        ask: AskGradient,
        behavior: TensorFlowBehavior,
        shapes: Shapes,
        symbolic: AbstractSet[int] = frozenset(),
        unwatched: Mapping[int, Optional[BarrierKind]] = {},
        evidence: Optional[Evidence] = None,
        plain: AbstractSet[int] = frozenset(),
    ) -> None:
        self.flat, self.behavior, self.unwatched = flat, behavior, unwatched
        self.passing = trainable_tensors(flat, behavior)
        for tensor in unwatched:
            self.passing[tensor] = False
        self._ask, self._shapes = ask, shapes
        self._by_kind: Dict[Tuple[int, int], GradientPattern] = {}
        self._by_op: Dict[int, GradientPattern] = {}
        self.rows: List[Optional[GradientPattern]] = [None] * len(flat.names)
        self._guessed: Dict[int, GradientPattern] = {}
        self._told: Tuple[Assumption, ...] = ()
        self.zeros = zero_tensors(flat)
        self.is_taped, self._plain = bool(plain), plain
        self.ignored = frozenset(op for op in plain if self._has_override(op))
        self._idle = idle_inputs(flat)
        self._alone_ops = readers(flat, self.zeros).union(flat.pass_through, self.ignored, self._idle)
        self._own: Dict[int, Tuple[int, ...]] = {}
        self._starts: FrozenSet[int] = frozenset()
        self._alone = [kind.type in control_flow.STRUCTURAL for kind in flat.kind_table]
        self._symbolic, self._symbolic_ops = symbolic_contexts(flat, symbolic), symbolic
        self._forgetting = self._symbolic | rebuilt_contexts(flat, behavior)
        self.evidence = evidence
        self._read: Optional[FrozenSet[int]] = None
        self._soft: Dict[Tuple[int, int, int], Optional[BarrierKind]] = {}

    def is_discrete(self, tensor: int) -> bool:
        """Return whether a tensor holds integers or booleans."""
        dtype = base_dtype(self.flat.dtypes[tensor])
        return bool(dtype) and dtype not in self.behavior.trainable and dtype != STRING

    def row(self, op: int) -> GradientPattern:
        """Return the gradient pattern of an op; ask for it on first use."""
        pattern = self.rows[op]
        if pattern is None:
            pattern = self.rows[op] = self._row(op)
            if pattern.assumed is not None:
                self._guessed[op] = pattern
        return pattern

    def _row(self, op: int) -> GradientPattern:
        key = (self.flat.kinds[op], len(self.flat.inputs[op]))
        pattern = None if op in self._alone_ops else self._by_kind.get(key)
        return pattern or self._by_op.get(op) or self._find(op, key)

    def is_plain(self, op: int) -> bool:
        """Return whether an op has the gradient of its type, not its own gradient function or a hypothetical one."""
        kind = self.flat.kind_table[self.flat.kinds[op]]
        return (
            op not in self.flat.pass_through
            and not self._is_in_symbolic(op)
            and (op in self.ignored or not text(kind, GRADIENT_TYPE))
        )

    def shape(self, tensor: int) -> Shape:
        """Return the static shape of a tensor, or ``None`` if it is unknown."""
        return shape_of(self._shapes, self.flat, tensor)

    def without(self, edges: Collection[Tuple[int, int]]) -> PatternLookup:
        """Return the same rules, but with these edges (op and input) carrying only zeros."""
        limited = copy(self)
        limited._by_op, limited.rows, limited._guessed = dict(self._by_op), list(self.rows), dict(self._guessed)
        for op, index in edges:
            limited._by_op[op] = limited.rows[op] = zero_input(limited._by_op.get(op) or self.row(op), index)
        limited._alone_ops = self._alone_ops.union(op for op, _ in edges)
        return limited

    def start_from(self, tensors: Collection[int]) -> PatternLookup:
        """Return the same rules, but with a gradient that starts from these integers and booleans."""
        if not tensors:
            return self
        lookup = copy(self)
        lookup._starts = frozenset(tensors)
        lookup._alone_ops = self._alone_ops.union(self.flat.producer[tensor] for tensor in tensors)
        return lookup

    def watch(self, tensors: Collection[int]) -> PatternLookup:
        """Return the same rules, but with a tape that watches these tensors."""
        if not tensors:
            return self
        result, passing = copy(self), trainable_tensors(self.flat, self.behavior)
        result.unwatched = {tensor: barrier for tensor, barrier in self.unwatched.items() if tensor not in tensors}
        result.passing = [each and tensor not in result.unwatched for tensor, each in enumerate(passing)]
        return result

    def is_users(self, op: int) -> bool:
        """Return whether any op met so far has a user's gradient function."""
        return op in self._own

    def slices(self, sparse: AbstractSet[int]) -> Dict[int, Tuple[int, ...]]:
        """Return the ops met so far that have a user's gradient function and receive, or used to receive, ``IndexedSlices``.

        Each op is mapped to the outputs whose gradient is ``IndexedSlices``.
        """
        flat = self.flat
        sparse_outputs = {
            op: tuple(index for index, each in enumerate(flat.outputs(op)) if each in sparse) for op in self._own
        }
        return {op: outputs for op, outputs in sparse_outputs.items() if outputs != self._own[op]}

    def with_slices(self, slices: Mapping[int, Tuple[int, ...]]) -> PatternLookup:
        """Return the same rules, but with gradients that arrive as ``IndexedSlices`` at these outputs."""
        result = copy(self)
        result._own = {**self._own, **slices}
        result._by_op = {op: row for op, row in self._by_op.items() if op not in slices}
        result.rows = [None if op in slices else row for op, row in enumerate(self.rows)]
        result._guessed = {op: row for op, row in self._guessed.items() if op not in slices}
        return result

    def exact_row(self, op: int) -> GradientPattern:
        """Return the gradient pattern of an op for the shapes and constants in the graph.

        If that query fails, return the plain pattern.
        """
        if self._alone[self.flat.kinds[op]] or self.row(op).assumed or self.row(op).raises:
            return self.row(op)
        reply = self._ask(self._exact(op, self._question(op)))
        return (
            self.row(op)
            if reply.failed or reply.missing or op in self.flat.pass_through
            else from_reply.row(self._question(op), reply, self.behavior.trainable)
        )

    def soft_barrier(self, op: int, index: int) -> Optional[BarrierKind]:
        """Return the barrier that would remain at an integer, boolean or string input if it held floats.

        For example, a soft choice may replace an index. The result is ``None`` if nothing would block the gradient.
        """
        if self._alone[self.flat.kinds[op]] or op in self._symbolic_ops:
            barrier = self.row(op).barriers[index]
            return None if barrier is BarrierKind.DTYPE else barrier
        key = (self.flat.kinds[op], len(self.flat.inputs[op]), index)
        if key not in self._soft:
            self._soft[key] = self._softly(op, index)
        return self._soft[key]

    def _softly(self, op: int, index: int) -> Optional[BarrierKind]:
        question = self._question(op)
        places = [
            place for place, dtype in enumerate(question.inputs) if place == index or base_dtype(dtype) not in DIFFERENTIABLE
        ]
        answers = {place: self._ask(question._replace(soft=place, zeros=())) for place in places}
        own = answers[index]
        if _gives(own, index):
            return None
        others = any(_gives(each, place) for place, each in answers.items()) or any(self.row(op).connected)
        return from_reply.without_gradient(question, own, others)

    def side_results(self) -> FrozenSet[int]:
        """Return the results of calls that exist only for gradients in the file, which is judged as it was before these."""
        return self.evidence.side_results() if self.evidence is not None and self.behavior.foreign else frozenset()

    def met(self) -> Iterable[GradientPattern]:
        """Return the gradient patterns determined so far."""
        return chain(self._by_kind.values(), self._by_op.values())

    def assumptions(self) -> Tuple[Assumption, ...]:
        """Return the ops met so far whose pattern is a guess, in the graph's order."""
        if len(self._told) != len(self._guessed):
            flat, rows = self.flat, sorted(self._guessed.items())
            self._told = tuple(Assumption(flat.names[op], flat.type(op), row.assumed or "") for op, row in rows)
        return self._told

    def _find(self, op: int, key: Tuple[int, int]) -> GradientPattern:
        special = self._special(op)
        is_structural = special is not None and key[1] > 0  # ops without inputs have the same pattern wherever they are
        alone = is_structural or self._alone[key[0]] or op in self._alone_ops or self._is_in_symbolic(op)
        row = self._decide(op, special or self._ask_about(op))
        if op in self._idle and self.is_plain(op) and any(self._idle[op] in inputs for inputs in row.connected):
            row = zero_input(row, self._idle[op])
        if alone:
            row = pass_to(row, self.flat.pass_through.get(op, ()))
        exact = alone or op in self._own or row.assumed is not None or row.raises is not None
        (self._by_op if exact else self._by_kind)[op if exact else key] = row  # type: ignore[index]
        return row

    def _decide(self, op: int, row: GradientPattern) -> GradientPattern:
        """Return the pattern; complete a guess by what the graph's own backward part shows."""
        flat, foreign = self.flat, self.behavior.foreign
        if row.raises is not None and foreign and text(flat.kind_table[flat.kinds[op]], GRADIENT_TYPE):
            row = self._carrying(op, "its own gradient was not saved with the graph")
        if row.assumed is None or self.evidence is None:
            return row
        arguments = tuple(dict.fromkeys(index for inputs in row.connected for index in inputs))
        return decide_row(row, self.evidence.answers(op, arguments))

    def _special(self, op: int) -> Optional[GradientPattern]:
        flat, behavior = self.flat, self.behavior
        if op in self._symbolic_ops:
            return self._carrying(op, "named in stop_gradients=, a function is differentiated by SymbolicGradient")
        exits = flat.type(op) in ("Exit", "RefExit")
        place = (flat.function(op), flat.names[op].rpartition(SEPARATOR)[2]) if exits else None
        if place in behavior.dead_exits:
            return blocked_pattern(1, 1, BarrierKind.NOT_DIFFERENTIABLE)
        if place in behavior.second_exits:
            return raising_pattern(1, 1, BarrierKind.NO_GRADIENT)
        if flat.type(op) in behavior.opaque and flat.contexts[op] in self._forgetting:
            return self._carrying(op, "its own gradient function is forgotten in here, TensorFlow takes SymbolicGradient")
        if flat.type(op) in behavior.opaque and behavior.foreign:
            return self._carrying(op, "its function may have a gradient function of its own, which a file does not hold")
        if behavior.foreign and text(flat.kind_table[flat.kinds[op]], GRADIENT_TYPE).startswith("CustomGradient-"):
            return self._foreign_custom(op)
        return control_flow.structural(flat, op)

    def _ask_about(self, op: int) -> GradientPattern:
        question = self._question(op)
        reply = self._ask(question)
        if reply.failed is not None:
            reply = self._ask(self._exact(op, question))
        if reply.own:
            self._own.setdefault(op, ())
        row = from_reply.row(question, reply, self.behavior.trainable)
        if row.raises is not None and self._is_in_symbolic(op):
            return self._carrying(op, "TensorFlow computes the gradient of its function while it runs")
        return row

    def _question(self, op: int) -> GradientQuery:
        flat = self.flat
        kind = flat.kind_table[flat.kinds[op]]
        drop = _IRRELEVANT + ((_OWN_ENTRY,) if self._is_in_symbolic(op) or op in self.ignored else ())
        attrs = tuple(sorted(attr for attr in kind.attrs if not attr.startswith(drop)))
        inputs = tuple(flat.dtypes[tensor] for tensor in flat.inputs[op])
        zeros = tuple(index for index, tensor in enumerate(flat.inputs[op]) if tensor in self.zeros)
        inside = kind.type in _SENSITIVE and self.behavior.plain_root and self._is_called(op)
        starts = tuple(index for index, tensor in enumerate(flat.outputs(op)) if tensor in self._starts)
        place = (flat.function(op), flat.names[op].rpartition(SEPARATOR)[2])
        slices = self._own.get(op, ())
        return GradientQuery(
            kind.type, attrs, inputs, kind.outputs, zeros, inside=inside, starts=starts, place=place, slices=slices,
            taped=op in self._plain,
        )  # fmt: skip

    def _has_override(self, op: int) -> bool:
        """Return whether ``gradient_override_map`` names another gradient for an op; ``custom_gradient`` does not count."""
        gradient_type = text(self.flat.kind_table[self.flat.kinds[op]], GRADIENT_TYPE)
        return bool(gradient_type) and not (self.flat.type(op) == "IdentityN" and gradient_type.startswith("CustomGradient-"))

    def _is_called(self, op: int) -> bool:
        """Return whether an op is in the body of a function that the graph reaches only through function calls."""
        flat, context = self.flat, self.flat.contexts[op]
        called = context >= 0
        while context >= 0:
            call = flat.calls[flat.context_table[context].call]
            called &= call.predicate is None and not call.variables
            context = flat.contexts[call.op]
        return called

    def _exact(self, op: int, question: GradientQuery) -> GradientQuery:
        """Return the same query with the shapes and constants that the graph knows."""
        flat = self.flat
        sources = {flat.producer[tensor] for tensor in flat.inputs[op]} | {op}
        shapes = {source: self._shapes(source) for source in sources}
        feeding = [flat.kind_table[flat.kinds[flat.producer[tensor]]] for tensor in flat.inputs[op]]
        return question._replace(
            output_shapes=tuple(shape_of(shapes.__getitem__, flat, tensor) for tensor in flat.outputs(op)),
            shapes=tuple(shape_of(shapes.__getitem__, flat, tensor) for tensor in flat.inputs[op]),
            constants=tuple(kind.attrs if kind.type == "Const" else None for kind in feeding),
        )

    def _is_in_symbolic(self, op: int) -> bool:
        return self.flat.contexts[op] in self._symbolic

    def _floats(self, op: int) -> Tuple[int, ...]:
        dtypes = [self.flat.dtypes[tensor] for tensor in self.flat.inputs[op]]
        return tuple(index for index, dtype in enumerate(dtypes) if not dtype or base_dtype(dtype) in self.behavior.trainable)

    def _carrying(self, op: int, reason: str) -> GradientPattern:
        return assumed_pattern(
            len(self.flat.outputs(op)), len(self.flat.inputs[op]), self._floats(op), reason, BarrierKind.DTYPE
        )

    def _foreign_custom(self, op: int) -> GradientPattern:
        """Return the gradient pattern of a custom gradient in a file.

        If its function was not saved, its arguments are the slots whose outputs only gradients read.
        """
        flat = self.flat
        reply = from_reply.of_saved_gradient(
            self.behavior.saved_gradient(text(flat.kind_table[flat.kinds[op]], GRADIENT_TYPE))
        )
        if reply is not None and (len(reply.upstream), len(reply.gradients)) == (len(flat.outputs(op)), len(flat.inputs[op])):
            return replace(from_reply.row(self._question(op), reply, self.behavior.trainable), assumed=SAVED_GRADIENT)
        arguments = tuple(index for index in self._floats(op) if flat.first_output[op] + index not in self._tensors_read())
        reason = "its custom gradient was not saved with the graph"
        return assumed_pattern(len(flat.outputs(op)), len(flat.inputs[op]), arguments, reason, BarrierKind.CUSTOM_GRADIENT)

    def _tensors_read(self) -> FrozenSet[int]:
        if self._read is None:
            every = (tensor for inputs in self.flat.inputs for tensor in inputs)
            self._read = frozenset(every) if self.evidence is None else self.evidence.uses()
        return self._read


def _gives(answer: GradientReply, index: int) -> bool:
    """Return whether TensorFlow gives an input a gradient."""
    place = answer.inputs[index] if answer.inputs else index
    return answer.failed is None and not answer.missing and answer.gradients[place] is not None
