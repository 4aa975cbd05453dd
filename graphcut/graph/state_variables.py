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
from graphcut.graph.traverse import find_reachable, find_readers, topological_order, walk_depth_first
from graphcut.graph.variable_updates import training_part
from graphcut.graph.variables import reads, root
from graphcut.graph.writing_ops import Write, writes
from graphcut.util.caching import cached_property

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
    if not writes(flat):
        return tuple(variables)
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
    candidates = [handle for handle in handles if handle in by_handle and handle not in result and handle not in trained]
    search = _Search(flat, gradients, part.forward)
    result.update(handle for handle in candidates if search.is_state(by_handle[handle]))
    return result


class _Search:
    """The search for averages and counters. What it asks of the whole graph is found in one walk and kept."""

    def __init__(self, flat: FlatGraph, gradients: FrozenSet[int], forward: FrozenSet[int]) -> None:
        self.flat, self.gradients, self.forward = flat, gradients, forward

    def is_state(self, own: Sequence[Write]) -> bool:
        """Return whether the writes of a variable make it an average or a counter, and no target network."""
        return any(self._is_own(each) for each in own) and not (self._follows_variables(own) and self._is_read(own))

    @cached_property
    def _readers(self) -> Dict[int, List[int]]:
        return find_readers(self.flat)

    def _onward(self, op: int) -> List[int]:
        return [reader for tensor in self.flat.outputs(op) for reader in self._readers.get(tensor, ())]

    @cached_property
    def _behind_gradients(self) -> Set[int]:
        return find_reachable(self.gradients, self._onward)

    @cached_property
    def _behind_variables(self) -> Set[int]:
        return find_reachable([op for op in self._sources if self.flat.type(op) in VARIABLES], self._onward)

    @cached_property
    def _behind_data(self) -> Set[int]:
        data = [op for op in self._sources if self.flat.type(op) not in VARIABLES and self.flat.type(op) != "Const"]
        return find_reachable(data, self._onward)

    @cached_property
    def _sources(self) -> Sequence[int]:
        return [op for op, inputs in enumerate(self.flat.inputs) if not inputs]

    @cached_property
    def _rank(self) -> Sequence[int]:
        rank = [0] * len(self.flat.names)
        for place, op in enumerate(topological_order(self.flat)):
            rank[op] = place
        return rank

    def _values(self, write: Write) -> Set[int]:
        """Return the ops that compute what is written."""
        return {self.flat.producer[self.flat.inputs[write.op][index]] for index in write.values}

    def _is_own(self, write: Write) -> bool:
        """Return whether a write makes an average of the variable's own value, or counts."""
        flat, values = self.flat, self._values(write)
        if (
            write.op in self.gradients
            or flat.type(write.op).startswith(OPTIMIZERS)
            or not values.isdisjoint(self._behind_gradients)
        ):
            return False
        near = self._near(values)
        if not any(_reads(flat, op, write.handle) for op in near):
            is_constant = values.isdisjoint(self._behind_variables) and values.isdisjoint(self._behind_data)
            return flat.type(write.op) in _INCREMENTS and is_constant
        return not self._leads_to(write.handle, {op for op in near if not _is_elementwise(flat, op) and flat.inputs[op]})

    def _near(self, values: Iterable[int]) -> Set[int]:
        """Return the ops that compute the values by elementwise arithmetic, and the ops whose results these read."""
        flat = self.flat
        return find_reachable(
            values, lambda op: [flat.producer[each] for each in flat.inputs[op]] if _is_elementwise(flat, op) else ()
        )

    def _leads_to(self, handle: int, ends: AbstractSet[int]) -> bool:
        """Return whether ops depend on a variable. In a graph without a loop, no op after the last of them is looked at."""
        if not ends:
            return False
        last = len(self._rank) if self.flat.loop_inputs else max(self._rank[op] for op in ends)

        def onward(op: int) -> List[int]:
            return [reader for reader in self._onward(op) if self._rank[reader] <= last]

        return any(op in ends for op in walk_depth_first([self.flat.producer[handle]], onward))

    def _follows_variables(self, own: Sequence[Write]) -> bool:
        """Return whether a variable is computed from other variables alone, without data."""
        flat, values = self.flat, {op for each in own for op in self._values(each)}
        if not values.isdisjoint(self._behind_data):
            return False
        handles = {flat.producer[each.handle] for each in own}
        above = walk_depth_first(values, lambda op: [flat.producer[each] for each in flat.inputs[op]])
        return any(flat.type(op) in VARIABLES and not flat.inputs[op] and op not in handles for op in above)

    def _is_read(self, own: Sequence[Write]) -> bool:
        """Return whether a differentiated loss reads a variable; without one, whether anything but its own writes does."""
        flat, handle = self.flat, own[0].handle
        if self.forward:
            return flat.producer[handle] in self.forward
        inside = upstream(flat, [flat.inputs[each.op][index] for each in own for index in each.values])
        inside.update(each.op for each in own)
        values = [handle] if flat.dtypes[handle] != RESOURCE else reads(flat, handle)
        return any(reader not in inside for tensor in values for reader in self._readers.get(tensor, ()))


def _is_elementwise(flat: FlatGraph, op: int) -> bool:
    return flat.type(op) in _ELEMENTWISE or flat.type(op) in VARIABLES


def _reads(flat: FlatGraph, op: int, handle: int) -> bool:
    return _is_elementwise(flat, op) and any(root(flat, tensor) == handle for tensor in flat.inputs[op][:1])


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
