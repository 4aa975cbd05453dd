"""Resolve the places that a user names to tensors.

A place is a result of an audit, a variable, an output, a tensor, an op, a name scope or a pattern. An op stands for all its
outputs, and an op of a function body for all its copies unless the full name of one is given.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Dict, FrozenSet, Iterator, Optional, Sequence, Tuple

from graphcut.api.select.resolve_loss import tensors_of
from graphcut.api.select.resolve_variables import (
    Scopes,
    TargetIndex,
    as_tuple,
    key_name,
    near_places,
    nearest_places,
    targets,
    variables_of_owner,
)
from graphcut.errors import GraphcutError, printable
from graphcut.graph.dtypes import RESOURCE
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.op_types import READERS
from graphcut.graph.targets import Target, unique
from graphcut.graph.variables import values


def exact_tensors(traced: LoadedGraph, key: Any, argument: str) -> Tuple[int, ...]:
    """Return the tensors of one exact name or object.

    Args:
        traced: the graph.
        key: a ``Stop``, ``Barrier`` or ``Suggestion``, a variable, tensor or op, the name of one, or an output's key.
        argument: the name of the argument, for errors.

    Raises:
        GraphcutError: there is no such thing; the message has near names.
    """
    if isinstance(getattr(key, "tensor", None), str):
        return traced.names.require(key.tensor, argument)
    if isinstance(getattr(key, "op", None), str):
        return traced.names.require(key.op, argument)
    result = _of_variable(traced, key)
    if result is not None:
        return result
    if variables_of_owner(key) is not None:
        raise GraphcutError("%s: no op of the layer %s in this graph" % (argument, printable(key_name(key))))
    if isinstance(key, str) and not _is_known(traced, key):
        near = nearest_places(key, traced)
        raise GraphcutError("%s: no op, tensor or variable %s in this graph%s" % (argument, printable(key), near))
    return tensors_of(traced, key, argument)


def _is_known(traced: LoadedGraph, name: str) -> bool:
    """Return whether the graph has an op or output of that name, or an op of the name without its output number."""
    origin = traced.origin
    if any(name in outputs for outputs in (origin.outputs, *origin.signatures.values())):
        return True
    return bool(traced.names.ops(name) or traced.names.ops(name.rpartition(":")[0] or name))


def place_tensors(traced: LoadedGraph, key: Any, argument: str) -> Tuple[int, ...]:
    """Return the tensors of a place: an exact name or object, else a name scope, else the ops that match a pattern.

    A variable, a layer or a model stands for the ops that use it.
    """
    owned = None if isinstance(key, str) else variables_of_owner(key)
    if owned is not None:
        return _of_owner(traced, key, owned, argument)
    handles = _of_variable(traced, key)
    if handles is not None and not (isinstance(key, str) and key in traced.origin.outputs):
        return tuple(dict.fromkeys([*handles, *users(traced.flat, handles)]))
    if not isinstance(key, str):
        return exact_tensors(traced, key, argument)
    if not key.endswith("/") and (traced.names.tensors(key) or key in traced.origin.outputs):
        return exact_tensors(traced, key, argument)
    return _in_scope_or_pattern(traced, key, argument)


def _in_scope_or_pattern(traced: LoadedGraph, key: str, argument: str) -> Tuple[int, ...]:
    flat, scope = traced.flat, key.rstrip("/")
    ops = list(_in_scope(flat, scope)) or [op for op, name in enumerate(flat.names) if _matches(name, key)]
    names = [each.name for each in traced.variables]
    inside = Scopes(names).inside(scope) or [place for place, name in enumerate(names) if fnmatchcase(name, key)]
    handles = [tensor for place in inside for tensor in _of_variable(traced, names[place]) or ()]
    tensors = dict.fromkeys(tensor for op in ops for tensor in flat.outputs(op))
    tensors.update(dict.fromkeys(users(flat, handles)))
    if not tensors:
        near = nearest_places(scope, traced)
        raise GraphcutError("%s: no op, tensor, variable or name scope %s in this graph%s" % (argument, printable(key), near))
    return tuple(tensors)


def _of_owner(traced: LoadedGraph, key: Any, owned: Sequence[Any], argument: str) -> Tuple[int, ...]:
    """Return the tensors of the ops that use a layer's variables; for a layer without variables, those under its name."""
    if not owned:
        return _of_layer(traced, key_name(key), argument)
    handles = [tensor for each in owned for tensor in _of_variable(traced, each) or ()]
    tensors = dict.fromkeys([*handles, *users(traced.flat, handles)])
    if not tensors:
        raise GraphcutError("%s: nothing in this graph uses a variable of %s" % (argument, printable(key_name(key))))
    return tuple(tensors)


