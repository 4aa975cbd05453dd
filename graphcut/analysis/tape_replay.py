"""The ops that a gradient tape did not record, and why; they count as constants for the tape.

A tape records an op that is made while it records and reads a tensor that it watches or that comes from one (``tape.h``,
``GradientTape::RecordOperation``), a call of a function as one op. (1) An op that was made outside of the spans in which the
tape recorded is ``outside-tape``; of several in a row, those that a recorded op reads bear the barrier, and what lies behind
them belongs to the same barrier. (2) What is asked for and was neither watched nor comes from a recorded op gets nothing
(``ComputeGradient`` deletes its gradient): ``not-watched`` bars it from all that reads it. (3) What reads it before it is
watched is ``not-watched``, too. (4) While TensorFlow pauses every tape (``tf.stop_gradient`` does, from 2.5 on) nothing is
recorded but calls, which are recorded apart. (5) Any other op that reads nothing watched is no barrier of its own. (6) What a
body captures is recorded anew at each use, as what it stands for (``FuncGraph._capture_helper``): a variable that is watched
after its last use gets nothing, though an op that read it was recorded. (7) It takes the gradient registered for the type of
an op, whatever ``gradient_override_map`` names for it; the body of a function that is called, a branch or a loop, is
differentiated as ``tf.gradients`` does (``backprop._gradient_function``).
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

_STOP = "StopGradient"  # its own barrier, though it is made while every tape pauses


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
        targets: the tensors that the gradient is taken of.
        requested: the tensors that the gradient is asked for, with the barrier of those that the tape watches only when it is
            told to.
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
    known = tracked.union(watched, targets)
    unwatched = {tensor: barrier for tensor, barrier in requested.items() if tensor not in known}
    placeholders = {tensor for name in tape.placeholders for tensor in traced.names.tensors(name)}
    late = placeholders.intersection(requested, watched).difference(linked, targets)
    unwatched.update(dict.fromkeys(late, BarrierKind.NOT_WATCHED))
    for tensor in set(stands_for).difference(linked):
        reasons[flat.producer[tensor]] = BarrierKind.NOT_WATCHED if stands_for[tensor] in watched else None
    entered = _move_inward(flat, targets, reasons)
    plain = frozenset(op for op, context in enumerate(flat.contexts) if context < 0)
    return StopOps(frozenset(reasons), reasons=entered, unwatched=unwatched, idle=frozenset(idle), plain=plain)


def _stops_with_reads(flat: FlatGraph) -> FrozenSet[int]:
    """Return the stops, and the reads of variables that they make of their arguments: TensorFlow pauses every tape there."""
    stops = [op for op in range(len(flat.names)) if flat.type(op) == _STOP]
    sources = [flat.producer[tensor] for op in stops for tensor in flat.inputs[op]]
    return frozenset(stops).union(op for op in sources if flat.type(op) in READERS)


def _captured_tensors(flat: FlatGraph, tape: Tape) -> Mapping[int, int]:
    """Return the tensors that capture a tensor of an outer graph, each with that tensor."""
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
    """Yield the graph's own ops in the order in which they were made.

    Each comes with its position, what it reads, the ops that bear its outputs, and whether it is a call.
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
