"""Find the variables of a graph without metadata that hold a state of training: optimizer slots, averages, counters.

A graph file with metadata says that these are not trainable; a bare ``GraphDef`` shows it by its ops. *Slots* only serve the
updates of other variables (``variable_updates.py``). An *average* is assigned a value that is computed from itself by
elementwise arithmetic and not by a gradient, as ``moving_mean - (moving_mean - mean) * decay``; a *counter* is increased by a
constant. A variable that follows other variables and that a loss reads is neither: it may be a target network. The moving
statistics of a batch normalization that does not train are known by their place: the variance feeds a reciprocal root, and the
scale or offset of the same scope and shape learns.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, FrozenSet, Iterable, List, Mapping, Sequence, Set, Tuple

from graphcut.graph.backward_part import backward_part
from graphcut.graph.dtypes import RESOURCE
from graphcut.graph.flat import FlatGraph
from graphcut.graph.float_walks import upstream
from graphcut.graph.metadata import Variable
from graphcut.graph.names import Names
from graphcut.graph.op_types import OPTIMIZERS, READERS, VARIABLES
from graphcut.graph.traverse import find_reachable, find_readers
from graphcut.graph.variable_updates import training_part
from graphcut.graph.variables import reads, root
from graphcut.graph.writing_ops import Write, writes

_ELEMENTWISE = READERS.union(
    (
        "Identity",
        "Cast",
        "Sub",
        "Mul",
        "Add",
        "AddV2",
        "Neg",
        "RealDiv",
        "Squeeze",
        "Reshape",
        "ExpandDims",
        "Switch",
        "Merge",
    ),
    ("RefSwitch", "RefMerge", "RefIdentity", "_Arg", "_Retval", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"),
)
_INCREMENTS = ("AssignAdd", "AssignAddVariableOp", "AssignSub", "AssignSubVariableOp")
_PASSED = READERS.union(("Identity", "Cast", "Reshape", "ExpandDims", "Squeeze", "BroadcastTo", "Add", "AddV2", "_Arg"))


def mark_states(flat: FlatGraph, names: Names, variables: Sequence[Variable]) -> Tuple[Variable, ...]:
    """Return the variables; those that hold a state are not trainable. What is known about a variable stays as it is."""
    handles = {each.name: [tensor for name in each.tensors for tensor in names.tensors(name)] for each in variables}
    states = _states(flat, names, [tensor for tensors in handles.values() for tensor in tensors])
    states |= _still_statistics(flat, names, variables, handles, states)
    return tuple(
        each._replace(trainable=False) if each.trainable is None and not states.isdisjoint(handles[each.name]) else each
        for each in variables
    )


def _states(flat: FlatGraph, names: Names, handles: Sequence[int]) -> Set[int]:
    part, training = backward_part(flat, names), training_part(flat, names)
    trained = frozenset(handle for each in training.by_loss.values() for handle in each)
    gradients = frozenset(op for call in part.calls for op in call.reached) | part.inside
    by_handle: Dict[int, List[Write]] = {}
    for each in writes(flat):
        by_handle.setdefault(each.handle, []).append(each)
    result = set(training.aside.intersection(handles))
    for handle in handles:
        own = by_handle.get(handle, ())
        is_candidate = handle not in result and handle not in trained
        if (
            is_candidate
            and any(_is_own(flat, each, gradients) for each in own)
            and not _may_be_target(flat, own, part.forward)
        ):
            result.add(handle)
    return result


def _may_be_target(flat: FlatGraph, own: Sequence[Write], forward: FrozenSet[int]) -> bool:
    """Return whether a variable follows other variables, and a loss reads it."""
    return _follows_variables(flat, own) and _is_read(flat, own[0].handle, own, forward)


def _values(flat: FlatGraph, write: Write) -> List[int]:
    return [flat.inputs[write.op][index] for index in write.values]


def _is_own(flat: FlatGraph, write: Write, gradients: AbstractSet[int]) -> bool:
    """Return whether a write makes an average of the variable's own value, or counts."""
    if write.op in gradients or flat.type(write.op).startswith(OPTIMIZERS):
        return False
    above = upstream(flat, _values(flat, write))
    if not above.isdisjoint(gradients):
        return False
    own = {op for op in above if _reads(flat, op, write.handle)}
    if not own:
        sources = [op for op in above if not flat.inputs[op]]
        return flat.type(write.op) in _INCREMENTS and all(flat.type(op) == "Const" for op in sources)
    readers: Dict[int, List[int]] = {}
    for op in above:
        for tensor in flat.inputs[op]:
            readers.setdefault(flat.producer[tensor], []).append(op)
    between = find_reachable(own, lambda op: readers.get(op, ()))
    return all(flat.type(op) in _ELEMENTWISE or flat.type(op) in VARIABLES for op in between)


def _reads(flat: FlatGraph, op: int, handle: int) -> bool:
    return any(root(flat, tensor) == handle for tensor in flat.inputs[op][:1])


def _follows_variables(flat: FlatGraph, own: Sequence[Write]) -> bool:
    """Return whether a variable is computed from other variables alone, without data."""
    leaves = {op for each in own for op in upstream(flat, _values(flat, each)) if not flat.inputs[op]}
    others = {op for op in leaves if flat.type(op) in VARIABLES} - {flat.producer[each.handle] for each in own}
    return bool(others) and all(flat.type(op) in VARIABLES or flat.type(op) == "Const" for op in leaves)


def _is_read(flat: FlatGraph, handle: int, own: Iterable[Write], forward: FrozenSet[int]) -> bool:
    """Return whether a differentiated loss reads a variable; without one, whether anything but its own writes does."""
    if forward:
        return flat.producer[handle] in forward
    inside = {op for each in own for op in upstream(flat, _values(flat, each))} | {each.op for each in own}
    values = [handle] if flat.dtypes[handle] != RESOURCE else [*reads(flat, handle)]
    read = {op for op, inputs in enumerate(flat.inputs) if not set(values).isdisjoint(inputs)}
    return not read <= inside


def _still_statistics(
    flat: FlatGraph,
    names: Names,
    variables: Sequence[Variable],
    handles: Dict[str, List[int]],
    states: AbstractSet[int],
) -> Set[int]:
    """Return the moving statistics that a batch normalization reads and nothing writes."""
    training = training_part(flat, names)
    trained = frozenset(handle for each in training.by_loss.values() for handle in each)
    written = {each.handle for each in writes(flat)} | training.updated
    learning = {_place(each) for each in variables if not trained.isdisjoint(handles[each.name])}
    still = [each for each in variables if _place(each) in learning and written.union(states).isdisjoint(handles[each.name])]
    readers = find_readers(flat) if still else {}
    normalized = {_place(each) for each in still if _is_variance(flat, readers, handles[each.name])}
    return {tensor for each in still if _place(each) in normalized for tensor in handles[each.name]}


def _place(variable: Variable) -> Tuple[str, object]:
    return variable.name.rpartition("/")[0], variable.shape


def _is_variance(flat: FlatGraph, readers: Mapping[int, Sequence[int]], tensors: Sequence[int]) -> bool:
    """Return whether a reciprocal root reads the value of a variable, after adding a small number."""

    def behind(tensor: int) -> List[int]:
        return [output for op in readers.get(tensor, ()) if flat.type(op) in _PASSED for output in flat.outputs(op)]

    read = ((op, tensor) for tensor in find_reachable(tensors, behind) for op in readers.get(tensor, ()))
    return any(
        flat.type(op) == "Rsqrt" or (flat.type(op).startswith("FusedBatchNorm") and flat.inputs[op][4] == tensor)
        for op, tensor in read
    )
