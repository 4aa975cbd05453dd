"""Find the variables of a flat graph: combine what its ops show with its metadata.

This module also finds the variant tensors whose elements have no gradient, such as lists of integers, by ``element_dtype``.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from graphcut.graph.attrs import attribute, attributes, shape
from graphcut.graph.dtypes import RESOURCE, VARIANT, dtype_name
from graphcut.graph.flat import FlatGraph, Kind, Shape, ops_of_kinds
from graphcut.graph.metadata import GraphMetadata, Variable
from graphcut.graph.op_types import READERS, VARIABLES
from graphcut.util.caching import cached_weakly

_PLACEHOLDERS = frozenset(("Placeholder", "_Arg"))
_HANDS_ON = frozenset(["_Arg", "_LoopVar", "Switch", "Enter", "Identity", "RefSwitch", "RefEnter", "RefIdentity"])


def variables(flat: FlatGraph, origin: GraphMetadata) -> Tuple[Variable, ...]:
    """Return every variable, with unique names; those in the metadata come first, in its order."""
    variables_by_name: Dict[str, Variable] = {}
    described = {tensor for each in origin.variables if each.dtype and each.shape is not None for tensor in each.tensors}
    for each in _of_ops(flat, described):
        before = variables_by_name.get(each.name)
        variables_by_name[each.name] = each if before is None else _join(before, each)
    if not origin.variables:
        return tuple(variables_by_name.values())
    by_tensor = {tensor: each for each in variables_by_name.values() for tensor in each.tensors}
    named: List[Variable] = []
    for known in origin.variables:
        by_name = None if known.objects else variables_by_name.get(known.name)
        match = next((by_tensor[tensor] for tensor in known.tensors if tensor in by_tensor), by_name)
        named.append(known if match is None else _complete(known, match))
    covered = {tensor for each in named for tensor in each.tensors}
    rest = [each for each in variables_by_name.values() if not covered.intersection(each.tensors)]
    return _unique(named + rest)


def _join(one: Variable, other: Variable) -> Variable:
    shape = other.shape if one.shape is None else one.shape
    return Variable(one.name, one.tensors + other.tensors, one.trainable, one.dtype or other.dtype, shape)


def _complete(listed: Variable, match: Variable) -> Variable:
    more = tuple(each for each in match.tensors if each not in listed.tensors)
    if not more and listed.dtype and listed.shape is not None:
        return listed
    shape = match.shape if listed.shape is None else listed.shape
    return listed._replace(tensors=listed.tensors + more, dtype=listed.dtype or match.dtype, shape=shape)


def _unique(listed: List[Variable]) -> Tuple[Variable, ...]:
    """Return the variables with unique names: Keras repeats names, and eager variables are all called ``Variable``."""
    seen: Dict[str, int] = {}
    names = {each.name for each in listed}
    unique = []
    for each in listed:
        seen[each.name] = seen.get(each.name, 0) + 1
        name = each.name
        while seen[each.name] > 1 and name in names:
            name = "%s_%d" % (each.name, seen[each.name] - 1)
            seen[each.name] += name in names
        names.add(name)
        unique.append(each if name == each.name else each._replace(name=name))
    return tuple(unique)


def _of_ops(flat: FlatGraph, described: AbstractSet[str]) -> Iterator[Variable]:
    """Yield the variables that the graph's own ops show: handles, references, and captured resources that are read.

    Variables whose tensor is in ``described`` get no dtype and shape here.
    """
    facts: Dict[int, Tuple[str, Shape]] = {}
    read: Optional[Dict[int, int]] = None
    for op, kind in variable_ops(flat):
        each = flat.kind_table[kind]
        tensor_name = flat.names[op] + ":0"
        if each.type in VARIABLES:
            if kind not in facts:
                facts[kind] = _dtype(each), _shape(each)
            facts_of_op = ("", None) if tensor_name in described else facts[kind]
            yield Variable(flat.shared.get(op) or flat.names[op], (tensor_name,), None, *facts_of_op)
        elif each.outputs[0] == RESOURCE:
            read = _resource_dtypes(flat) if read is None else read
            tensor = flat.first_output[op]
            if tensor in read:
                yield Variable(flat.names[op], (tensor_name,), None, dtype_name(read[tensor]), None)


def variable_ops(flat: FlatGraph) -> Iterator[Tuple[int, int]]:
    """Yield the ops outside functions that may stand for a variable, each with its kind."""
    wanted = {kind for kind, each in enumerate(flat.kind_table) if each.outputs and each.type in VARIABLES | _PLACEHOLDERS}
    kinds, contexts = flat.kinds, flat.contexts
    return ((op, kinds[op]) for op in ops_of_kinds(flat, wanted) if contexts[op] < 0)


def variable_handles(flat: FlatGraph) -> FrozenSet[int]:
    """Return the handles and references of the graph's variables, including captured handles that are read as variables."""
    types = {kind for kind, each in enumerate(flat.kind_table) if each.type in VARIABLES}
    handles_of_types = {flat.first_output[op] for op in ops_of_kinds(flat, types)}
    handles = {
        flat.first_output[op] for op, kind in variable_ops(flat) if flat.kind_table[kind].outputs[0] == RESOURCE
    } - handles_of_types
    return frozenset(handles_of_types.union(handles.intersection(_resource_dtypes(flat)) if handles else ()))


