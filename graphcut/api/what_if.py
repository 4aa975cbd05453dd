"""Audit an edited graph: with stops and other barriers removed, or tensors stopped.

The code is not traced again, and the original graph does not change. (1) A removed ``StopGradient`` or ``PreventGradient``
becomes an ``Identity``. (2) A removed entry of ``stop_gradients=`` is no longer a constant. (3) Any other removed barrier
passes every gradient on, as a straight-through estimator or a soft choice would (``graph_edits.open_ops``). (4) A stopped
tensor gets a ``StopGradient``, whose output replaces it for every reader, including the loss; a variable is stopped at each
read. In contrast to ``stop_gradients=``, which stops an op with all its outputs, this stops a single tensor.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Dict, FrozenSet, Iterable, Iterator, Optional, Sequence, Tuple

from graphcut.analysis import graph_edits
from graphcut.analysis.request import AuditRequest, StopOps
from graphcut.analysis.rules.control_flow import is_loop_switch
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.trainable_tensors import shape_of
from graphcut.analysis.verdicts import GradientFlow
from graphcut.api.select.resolve_places import exact_tensors
from graphcut.api.select.resolve_variables import Scopes, as_tuple, is_pattern, key_name, variables_of_owner
from graphcut.errors import GraphcutError, printable
from graphcut.graph.flat import FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.names import Names
from graphcut.graph.op_types import STOPS
from graphcut.graph.traverse import find_reachable
from graphcut.graph.variables import values
from graphcut.results import BarrierKind
from graphcut.util.text import join_first

_NAMED = 4
_WIRING = frozenset(["_LoopVar", "LoopCond", "Enter", "RefEnter", "NextIteration", "RefNextIteration"])


def edit_request(request: AuditRequest, flow: GradientFlow, remove: Any, stop: Any) -> AuditRequest:
    """Return the request for the edited graph; ``flow`` is the gradient flow of the original one.

    Raises:
        GraphcutError: a name is not in the graph, or cannot be removed or stopped.
    """
    taken = frozenset(op for key in as_tuple(remove) for op in _removable(request, flow, key))
    tensors = [tensor for key in as_tuple(stop) for tensor in _stoppable(request.traced, key)]
    edited = request._replace(hypothesis=_hypothesis(request, taken, tensors))
    return stop_tensors(remove_barriers(edited, flow, taken), tensors)


def _hypothesis(request: AuditRequest, taken: Iterable[int], tensors: Iterable[int]) -> str:
    """Return a text such as ``without hidden; with output:0 stopped``, after the previous hypothesis."""
    flat = request.traced.flat
    removed, added = [flat.names[op] for op in sorted(taken)], [flat.tensor_name(tensor) for tensor in tensors]
    parts = [
        request.hypothesis,
        *([f"without {_few(removed)}"] * bool(removed)),
        *([f"with {_few(added)} stopped"] * bool(added)),
    ]
    return "; ".join(filter(None, parts))


def _few(names: Sequence[str]) -> str:
    return join_first([printable(name)[1:-1] for name in names], _NAMED)


def stop_tensors(request: AuditRequest, tensors: Iterable[int]) -> AuditRequest:
    """Return the request with a ``StopGradient`` behind each of the tensors."""
    traced = request.traced
    flat, copies = graph_edits.insert_stops(traced.flat, tensors, lambda tensor: shape_of(traced.shapes, traced.flat, tensor))
    loss = request.loss._replace(tensors=tuple(copies.get(tensor, tensor) for tensor in request.loss.tensors))
    return request._replace(traced=replace(traced, flat=flat, names=Names(flat), edited=True), loss=loss)


def remove_barriers(request: AuditRequest, flow: GradientFlow, taken: FrozenSet[int]) -> AuditRequest:
    """Return the request with barriers removed; ``flow`` is the gradient flow of the original one."""
    flat, constants = request.traced.flat, request.stopped
    stops = frozenset(op for op in taken if flat.type(op) in STOPS)
    arguments = frozenset(op for op in taken if _is_argument(constants, op) and not _ends_gradient(flow.rules, op))
    flat = graph_edits.remove_stops(graph_edits.open_ops(flow.rules, taken - stops - arguments, stops), stops)
    return request._replace(
        traced=replace(request.traced, flat=flat, names=Names(flat), edited=True),
        stopped=constants._replace(
            ops=constants.ops
            - taken
            - _newly_recorded_ops(request.traced.flat, constants, taken)
            - _ops_with_new_gradients(request.traced.flat, constants, taken),
            symbolic=constants.symbolic - taken,
            unwatched=_still_unwatched(flat, constants, taken),
        ),
    )


def _still_unwatched(flat: FlatGraph, constants: StopOps, taken: FrozenSet[int]) -> Dict[int, Optional[BarrierKind]]:
    """Return the tensors that a tape still does not watch.

    A variable that the tape watches automatically is watched once an op reads it.
    """
    read = {tensor for op in taken for tensor in flat.inputs[op]}
    return {tensor: barrier for tensor, barrier in constants.unwatched.items() if barrier and tensor not in read}


def _newly_recorded_ops(flat: FlatGraph, constants: StopOps, taken: FrozenSet[int]) -> FrozenSet[int]:
    """Return the ops that a tape also records once it records ``taken``.

    These are all ops that are connected to ``taken`` without another barrier in between.
    """
    waiting = [op for op in taken if op in constants.reasons]
    readers = graph_edits.readers_of(flat, lambda op, index: constants.reasons.get(op, op) is None) if waiting else {}

    def near(op: int) -> Iterator[int]:
        around = [flat.producer[tensor] for tensor in flat.inputs[op]]
        around += [reader for tensor in flat.outputs(op) for reader, _ in readers.get(tensor, ())]
        return (each for each in around if constants.reasons.get(each, each) is None)

    return frozenset(find_reachable(waiting, near))


def _ops_with_new_gradients(flat: FlatGraph, constants: StopOps, taken: FrozenSet[int]) -> FrozenSet[int]:
    """Return the ops that a tape also records once ``taken`` passes a gradient.

    A cast of a comparison, for example, reads nothing that the tape watches.
    """
    waiting = list(taken if constants.idle else ())
    readers = graph_edits.readers_of(flat, lambda op, index: True) if waiting else {}
    result = find_reachable(
        waiting, lambda op: [reader for tensor in flat.outputs(op) for reader, _ in readers.get(tensor, ())]
    )
    return constants.idle & result


def _removable(request: AuditRequest, flow: GradientFlow, key: Any) -> Iterable[int]:
    flat, variables = request.traced.flat, _variables(request.traced, key)
    if variables:
        raise GraphcutError(
            "remove: %s names variables; only stops and other barriers can be removed\n"
            "audit.stops lists the stops, audit[variable].cut the barriers of a variable." % printable(key_name(key))
        )
    ops = tuple(dict.fromkeys(flat.producer[tensor] for tensor in exact_tensors(request.traced, key, "remove")))
    for op in ops:
        if flat.type(op) not in STOPS and not _is_argument(request.stopped, op) and not _ends_gradient(flow.rules, op):
            raise GraphcutError(
                "remove: op %s (%s) stops no gradient\n"
                "audit.stops lists the stops, audit[variable].cut the barriers of a variable."
                % (printable(flat.names[op]), flat.type(op))
            )
    return ops


def _is_argument(constants: StopOps, op: int) -> bool:
    return op in constants.ops or op in constants.symbolic


def _ends_gradient(rules: PatternLookup, op: int) -> bool:
    """Return whether a gradient ends at some input of an op."""
    row = rules.row(op)
    every = set(range(len(rules.flat.inputs[op])))
    return row.raises is not None or any(every.difference(inputs) for inputs in row.carries)


def _stoppable(traced: LoadedGraph, key: Any) -> Tuple[int, ...]:
    keys = _variables(traced, key) or (key,)
    tensors = tuple(
        dict.fromkeys(value for each in keys for value in values(traced.flat, exact_tensors(traced, each, "stop")))
    )
    for tensor in tensors:
        if is_wiring(traced.flat, tensor):
            raise GraphcutError(
                "stop: %s is part of a loop's wiring\nStop what goes into the loop, what comes out, or a tensor of its body."
                % printable(traced.flat.tensor_name(tensor))
            )
    return tensors


def _variables(traced: LoadedGraph, key: Any) -> Tuple[str, ...]:
    """Return the names of the variables of a layer, a name scope or a pattern; empty for an exact name."""
    names = [each.name for each in traced.variables]
    if not isinstance(key, str):
        variables = (traced.index.by_object(each) for each in variables_of_owner(key) or ())
        return tuple(each.name for each in variables if each is not None)
    if traced.names.tensors(key) or traced.index.by_name(key) is not None or key in traced.origin.outputs:
        return ()
    if is_pattern(key):
        return tuple(name for name in names if fnmatchcase(name, key))
    return tuple(names[place] for place in Scopes(names).inside(key))


def is_wiring(flat: FlatGraph, tensor: int) -> bool:
    """Return whether no op can be inserted between a tensor and its readers: it is part of a loop's frame."""
    op = flat.producer[tensor]
    switch = flat.type(op) in ("Switch", "RefSwitch") and is_loop_switch(flat, op)
    return switch or flat.type(op) in _WIRING or op in flat.loop_inputs
