"""From the places that a user names to tensors: a result of an audit, a variable, an output, a tensor, an op, a name scope,
a pattern. An op stands for all its outputs, an op of a body for all its copies unless the full name of one is given.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, MutableMapping, Optional, Sequence, Tuple
from weakref import WeakKeyDictionary

from graphcut.api.select.resolve_loss import tensors_of
from graphcut.api.select.resolve_variables import TargetIndex, is_pattern, listed, targets
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.flat import RESOURCE, SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.targets import Target, unique
from graphcut.graph.variables import READERS, root


def named(traced: LoadedGraph, key: Any, asked: str) -> Tuple[int, ...]:
    """The tensors of one exact name or object.

    Args:
        traced: the graph.
        key: a ``Stop``, ``Barrier`` or ``Suggestion``, a variable, tensor or op, the name of one, or an output's key.
        asked: the argument that it was given for, as errors name it.

    Raises:
        GraphcutError: there is no such thing; the message has near names.
    """
    if isinstance(getattr(key, "tensor", None), str):
        return traced.names.required(key.tensor, asked)
    if isinstance(getattr(key, "op", None), str):
        return traced.names.required(key.op, asked)
    found = _of_variable(traced, key)
    return tensors_of(traced, key, asked) if found is None else found


def around(traced: LoadedGraph, key: Any, asked: str) -> Tuple[int, ...]:
    """The same, else every tensor in the name scope ``key`` or ``key/``, else of the ops that match the pattern."""
    if not isinstance(key, str):
        return named(traced, key, asked)
    if not key.endswith("/") and (traced.names.tensors(key) or _is_known(traced, key)):
        return named(traced, key, asked)
    flat = traced.flat
    ops = list(_in_scope(flat, key.rstrip("/"))) or [op for op, name in enumerate(flat.names) if _matches(name, key)]
    found = tuple(tensor for op in ops for tensor in flat.outputs(op))
    if not found:
        near = near_names(key.rstrip("/"), _places(flat))
        raise GraphcutError("%s: no op, tensor, variable or name scope %s in this graph%s" % (asked, printable(key), near))
    return found


def every(traced: LoadedGraph, keys: Any, asked: str) -> FrozenSet[int]:
    """The tensors of several places."""
    return frozenset(tensor for key in listed(keys) for tensor in around(traced, key, asked))


def rows(index: TargetIndex, keys: Any) -> Tuple[Target, ...]:
    """The targets that keys and patterns mean: of those audited, else of the whole graph."""
    return unique(target for key in listed(keys) for target in _rows(index, key))


def _rows(index: TargetIndex, key: Any) -> Sequence[Target]:
    matching: List[Target] = []
    if isinstance(key, str) and is_pattern(key):
        matching = [each for each in index.targets if fnmatchcase(each.variable.name, key)]
    place = None if matching else index.place(key)
    return matching or (targets(index.traced, [key]) if place is None else [index.targets[place]])


_READS: MutableMapping[FlatGraph, Mapping[int, Sequence[int]]] = WeakKeyDictionary()


def reads(flat: FlatGraph, handle: int) -> Tuple[int, ...]:
    """What is read of the variable that a resource handle stands for, wherever it is; found once for each graph."""
    if flat not in _READS:
        _READS[flat] = _reads(flat)
    return tuple(_READS[flat].get(handle, ()))


def _reads(flat: FlatGraph) -> Dict[int, List[int]]:
    kinds = {kind for kind, each in enumerate(flat.kind_table) if each.type in READERS}
    values: Dict[int, List[int]] = {}
    for op, kind in enumerate(flat.kinds):
        if kind in kinds:
            values.setdefault(root(flat, flat.inputs[op][0]), []).append(flat.first[op])
    return values


def values(flat: FlatGraph, tensors: Tuple[int, ...]) -> Tuple[int, ...]:
    """The tensors with each resource handle replaced by what is read of it."""
    return tuple(
        value for tensor in tensors for value in (reads(flat, tensor) if flat.dtypes[tensor] == RESOURCE else (tensor,))
    )


def _of_variable(traced: LoadedGraph, key: Any) -> Optional[Tuple[int, ...]]:
    """The handles or references of the variable that a name or an object means."""
    if isinstance(key, str):
        variable = traced.index.by_name(key[:-2] if key.endswith(":0") else key)
    else:
        variable = traced.index.by_object(key)
    if variable is None:
        return None
    return tuple(tensor for text in variable.tensors for tensor in traced.names.tensors(text))


def _is_known(traced: LoadedGraph, name: str) -> bool:
    return name in traced.origin.outputs or _of_variable(traced, name) is not None


def _in_scope(flat: FlatGraph, scope: str) -> Iterator[int]:
    start, inside = scope + "/", SEPARATOR + scope + "/"
    return (op for op, name in enumerate(flat.names) if name.startswith(start) or inside in name)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(SEPARATOR)[2], pattern)


def _places(flat: FlatGraph) -> List[str]:
    found: Dict[str, None] = {}
    for name in flat.names:
        found[name] = None
        found[name.rpartition("/")[0] or name] = None
    return list(found)