def _dtype(kind: Kind) -> str:
    value = attribute(kind, "dtype")
    return dtype_name(0 if value is None else value.type)


def _shape(kind: Kind) -> Shape:
    value = attribute(kind, "shape")
    return None if value is None else shape(value.shape)


def _resource_dtypes(flat: FlatGraph) -> Dict[int, int]:
    """Return the resources at the root of the graph that something reads as a variable, with the dtype of the value."""
    dtypes: Dict[int, int] = {}
    for op in _readers(flat):
        dtypes.setdefault(root(flat, flat.inputs[op][0]), flat.dtypes[flat.first_output[op]])
    return dtypes


def root(flat: FlatGraph, tensor: int, through: str = "") -> int:
    """Return the tensor that a handle or a reference comes from.

    The search goes through arguments, loops and switches, and through ops of one more type.
    """
    op_type = flat.type(flat.producer[tensor])
    if op_type not in _HANDS_ON and op_type != through:
        return tensor
    for each in trail(flat, tensor, through):
        tensor = each
    return tensor


def trail(flat: FlatGraph, tensor: int, through: str = "") -> Iterator[int]:
    """Yield the tensors on the way from a handle or a reference to its root, itself first."""
    seen = set()
    while tensor not in seen:
        seen.add(tensor)
        yield tensor
        op = flat.producer[tensor]
        if (flat.type(op) not in _HANDS_ON and flat.type(op) != through) or not flat.inputs[op]:
            return
        tensor = flat.inputs[op][0]
    yield tensor


def reads(flat: FlatGraph, handle: int) -> Tuple[int, ...]:
    """Return the tensors that are read from the variable of a resource handle; computed once for each graph."""
    return tuple(_reads(flat).get(handle, ()))


@cached_weakly
def _reads(flat: FlatGraph) -> Dict[int, List[int]]:
    values: Dict[int, List[int]] = {}
    for op in _readers(flat):
        values.setdefault(root(flat, flat.inputs[op][0]), []).append(flat.first_output[op])
    return values


def _readers(flat: FlatGraph) -> Sequence[int]:
    return ops_of_kinds(flat, {kind for kind, each in enumerate(flat.kind_table) if each.type in READERS})


def values(flat: FlatGraph, tensors: Tuple[int, ...]) -> Tuple[int, ...]:
    """Return the tensors, with each resource handle replaced by the tensors that are read from it."""
    return tuple(
        value for tensor in tensors for value in (reads(flat, tensor) if flat.dtypes[tensor] == RESOURCE else (tensor,))
    )


def inert(flat: FlatGraph) -> FrozenSet[int]:
    """Return the variant tensors whose elements have a dtype without a gradient, as far as ``element_dtype`` tells."""
    variants = [tensor for tensor, dtype in enumerate(flat.dtypes) if dtype == VARIANT] if VARIANT in flat.dtypes else ()
    return frozenset(tensor for tensor in variants if _element(flat, tensor) not in (0, 1, 2, 8, 14, 18, 19, 20, 21))


def _element(flat: FlatGraph, tensor: int) -> int:
    """Return the dtype of a variant's elements, from the op that made it; 0 if unknown."""
    seen = set()
    while tensor not in seen:
        seen.add(tensor)
        op = flat.producer[tensor]
        values = attributes(flat.kind_table[flat.kinds[op]])
        if "element_dtype" in values:
            return int(values["element_dtype"].type)
        variants = [each for each in flat.inputs[op] if flat.dtypes[each] == VARIANT]
        if not variants:
            return 0
        tensor = variants[0]
    return 0
