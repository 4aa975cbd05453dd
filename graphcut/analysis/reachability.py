"""The backward walk from the loss over one of two relations, *connected* or *carries* (see ``rules.pattern``).

*Connected* follows ``tf.gradients`` (``gradients_util._GradientsHelper``): as soon as one output of a call, one variable
of a loop or one exit of a v1 loop has a gradient, TensorFlow fills the trainable others with zeros. Filled tensors are
connected and carry nothing. Conditionals and loops of eager code have no fills (see ``graph.eager_calls``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import (
    AbstractSet,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Sequence,
    Tuple,
)

from graphcut.analysis.rules.control_flow import is_loop_switch
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.pattern import GradientPattern
from graphcut.analysis.rules.trainable_tensors import is_symbolic
from graphcut.graph.eager_calls import is_eager_call
from graphcut.graph.flat import Call, FlatGraph, ops_of_kinds

UNSEEN, SEED = -2, -1
Relation = Callable[[GradientPattern], Tuple[Tuple[int, ...], ...]]


def connected_inputs(row: GradientPattern) -> Tuple[Tuple[int, ...], ...]:
    """Return, for each output, the inputs to which TensorFlow gives a gradient, even if it is zeros."""
    return row.connected


def carries(row: GradientPattern) -> Tuple[Tuple[int, ...], ...]:
    """Return for each output the inputs whose gradient is not provably zero."""
    return row.carries


class Fill(NamedTuple):
    """Tensors that TensorFlow fills with zeros together; ``group`` is their common call or ``LoopCond``.

    ``forced`` tensors are filled whatever their dtype, even integers: the results of a function call (``_GradientsHelper``
    fills those of a call that is itself asked about), and every input of an op whose gradient function answers for all inputs:
    ``SymbolicGradient``, and in TensorFlow 1.15 ``If`` and ``Case``.
    """

    group: int
    tensors: Tuple[int, ...]
    forced: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Walk:
    """The result of a walk. ``parents[tensor]`` is the next tensor towards the loss, ``SEED`` at the loss, else ``UNSEEN``.

    ``order`` holds the reached tensors, nearest first. ``raising`` holds the ops that make TensorFlow raise. ``independent``
    maps the tensors whose gradient does not depend on the upstream gradient to the tensor nearer to the loss. ``origins`` are
    the tensors where the walk over *carries* starts besides the loss, because of such gradients. Each is mapped to the tensor
    nearer to the loss in the walk over *connected*: that parent belongs to the other walk (see ``flow_edges``).
    """

    parents: Sequence[int]
    order: Sequence[int]
    raising: Tuple[int, ...]
    independent: Mapping[int, int]
    origins: Mapping[int, int] = field(default_factory=dict)

    def reaches(self, tensor: int) -> bool:
        """Return whether the walk arrived at a tensor."""
        return self.parents[tensor] != UNSEEN


def walk(
    rules: PatternLookup,
    seeds: Mapping[int, int],
    stopped: AbstractSet[int],
    relation: Relation,
    fills: Mapping[int, Fill],
) -> Walk:
    """Walk from ``seeds`` (tensors, each with its parent) towards the inputs; nothing passes the ops in ``stopped``."""
    flat, passing = rules.flat, rules.passing
    parents = [UNSEEN] * len(flat.dtypes)
    order = list(seeds)
    raising: Dict[int, None] = {}
    independent: Dict[int, int] = {}
    fired = set()
    for tensor, parent in seeds.items():
        parents[tensor] = parent
    producer, first, inputs, rows, row_of = flat.producer, flat.first_output, flat.inputs, rules.rows, rules.row
    for tensor in order:
        op = producer[tensor]
        if op in stopped:
            continue
        row = rows[op] or row_of(op)
        sources = inputs[op]
        if row.raises is not None:
            raising[op] = None
        elif row.independent_of_output:
            independent.update((sources[index], tensor) for index in row.independent_of_output if passing[sources[index]])
        for index in relation(row)[tensor - first[op]]:
            source = sources[index]
            if parents[source] == UNSEEN and passing[source]:
                parents[source] = tensor
                order.append(source)
        if op in fills and fills[op].group not in fired:
            fired.add(fills[op].group)
            fresh = [each for each in fills[op].tensors if parents[each] == UNSEEN and passing[each]]
            fresh += [each for each in fills[op].forced if parents[each] == UNSEEN]
            order.extend(dict.fromkeys(fresh))
            for source in fresh:
                parents[source] = tensor
    return Walk(parents, order, tuple(raising), independent, {tensor: each for tensor, each in seeds.items() if each != SEED})


def fills(rules: PatternLookup, symbolic: AbstractSet[int]) -> Dict[int, Fill]:
    """Return what TensorFlow fills with zeros, for each op whose gradient makes it do so.

    ``symbolic`` are the calls, by their op, that ``SymbolicGradient`` differentiates; it answers for every input.
    """
    flat, added = rules.flat, rules.side_results()
    filled: Dict[int, Fill] = {}
    for call in _recorded_calls(flat):
        tensors = [flat.first_output[op] for op in call.variables]
        own = [index for index, op in enumerate(call.results) if op not in added]
        tensors = tensors or [returns[index] for returns in call.returns for index in own]
        conditional = call.predicate is not None
        plain = () if conditional or call.variables else tuple(flat.first_output[op] for op in call.results if op not in added)
        filling = conditional and rules.behavior.fills_branches
        if filling or call.op in symbolic or is_symbolic(call.type):
            plain += call.inputs
        if filling:
            tensors += call.inputs
        filled.update(dict.fromkeys(call.results, Fill(call.op, tuple(tensors), plain)))
    filled.update(_exits(flat))
    return filled


def empty_calls(rules: PatternLookup, reached: Walk, stopped: AbstractSet[int]) -> Tuple[int, ...]:
    """Return one result of each function call that has a gradient but gives none to any argument."""
    flat, empty = rules.flat, []
    for call in _recorded_calls(flat) if rules.behavior.empty_calls_raise else ():
        live = [op for op in call.results if op not in stopped and reached.reaches(flat.first_output[op])]
        arguments = [flat.first_output[op] for each in call.arguments for op in each]
        plain = call.predicate is None and not call.variables and not is_symbolic(call.type)
        if plain and live and arguments and not any(reached.reaches(tensor) for tensor in arguments):
            empty.append(live[0])
    return tuple(empty)


def _recorded_calls(flat: FlatGraph) -> List[Call]:
    """Return the calls that a tape records as one op."""
    return [call for call in flat.calls if not is_eager_call(flat.kind_table[flat.kinds[call.op]])]


def _exits(flat: FlatGraph) -> Dict[int, Fill]:
    """Return the exits of each v1 loop, by the ``LoopCond`` that their ``Switch`` reads."""
    loops: Dict[int, List[int]] = {}
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type in ("Exit", "RefExit")}
    for op in ops_of_kinds(flat, kinds):
        switch = flat.producer[flat.inputs[op][0]]
        if flat.type(switch) in ("Switch", "RefSwitch") and is_loop_switch(flat, switch):
            loops.setdefault(flat.inputs[switch][1], []).append(op)
    return {
        op: Fill(flat.producer[loop], tuple(flat.first_output[each] for each in exits))
        for loop, exits in loops.items()
        for op in exits
    }
