"""Find the ops that write a variable, a table, a queue or an iterator, and what they write there.

There is no list of op types. By TensorFlow's own conventions, an op that takes a reference and returns one changes its target,
unless it only passes it on (``RefSwitch``), and an op that takes a resource and has no outputs changes that resource. So new
ops of either kind are covered.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterator, NamedTuple, Sequence, Set, Tuple

from graphcut.graph.dtypes import REF, RESOURCE
from graphcut.graph.flat import FlatGraph, ops_of_kinds
from graphcut.graph.variables import root
from graphcut.util.caching import cached_weakly

_STRING = 7
_ENDS = frozenset(("DestroyResourceOp", "DeleteIterator", "DeleteMultiDeviceIterator"))


def written_inputs(op_type: str, inputs: Sequence[int], outputs: Sequence[int]) -> Tuple[int, ...]:
    """Return the inputs whose variable, table, queue or iterator an op writes, from the dtypes of its inputs and outputs.

    >>> written_inputs("ResourceScatterSub", (20, 3, 1), ()), written_inputs("ScatterSub", (101, 3, 1), (101,))
    ((0,), (0,))
    >>> written_inputs("ReadVariableOp", (20,), (1,)), written_inputs("RefSwitch", (101, 10), (101, 101))
    ((), ())
    """
    if not inputs or op_type in _ENDS or op_type.startswith(("_", "Ref")):
        return ()
    if outputs:
        return (0,) if outputs[0] > REF and inputs[0] > REF else ()
    if inputs[0] == REF + _STRING:  # a queue or an accumulator of TensorFlow 1
        return (0,)
    return tuple(index for index, dtype in enumerate(inputs) if dtype == RESOURCE)


class Write(NamedTuple):
    """An op that writes; ``handle`` is the tensor of the target, ``values`` are the inputs that it writes there."""

    op: int
    handle: int
    values: Tuple[int, ...]


@cached_weakly
def writes(flat: FlatGraph) -> Tuple[Write, ...]:
    """Return every write of a graph except those of initial values."""
    return tuple(_writes(flat))


def _writes(flat: FlatGraph) -> Iterator[Write]:
    kinds = {kind for kind, each in enumerate(flat.kind_table) if not each.outputs or each.outputs[0] > REF}
    first_values = _of_first_values(flat) if kinds else frozenset()
    memo: Dict[Tuple[int, ...], Tuple[int, ...]] = {}  # by kind and dtypes of the inputs
    for op in (op for op in ops_of_kinds(flat, kinds) if flat.inputs[op]):
        inputs = flat.inputs[op]
        key = (flat.kinds[op], *[flat.dtypes[tensor] for tensor in inputs])
        if key not in memo:
            memo[key] = written_inputs(flat.type(op), key[1:], flat.kind_table[flat.kinds[op]].outputs)
        positions = memo[key]
        if not positions or flat.contexts[op] in first_values:
            continue
        values = tuple(index for index in range(len(inputs)) if index not in positions)
        for handle in dict.fromkeys(root(flat, inputs[index]) for index in positions):
            if flat.names[op] != flat.names[flat.producer[handle]] + "/Assign":
                yield Write(op, handle, values)


def _of_first_values(flat: FlatGraph) -> FrozenSet[int]:
    """Return the bodies that initialize a variable: branches of a conditional on whether it has a value."""
    contexts: Set[int] = set()
    for index, context in enumerate(flat.context_table):
        call = flat.calls[context.call]
        if flat.contexts[call.op] in contexts or (call.predicate is not None and _tests_initialization(flat, call.predicate)):
            contexts.add(index)
    return frozenset(contexts)


def _tests_initialization(flat: FlatGraph, predicate: int) -> bool:
    return flat.type(flat.producer[predicate]) == "VarIsInitializedOp"
