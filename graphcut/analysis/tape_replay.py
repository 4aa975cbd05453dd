"""Find the ops that a gradient tape did not record, and why; the tape treats them as constants.

A tape records an op that is made while it records and reads a tensor that it watches or that comes from one (``tape.h``,
``GradientTape::RecordOperation``), a call of a function as one op. (1) An op created outside the spans in which the tape
recorded is ``outside-tape``. If there are several in a row, the barrier is at those that a recorded op reads, and it includes
the ops behind them. (2) A requested tensor that was not watched and does not come from a recorded op gets nothing
(``ComputeGradient`` deletes its gradient): the barrier ``not-watched`` is at each of its readers. (3) An op that reads a
tensor before it is watched is ``not-watched``, too. (4) While TensorFlow pauses every tape (as ``tf.stop_gradient`` does from
2.5 on), only calls are recorded, and they are recorded separately. (5) Any other op that reads nothing watched is no barrier
itself. (6) A captured tensor is recorded again at each use, as the tensor that it stands for (``FuncGraph._capture_helper``):
a variable that is watched after its last use gets nothing, even if an op that read it was recorded. (7) The tape uses the
gradient registered for the type of an op and ignores ``gradient_override_map``. The body of a called function, a branch or a
loop is differentiated as ``tf.gradients`` does it (``backprop._gradient_function``).
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterator, Mapping, Optional, Sequence, Set, Tuple

from graphcut.analysis.request import StopOps
from graphcut.analysis.tape_record import Tape
from graphcut.graph.dtypes import base_dtype
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import READERS
from graphcut.results import BarrierKind

_STOP = "StopGradient"  # a barrier itself, although it is created while every tape is paused


def replay_tape(
    traced: LoadedGraph,
    tape: Tape,
    targets: Sequence[int],
    requested: Mapping[int, Optional[BarrierKind]],
    passing: FrozenSet[int],
) -> StopOps:
    """Return the ops that the tape did not record.

    Args:
        traced: the graph as it was when the gradient was taken.
        tape: what the tape recorded.
        targets: the tensors whose gradient is taken.
        requested: the tensors with respect to which the gradient is taken, with a barrier for those that the tape watches only
            on request.
        passing: the dtypes that can carry a gradient.
    """
    flat = traced.flat
    watched, stands_for = _watched_tensors(traced, tape), _captured_tensors(flat, tape)
    tracked: Set[int] = set()
    linked: Set[int] = set()
    reasons: Dict[int, Optional[BarrierKind]] = {}
    idle: Set[int] = set()
    stop_parts = _stops_with_reads(flat) if tape.paused else frozenset()
    for position, inputs, ends, called in _steps(flat):
        if position in tape.captured:
            continue
        for tensor in inputs:
            real = stands_for.get(tensor, tensor)
            if watched.get(real, position + 1) <= position:
                tracked.add(real)
            if real in tracked:
                tracked.add(tensor)
        inside = tape.records(position)
        silent = (position in tape.paused or position in tape.arguments) and not called
        if inside and not silent:
            linked.update(tracked.intersection(inputs))
        if (
            inside
            and not silent
            and any(base_dtype(flat.dtypes[tensor]) in passing for tensor in tracked.intersection(inputs))
        ):
            tracked.update(tensor for end in ends for tensor in flat.outputs(end))
        elif inputs:
            before = [tensor for tensor in inputs if tensor in watched and not (silent and tensor in tracked)]
            early = [requested[tensor] for tensor in before if requested.get(tensor)]
            paused = silent and position in tape.paused and stop_parts.isdisjoint(ends)
            is_outside = paused or not (inside or silent)
            reasons.update(dict.fromkeys(ends, BarrierKind.OUTSIDE_TAPE if is_outside else (early + [None])[0]))
            idle.update(ends if inside and not silent and not early else ())
    tensors_of_tape = tracked.union(watched, targets)
    unwatched = {tensor: barrier for tensor, barrier in requested.items() if tensor not in tensors_of_tape}
    placeholders = {tensor for name in tape.placeholders for tensor in traced.names.tensors(name)}
    late = placeholders.intersection(requested, watched).difference(linked, targets)
    unwatched.update(dict.fromkeys(late, BarrierKind.NOT_WATCHED))
    for tensor in set(stands_for).difference(linked):
        reasons[flat.producer[tensor]] = BarrierKind.NOT_WATCHED if stands_for[tensor] in watched else None
    entered = _move_inward(flat, targets, reasons)
    plain = frozenset(op for op, context in enumerate(flat.contexts) if context < 0)
    return StopOps(frozenset(reasons), reasons=entered, unwatched=unwatched, idle=frozenset(idle), plain=plain)


def _stops_with_reads(flat: FlatGraph) -> FrozenSet[int]:
    """Return the stops and the variable reads that they make of their arguments; TensorFlow pauses every tape there."""
    stops = [op for op in range(len(flat.names)) if flat.type(op) == _STOP]
    sources = [flat.producer[tensor] for op in stops for tensor in flat.inputs[op]]
    return frozenset(stops).union(op for op in sources if flat.type(op) in READERS)


def _captured_tensors(flat: FlatGraph, tape: Tape) -> Mapping[int, int]:
    """Map each tensor that captures a tensor of an outer graph to that tensor."""
    origins: Dict[int, int] = {}
    for position, inputs, ends, _ in _steps(flat) if tape.captured else ():
        if position in tape.captured:
            origins.update((tensor, origins.get(inputs[0], inputs[0])) for end in ends for tensor in flat.outputs(end))
    return origins


def _watched_tensors(traced: LoadedGraph, tape: Tape) -> Mapping[int, int]:
    """Return the watched tensors, each with the position from which the tape watches it."""
    positions: Dict[int, int] = {}
    for name, position in tape.watched:
        for tensor in traced.names.tensors(name):
            positions[tensor] = min(position, positions.get(tensor, position))
    return positions


def _steps(flat: FlatGraph) -> Iterator[Tuple[int, Tuple[int, ...], Tuple[int, ...], bool]]:
    """Yield the graph's own ops in order of creation.

    Each comes with its position, its inputs, the ops that hold its outputs, and whether it is a call.
    """
    calls = {call.op: call for call in flat.calls if flat.contexts[call.op] < 0}
    own = [op for op, context in enumerate(flat.contexts) if context < 0 and SEPARATOR not in flat.names[op]]
    for position, op in enumerate(own):
        call = calls.get(op)
        if call is None:
            yield position, flat.inputs[op], (op,), False
        else:
            yield position, call.inputs, call.variables + call.results, call.predicate is None and not call.variables


def _move_inward(
    flat: FlatGraph, targets: Sequence[int], reasons: Mapping[int, Optional[BarrierKind]]
) -> Mapping[int, Optional[BarrierKind]]:
    """Return the reasons, but with a barrier at an op outside the tape only if a recorded op reads it."""
    outside = {op for op, reason in reasons.items() if reason is BarrierKind.OUTSIDE_TAPE}
    readers = (inputs for op, inputs in enumerate(flat.inputs) if op not in outside)
    read = {flat.producer[tensor] for inputs in (*readers, targets) for tensor in inputs}
    return {op: None if op in outside and op not in read else reason for op, reason in reasons.items()}