def _of_layer(traced: LoadedGraph, name: str, argument: str) -> Tuple[int, ...]:
    """Return the tensors of the ops of a layer without variables.

    The ops are under the layer's name, or under that name with another number.
    """
    flat, segment = traced.flat, r"(^|[/%s])%s%s/"
    for number in ("", "_[0-9]+"):
        pattern = re.compile(segment % (SEPARATOR, re.escape(name), number))
        tensors = tuple(each for op, op_name in enumerate(flat.names) if pattern.search(op_name) for each in flat.outputs(op))
        if tensors:
            return tensors
    raise GraphcutError("%s: no op of the layer %s in this graph%s" % (argument, printable(name), near_places(name, traced)))


def users(flat: FlatGraph, handles: Sequence[int]) -> Tuple[int, ...]:
    """Return the tensors that are read from variables, and the outputs of the ops that compute with them."""
    wanted = set(handles)
    readers = {kind for kind, each in enumerate(flat.kind_table) if each.type in READERS}
    passing = {kind for kind, each in enumerate(flat.kind_table) if each.type in _HANDS_ON}
    values_read: Dict[int, None] = dict.fromkeys(value for value in values(flat, tuple(handles)))
    open_ends = {tensor for tensor in values_read if flat.kinds[flat.producer[tensor]] in readers or tensor in wanted}
    open_ends -= {tensor for tensor in open_ends if flat.type(flat.producer[tensor]) in _GATHERS}
    for op, kind in enumerate(flat.kinds):
        if open_ends.isdisjoint(flat.inputs[op]):
            continue
        values_read.update(dict.fromkeys(flat.outputs(op)))
        if kind in passing:
            open_ends.update(flat.outputs(op))
    return tuple(values_read)


_HANDS_ON = frozenset(["Identity", "Cast", "_Arg", "Enter", "RefEnter", "RefIdentity", "_LoopVar", "Switch", "RefSwitch"])
_GATHERS = frozenset(["ResourceGather", "ResourceGatherNd"])


def variables_read_in(traced: LoadedGraph, scope: str) -> Tuple[str, ...]:
    """Return the names of the variables that the ops in a name scope read."""
    flat = traced.flat
    inside = {tensor for op in _in_scope(flat, scope) for tensor in flat.inputs[op]}
    inside.update(tensor for op in _in_scope(flat, scope) for tensor in flat.outputs(op))
    handles = ((each.name, _of_variable(traced, each.name) or ()) for each in traced.variables)
    return tuple(name for name, tensors in handles if not inside.isdisjoint(values(flat, tensors)))


def op_names(traced: LoadedGraph, key: Any, argument: str) -> Tuple[str, ...]:
    """Return the names of the ops of a place, without variables and the ops that read them, in the graph's order."""
    flat = traced.flat
    ops = sorted({flat.producer[tensor] for tensor in place_tensors(traced, key, argument) if flat.dtypes[tensor] != RESOURCE})
    computing = [op for op in ops if flat.type(op) not in READERS.union(_HANDS_ON) or flat.type(op) in _GATHERS]
    return tuple(flat.names[op] for op in computing or ops)


def every(traced: LoadedGraph, keys: Any, argument: str) -> FrozenSet[int]:
    """Return the tensors of several places."""
    return frozenset(tensor for key in as_tuple(keys) for tensor in place_tensors(traced, key, argument))


def rows(index: TargetIndex, keys: Any) -> Tuple[Target, ...]:
    """Return the targets that keys and patterns match: among the audited ones, else in the whole graph."""
    return unique(target for key in as_tuple(keys) for target in _rows(index, key))


def require_rows(index: TargetIndex, keys: Any) -> Tuple[Target, ...]:
    """Return the targets that keys and patterns match; an empty list is an error."""
    targets_of_keys = rows(index, keys)
    if not targets_of_keys:
        raise GraphcutError("an empty list means no variable")
    return targets_of_keys


def _rows(index: TargetIndex, key: Any) -> Sequence[Target]:
    places = index.places(key)
    return [index.targets[place] for place in places] if places else targets(index.traced, [key])


def _of_variable(traced: LoadedGraph, key: Any) -> Optional[Tuple[int, ...]]:
    """Return the handles or references of the variable with that name, or of that object."""
    if isinstance(key, str):
        variable = traced.index.by_name(key[:-2] if key.endswith(":0") else key)
    else:
        variable = traced.index.by_object(key)
    if variable is None:
        return None
    return tuple(tensor for text in variable.tensors for tensor in traced.names.tensors(text))


def _in_scope(flat: FlatGraph, scope: str) -> Iterator[int]:
    start, inside = scope + "/", SEPARATOR + scope + "/"
    return (op for op, name in enumerate(flat.names) if name.startswith(start) or inside in name)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(SEPARATOR)[2], pattern)
