"""What the backward part of a graph shows about one loss: the answers of gradient functions that were not saved in the file.

A file that was saved after ``tf.gradients`` holds the ops that each gradient function made, ``gradients/NAME_grad/…`` for the
op ``NAME``. If the gradient function itself was not saved, these ops and their readers show what it answered for each input:

* A gradient that the producer of an input receives comes from this op if this op's gradient function made it, or if no other
op that leads to the loss reads that input.
* An optimizer *gates* gradients (``gate_gradients``, ``GATE_OP``): where a gradient function answers more than one tensor,
  ``gradients/NAME_grad/tuple/`` holds a copy of each, in the order of the inputs. Without copies it answered at most one.

Only certain answers are used, because a gradient that nobody asked for leaves as few traces as ``None`` does.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field, replace
from typing import AbstractSet, Callable, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from graphcut.analysis.rules.constant_zeros import zero_test
from graphcut.analysis.rules.pattern import GradientPattern
from graphcut.analysis.rules.trainable_tensors import is_symbolic
from graphcut.graph.attrs import attribute, shape
from graphcut.graph.backward_part import backward_part
from graphcut.graph.dtypes import REAL_FLOATS, RESOURCE, base_dtype
from graphcut.graph.flat import SEPARATOR, Call, FlatGraph
from graphcut.graph.names import Names
from graphcut.graph.op_types import VARIABLES
from graphcut.graph.traverse import find_reachable, walk_depth_first
from graphcut.graph.variables import root
from graphcut.results import BarrierKind

_TUPLE = re.compile(r"_grad/tuple/control_dependency(_(\d+))?$")
_SUMS = frozenset(("AddN", "Add", "AddV2", "ConcatV2"))
# The gradients of these types are always separate ops.
_MAKE_OPS = (
    "MatMul",
    "BatchMatMul",
    "Conv",
    "DepthwiseConv",
    "Mul",
    "RealDiv",
    "Neg",
    "Square",
    "Sqrt",
    "Exp",
    "Log",
    "Tanh",
    "Sigmoid",
    "Relu",
    "Elu",
    "Softplus",
    "Softmax",
    "Gather",
    "ResourceGather",
    "BiasAdd",
    "FusedBatchNorm",
    "MaxPool",
    "AvgPool",
    "Reshape",
    "Transpose",
)
# So are those of an addition of different ranks, such as of a bias to one of these.
_ADDITIONS = ("Add", "AddV2")
_OF_ROWS = ("MatMul", "BatchMatMul", "Conv", "DepthwiseConv")
# Types that may lie between a gradient and the op that writes a variable: scaling, clipping, copies.
_SCALES = frozenset(("Identity", "Mul", "RealDiv", "Minimum", "Maximum", "ClipByValue", "Cast", "Neg", "Reshape"))
_READS = frozenset(("ReadVariableOp", "AccumulatorTakeGradient", "ResourceAccumulatorTakeGradient"))
_LONGEST = 50
COPIES = frozenset(("Identity", "ReadVariableOp"))
_BODY_SCOPE = "gradients/"


class Answer(enum.Enum):
    """What a gradient function answered for one input."""

    NONE = "none"
    ZERO = "zero"
    TENSOR = "tensor"


@dataclass(frozen=True, eq=False)
class Gradients:
    """One call of ``tf.gradients`` of the loss.

    ``prefix`` is the scope that the graph was imported under. ``ops`` are the ops of the call's scope. ``owners`` maps each of
    them to the op whose gradient it is part of, and ``gradient_ops`` maps each op to the ops of its gradient. ``trained`` maps
    the handle of a variable to the gradients that its update takes. ``asks_inputs``: it is the gradient of a function's body,
    which asks for the gradients of all the body's inputs.
    """

    scope: str
    prefix: str
    ops: FrozenSet[int]
    owners: Mapping[int, int]
    gradient_ops: Mapping[int, Sequence[int]]
    gates: bool
    trained: Mapping[int, Sequence[int]]
    asks_inputs: bool = False

    def leaves(self, flat: FlatGraph, tensors: Iterable[int]) -> List[int]:
        """Return the gradients that are summands of other gradients."""

        def is_sum(tensor: int) -> bool:
            op = flat.producer[tensor]
            return op not in self.owners and flat.type(op) in _SUMS

        def terms(tensor: int) -> Sequence[int]:
            return own(flat.inputs[flat.producer[tensor]]) if is_sum(tensor) else ()

        def own(read: Iterable[int]) -> List[int]:
            return [tensor for tensor in read if flat.producer[tensor] in self.ops]

        return [tensor for tensor in walk_depth_first(own(tensors), terms) if not is_sum(tensor)]


@dataclass(eq=False)
class Evidence:
    """What the backward part of a graph shows about one loss. Facts that need a search are computed on demand.

    ``copies`` are the op types that count as copies of their input. An edit puts stops into a graph whose gradients were taken
    without them, so there a ``StopGradient`` is a copy.
    """

    flat: FlatGraph
    names: Names
    losses: Tuple[int, ...]
    copies: FrozenSet[str] = COPIES
    _uses: Optional[FrozenSet[int]] = None
    _calls: Optional[Tuple[Gradients, ...]] = None
    _readers: Optional[Dict[int, List[Tuple[int, int]]]] = None
    _answers: Dict[int, Mapping[int, Answer]] = field(default_factory=dict)

    def uses(self) -> FrozenSet[int]:
        """Return the tensors that the ops of the loss read, without the backward part."""
        if self._uses is None:
            inside = backward_part(self.flat, self.names).inside
            above = _upstream(self.flat, self.losses, inside)
            self._uses = frozenset(tensor for op in above for tensor in self.flat.inputs[op]).union(self.losses)
        return self._uses

    def calls(self) -> Tuple[Gradients, ...]:
        """Return the calls of ``tf.gradients`` that differentiated this loss."""
        if self._calls is None:
            wanted = _originals(self.flat, self.losses)
            calls = backward_part(self.flat, self.names).calls
            self._calls = tuple(
                _gradients(self.flat, self.names, call.scope, call.prefix)
                for call in calls
                if _originals(self.flat, call.loss) == wanted
            )
        return self._calls

    def answers(self, op: int, arguments: Sequence[int]) -> Mapping[int, Answer]:
        """Return the certain answers of an op's gradient function for its inputs ``arguments``.

        The gradients of other losses may show what those of this loss leave open.
        """
        if op not in self._answers:
            own = _agreed_answers(self._each_answer(op, arguments), arguments)
            missing = [index for index in arguments if index not in own]
            others = _agreed_answers(list(self._answers_for_others(op, arguments)), missing) if missing else {}
            self._answers[op] = {**others, **own}
        return self._answers[op]

    def _each_answer(self, op: int, arguments: Sequence[int], gated: bool = False) -> List[Dict[int, Answer]]:
        """Return what each call for this loss shows, or only the calls that gate their gradients."""
        context = self.flat.contexts[op]
        whole = [call for call in self.calls() if call.gates or not gated]
        calls = whole if context < 0 else [self._of_body(call, context) for call in whole]
        return [_Search(self, call, op, tuple(arguments)).run() for call in calls if call is not None]

    def _answers_for_others(self, op: int, arguments: Sequence[int]) -> Iterator[Dict[int, Answer]]:
        """Yield what the function answered in the gradients of other losses that depend on the same outputs of the op.

        TensorFlow calls the function in the same way there: with a tensor for each of these outputs, and zeros for the others.
        So it answers ``None`` for the same inputs, and constant zeros for the same inputs. Only gated gradients count: those
        are an optimizer's, which takes no ``stop_gradients=``.
        """
        outputs = self.uses().intersection(self.flat.outputs(op))
        for loss in dict.fromkeys(call.loss for call in backward_part(self.flat, self.names).calls if call.loss):
            if loss not in self._others:
                self._others[loss] = Evidence(self.flat, self.names, loss, self.copies)
            other = self._others[loss]
            if outputs and outputs == other.uses().intersection(self.flat.outputs(op)):
                yield from other._each_answer(op, arguments, gated=True)

    _others: Dict[Tuple[int, ...], Evidence] = field(default_factory=dict)

    def _of_body(self, call: Gradients, context: int) -> Optional[Gradients]:
        """Return the part of a gradient call that differentiates the body of a function that the graph itself calls."""
        body = self.flat.context_table[context]
        forward = self.flat.calls[body.call]
        if self.flat.contexts[forward.op] >= 0:
            return None
        key = (call.scope, context)
        if key not in self._bodies:
            self._bodies[key] = _body_gradients(self.flat, self.names, call, forward, body.label)
        return self._bodies[key]

    _bodies: Dict[Tuple[str, int], Gradients] = field(default_factory=dict)

    def side_results(self) -> FrozenSet[int]:
        """Return the results of calls, as ops, that were added for the calls' own gradients.

        They are values from inside a call that its gradient reads.

        A function's own result is an ``Identity``; an added result is not, and only gradients read it.
        """
        part = backward_part(self.flat, self.names)
        if not part.calls or not self.flat.calls:
            return frozenset()
        readers: Dict[int, List[int]] = {}
        for op, inputs in enumerate(self.flat.inputs):
            for tensor in inputs:
                readers.setdefault(tensor, []).append(op)
        results: Set[int] = set()
        for call in self.flat.calls:
            own = tuple(each.scope + _without(self.flat.names[call.op], each.prefix) + "_grad/" for each in part.calls)
            for result in _unnamed_results(self.flat, call):
                consumers = readers.get(self.flat.first_output[result], ())
                if part.inside.issuperset(consumers) and any(self.flat.names[op].startswith(own) for op in consumers):
                    results.add(result)
        return frozenset(results)

    def shows_gradient(self, handles: Iterable[int]) -> Optional[bool]:
        """Return whether a gradient of this loss trains a variable; ``None`` if the graph does not show it for certain.

        The gradient must be made by the gradient function of an op that reads the variable.
        """
        for call in self.calls():
            for handle in handles:
                owners = [
                    call.owners.get(self.flat.producer[each]) for each in call.leaves(self.flat, call.trained.get(handle, ()))
                ]
                if any(owner is not None and self._reads(owner, handle) for owner in owners):
                    return True
        return None

    def _reads(self, op: int, handle: int) -> bool:
        if self._inputs is None:
            self._inputs = {call.op: call.inputs for call in self.flat.calls}
        inputs = self._inputs.get(op, self.flat.inputs[op])
        return any(root(self.flat, tensor, "ReadVariableOp") == handle for tensor in inputs)

    _inputs: Optional[Dict[int, Tuple[int, ...]]] = None

    def readers(self, tensor: int, op: int, arguments: AbstractSet[int]) -> List[Tuple[int, int]]:
        """Return the reads of a tensor between it and the loss, as op and input; for ``op`` only the inputs ``arguments``."""
        if self._readers is None:
            self._readers = {}
            for reader, inputs in enumerate(self.flat.inputs):
                for index, each in enumerate(inputs):
                    self._readers.setdefault(each, []).append((reader, index))
        return [
            (reader, index)
            for reader, index in self._readers.get(tensor, ())
            if reader in self._leading(op, arguments) and (reader != op or index in arguments)
        ]

    def _leading(self, op: int, arguments: AbstractSet[int]) -> Set[int]:
        """Return the ops that a gradient from the loss may reach."""
        key = (op, frozenset(arguments))
        if self._led is None or self._led[0] != key:
            self._led = (key, _upstream(self.flat, self.losses, frozenset(), {op: tuple(arguments)}))
        return self._led[1]

    _led: Optional[Tuple[object, Set[int]]] = None


def _agreed_answers(each: Sequence[Mapping[int, Answer]], indices: Iterable[int]) -> Dict[int, Answer]:
    """Return, for the inputs ``indices``, the answers on which all sources that have one agree."""
    by_index = {index: {row[index] for row in each if index in row} for index in indices}
    return {index: answers.pop() for index, answers in by_index.items() if len(answers) == 1}


class _Search:
    """The search for what one op's gradient function answered in one call of ``tf.gradients``."""

    def __init__(self, evidence: Evidence, call: Gradients, op: int, arguments: Tuple[int, ...]) -> None:
        self.evidence, self.flat, self.call = evidence, evidence.flat, call
        self.op, self.arguments = op, arguments

    def run(self) -> Dict[int, Answer]:
        if not self.arguments:
            return {}
        constant = {index: Answer.TENSOR for index in self.arguments if self._is_constant(index)}
        return {**constant, **self._find_answers()}

    def _find_answers(self) -> Dict[int, Answer]:
        copies = self._copies()
        if len(copies) == len(self.arguments) > 1:
            return {index: self._answer([self.flat.inputs[copy][0]]) for index, copy in zip(self.arguments, copies)}
        received = {index: self._gradients_for(index) for index in self.arguments}
        answers = {index: self._answer(tensors) for index, tensors in received.items() if tensors} or self._answer_behind()
        if self.call.asks_inputs:
            return {**{index: Answer.NONE for index in self.arguments if self._ends_in_body(index)}, **answers}
        if self.call.gates and len(answers) == max(len(copies), 1):
            return {index: answers.get(index, Answer.NONE) for index in self.arguments}
        if copies or not (self.call.gates or self.call.trained):
            # gradients that train something were asked for variables; others may have been asked for tensors in between
            return answers
        return {**{index: Answer.NONE for index in self.arguments if self._ends(index)}, **answers}

    def _is_constant(self, index: int) -> bool:
        """Return whether an input is computed only from constants, so nobody can ask for a gradient behind it."""
        above = _upstream(self.flat, [self.flat.inputs[self.op][index]])
        return all(self.flat.inputs[op] or self.flat.type(op) == "Const" for op in above)

    def _copies(self) -> List[int]:
        """Return the copies that gating makes of the gradients of this op, in the order of its inputs."""
        start = self.call.scope + _without(self.flat.names[self.op], self.call.prefix)
        copies = []
        for op in self.call.gradient_ops.get(self.op, ()):
            match = _TUPLE.match(self.flat.names[op][len(start) :]) if self.flat.names[op].startswith(start) else None
            if match and self.flat.type(op) == "Identity":
                copies.append((int(match.group(2) or 0), op))
        return [op for _, op in sorted(copies)]

    def _gradients_for(self, index: int) -> List[int]:
        """Return the gradients that come from this op to the producer of its input ``index``; empty if nothing is certain."""
        source, alone = self._source(index)
        sources = [self._source(each)[0] for each in self.arguments]
        tensors = self._gradients_read_by(source)
        if sources.count(source) > 1:
            return []
        if alone and len(self.flat.outputs(source)) == 1:
            return tensors
        return list(filter(self._is_owned, self.call.leaves(self.flat, tensors)))

    def _answer_behind(self) -> Dict[int, Answer]:
        """Return the answer that other gradient functions pass on unchanged, if it is read behind only one input.

        A straight-through estimator in front of the input has no gradient ops of its own.
        """
        read: Dict[int, List[int]] = {}
        for op, owner in self.call.owners.items():
            if owner != self.op:
                own = (leaf for leaf in self.call.leaves(self.flat, self.flat.inputs[op]) if self._is_owned(leaf))
                read.setdefault(owner, []).extend(own)
        readers = {owner: leaves for owner, leaves in read.items() if leaves}
        if not readers:
            return {}
        behind = {index: _upstream(self.flat, [self.flat.inputs[self.op][index]]) for index in self.arguments}
        led = {owner: [index for index, ops in behind.items() if owner in ops] for owner in readers}
        indices = {tuple(each) for each in led.values()}
        if len(indices) != 1 or len(min(indices)) != 1:
            return {}
        return {min(indices)[0]: self._answer([leaf for leaves in readers.values() for leaf in leaves])}

    def _is_owned(self, tensor: int) -> bool:
        return self.call.owners.get(self.flat.producer[tensor]) == self.op

    def _source(self, index: int) -> Tuple[int, bool]:
        """Return the producer of an input, skipping copies, and whether no other route leads to it from the loss."""
        alone, reader, position = True, self.op, index
        arguments = frozenset(self.arguments)
        for _ in range(_LONGEST):
            tensor = self.flat.inputs[reader][position]
            alone = alone and self.evidence.readers(tensor, self.op, arguments) == [(reader, position)]
            alone = alone and tensor not in self.evidence.losses
            source = self.flat.producer[tensor]
            if self.flat.type(source) not in self.evidence.copies:
                return source, alone
            reader, position = source, 0
        return source, False

    def _gradients_read_by(self, source: int) -> List[int]:
        """Return the gradients that the gradient function of an op read, or that a variable was trained with."""
        if self.flat.type(source) in VARIABLES:
            return list(self.call.trained.get(self.flat.first_output[source], ()))
        own = frozenset(self.call.gradient_ops.get(source, ()))
        read = (tensor for op in own for tensor in self.flat.inputs[op])
        tensors = [each for each in dict.fromkeys(read) if self.flat.producer[each] in self.call.ops]
        return sorted(each for each in tensors if self.flat.producer[each] not in own)

    def _answer(self, tensors: Sequence[int]) -> Answer:
        return Answer.ZERO if all(self._is_zero(tensor, _LONGEST) for tensor in tensors) else Answer.TENSOR

    def _is_zero(self, tensor: int, depth: int) -> bool:
        """Return whether the gradient function made zeros whatever the upstream gradient was."""
        op = self.flat.producer[tensor]
        if self.call.owners.get(op) != self.op or not depth:
            return False
        if self.flat.type(op) == "IdentityN":
            same = self.flat.inputs[op][tensor - self.flat.first_output[op] :]
            return bool(same) and self._is_zero(same[0], depth - 1)
        if self.flat.first_output[op] != tensor:
            return False
        test = zero_test(self.flat.kind_table[self.flat.kinds[op]])
        return test is not None and test([self._is_zero(each, depth - 1) for each in self.flat.inputs[op]])

    def _ends(self, index: int) -> bool:
        """Return whether the op got a gradient but its input did not, although a variable behind the input was asked for.

        An op is differentiated only if it lies between the loss and a requested variable. If every variable behind the op is
        behind this input, a gradient for the input would have continued to its producer.
        """
        source, _ = self._source(index)
        if not self._makes_ops(source) or self.call.gradient_ops.get(source) or not self._has_gradient():
            return False
        behind = self._variables([self.flat.inputs[self.op][index]])
        return bool(behind) and self._variables(self.flat.inputs[self.op]) <= behind

    def _makes_ops(self, op: int) -> bool:
        """Return whether the gradient function of an op always makes ops of its own."""
        if self.flat.type(op) in _ADDITIONS:
            producers = [self.flat.type(self.flat.producer[tensor]) for tensor in self.flat.inputs[op]]
            return any(each.startswith(_OF_ROWS) for each in producers) and any(map(self._is_bias, self.flat.inputs[op]))
        return self.flat.type(op).startswith(_MAKE_OPS)

    def _is_bias(self, tensor: int) -> bool:
        """Return whether a tensor is the value of a variable with one axis or none."""
        source = self.flat.producer[root(self.flat, tensor, "ReadVariableOp")]
        value = (
            attribute(self.flat.kind_table[self.flat.kinds[source]], "shape") if self.flat.type(source) in VARIABLES else None
        )
        sizes = None if value is None else shape(value.shape)
        return sizes is not None and len(sizes) < 2

    def _ends_in_body(self, index: int) -> bool:
        """Return whether the op got a gradient, but the ops that compute its input from the body's inputs got none."""
        source, _ = self._source(index)
        if not self._makes_ops(source) or self.call.gradient_ops.get(source) or not self.call.gradient_ops.get(self.op):
            return False
        waiting, seen = [source], set()
        for op in waiting:
            if self.flat.type(op) == "_Arg":
                return True
            inputs = (
                tensor for tensor in self.flat.inputs[op] if base_dtype(self.flat.dtypes[tensor]) in (*REAL_FLOATS, RESOURCE)
            )
            fresh = [producer for producer in map(self.flat.producer.__getitem__, inputs) if producer not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
        return False

    def _variables(self, tensors: Iterable[int]) -> Set[int]:
        above = _upstream(self.flat, tensors)
        return {op for op in above if not self.flat.inputs[op] and self.flat.type(op) in VARIABLES}

    def _has_gradient(self) -> bool:
        """Return whether the op got a gradient: zeros stand for the gradients that its other outputs did not get."""
        outputs = frozenset(self.flat.outputs(self.op))
        unowned = (op for op in self.call.ops if op not in self.call.owners)
        return bool(self.call.gradient_ops.get(self.op)) or any(not outputs.isdisjoint(self.flat.inputs[op]) for op in unowned)


def decide_row(row: GradientPattern, answers: Mapping[int, Answer]) -> GradientPattern:
    """Return a guessed pattern, completed by what is known of some inputs.

    If all connected inputs are known, the pattern is no longer a guess.
    """
    guessed = {index for inputs in row.connected for index in inputs}
    if not answers:
        return row
    none = {index for index, answer in answers.items() if answer is Answer.NONE}
    zero = {index for index, answer in answers.items() if answer is Answer.ZERO}
    kinds = enumerate(row.barriers)
    return replace(
        row,
        connected=tuple(tuple(index for index in inputs if index not in none) for inputs in row.connected),
        carries=tuple(tuple(index for index in inputs if index not in none | zero) for inputs in row.carries),
        barriers=tuple(BarrierKind.CUSTOM_GRADIENT if index in none | zero else kind for index, kind in kinds),
        independent_of_output=row.independent_of_output - none - zero,
        waits=row.waits - none - zero,
        assumed=row.assumed if guessed - set(answers) else None,
    )


def gradients_of_writes(flat: FlatGraph, ops: AbstractSet[int]) -> Dict[int, List[int]]:
    """Return, for the handle of each variable, the gradients in ``ops`` that its update takes, scaled or clipped at most.

    An accumulated gradient counts as well: an update that takes the accumulator's value takes the gradient.
    """
    found: Dict[int, Dict[int, None]] = {}
    kinds = {kind for kind, each in enumerate(flat.kind_table) if _writes(each.type)}
    values: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        if flat.kinds[op] in kinds and len(inputs) > 1 and op not in ops:
            values.setdefault(root(flat, inputs[0]), []).extend(inputs[1:])
    for handle, tensors in values.items():
        gradients = [near for tensor in tensors for near in _nearest(flat, tensor, lambda each: flat.producer[each] in ops)]
        if gradients:
            found[handle] = dict.fromkeys(gradients)
    accumulated = dict(found)
    for handle in values.keys() - accumulated.keys():
        held = {
            root(flat, near)
            for tensor in values[handle]
            for near in _nearest(flat, tensor, lambda each: root(flat, each) in accumulated)
        }
        if len(held) == 1:
            found[handle] = accumulated[held.pop()]
    return {handle: sorted(gradients) for handle, gradients in found.items()}


def _writes(kind: str) -> bool:
    return "Apply" in kind or kind.startswith("Assign")


def _nearest(flat: FlatGraph, tensor: int, is_wanted: Callable[[int], bool]) -> List[int]:
    """Return the wanted tensor that a tensor equals except for scaling or clipping; nothing if there are several."""
    waiting, seen = [tensor], set()
    for each in waiting:
        if is_wanted(each):
            return [each]
        op = flat.producer[each]
        direct = [source for source in flat.inputs[op] if is_wanted(source)]
        if flat.type(op) not in _SCALES | _READS or len(direct) > 1:
            continue
        fresh = [source for source in direct or flat.inputs[op] if source not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return []


def _unnamed_results(flat: FlatGraph, call: Call) -> Iterator[int]:
    """Yield the results of a call, as ops, that are no ``Identity`` in its bodies; nothing for a loop."""
    if not call.variables and not is_symbolic(call.type):
        for index, result in enumerate(call.results):
            if any(flat.type(flat.producer[returns[index]]) != "Identity" for returns in call.returns):
                yield result


# --- calls ----------------------------------------------------------------------------------------------------------


def _gradients(flat: FlatGraph, names: Names, scope: str, prefix: str) -> Gradients:
    owners: Dict[int, int] = {}
    gradients: Dict[int, List[int]] = {}
    inside = [op for op, name in enumerate(flat.names) if name.startswith(scope)]
    memo: Dict[str, Optional[int]] = {}
    for op in inside:
        owner = _owner(flat.names[op][len(scope) :], names, memo, prefix)
        if owner is not None:
            owners[op] = owner
            gradients.setdefault(owner, []).append(op)
    gates = any(_TUPLE.search(flat.names[op]) for op in owners)
    trained = gradients_of_writes(flat, frozenset(inside))
    return Gradients(scope, prefix, frozenset(inside), owners, gradients, gates, trained)


def _without(name: str, prefix: str) -> str:
    """Return the name that an op had before its graph was imported under ``prefix``."""
    return name[len(prefix) :] if name.startswith(prefix) else name


def _body_gradients(flat: FlatGraph, names: Names, call: Gradients, forward: Call, label: str) -> Gradients:
    """Return the gradient of one body: its ops are called ``gradients/CALL_grad/…!LABEL!gradients/NAME_grad/…``."""
    before = SEPARATOR.join((flat.names[forward.op], label, "") if label else (flat.names[forward.op], ""))
    owners: Dict[int, int] = {}
    gradients: Dict[int, List[int]] = {}
    inside = []
    memo: Dict[str, Optional[int]] = {}
    for op in call.gradient_ops.get(forward.op, ()):
        pieces = flat.names[op].split(SEPARATOR)
        if len(pieces) != (3 if label else 2) or (label and pieces[1] != label) or not pieces[-1].startswith(_BODY_SCOPE):
            continue
        inside.append(op)
        owner = _owner(pieces[-1][len(_BODY_SCOPE) :], names, memo, before)
        if owner is not None:
            owners[op] = owner
            gradients.setdefault(owner, []).append(op)
    return Gradients(call.scope, call.prefix, frozenset(inside), owners, gradients, False, {}, not forward.variables)


def _owner(text: str, names: Names, memo: Dict[str, Optional[int]], before: str) -> Optional[int]:
    """Return the op whose gradient function made the op with the name ``text`` in the scope.

    The op's name begins with ``before``.
    """
    pieces = text.split("_grad/")
    for count in range(1, len(pieces)):
        name = before + "_grad/".join(pieces[:count])
        if name not in memo:
            memo[name] = next((op for op in names.ops(name) if names.flat.names[op] == name), None)
        if memo[name] is not None:
            return memo[name]
    return None


def _originals(flat: FlatGraph, tensors: Iterable[int]) -> FrozenSet[int]:
    """Follow ``Identity`` ops back, and return the tensors that these tensors are copies of."""
    plain = set()
    for tensor in tensors:
        for _ in range(_LONGEST):
            op = flat.producer[tensor]
            if flat.type(op) != "Identity" or not flat.inputs[op]:
                break
            tensor = flat.inputs[op][0]
        plain.add(tensor)
    return frozenset(plain)


def _upstream(
    flat: FlatGraph,
    tensors: Iterable[int],
    aside: AbstractSet[int] = frozenset(),
    through: Mapping[int, Tuple[int, ...]] = {},
) -> Set[int]:
    """Return the ops that compute tensors, except those in ``aside``; for ops in ``through``, follow only some inputs."""

    def producers(read: Iterable[int]) -> Set[int]:
        return {flat.producer[tensor] for tensor in read} - aside

    def sources(op: int) -> Set[int]:
        inputs = flat.inputs[op]
        return producers(inputs[index] for index in through.get(op, range(len(inputs))))

    return find_reachable(producers(tensors), sources)
