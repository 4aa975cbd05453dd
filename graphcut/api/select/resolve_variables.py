"""What the user asks about: variables, tensors, names and patterns, each with the keys under which it is found again."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence, Tuple

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.flat import dtype_name
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.metadata import Variable
from graphcut.graph.targets import Target as Target
from graphcut.graph.targets import joined, unique
from graphcut.graph.variable_updates import training

_FLOATS = frozenset(("float16", "bfloat16", "float32", "float64", "complex64", "complex128"))


def targets(traced: LoadedGraph, asked: Optional[Any]) -> Tuple[Target, ...]:
    """The targets that ``variables=`` means, in the order asked; by default every trainable variable."""
    if asked is None:
        return tuple(joined([_of_variable(traced, each) for each in default_variables(traced)]))
    found: List[Target] = []
    for key in listed(asked):
        found += _asked(traced, key)
    return unique(found)


def components(key: Any) -> Tuple[Any, ...]:
    """What a key stands for: the tensors of a composite tensor that a gradient is taken of, else the key itself."""
    if isinstance(key, str):
        return (key,)
    from graphcut.backend.live import variable_objects

    return variable_objects.components(key)


def listed(value: Any) -> Tuple[Any, ...]:
    """One thing or several as a tuple."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(value)
    return tuple(value.values()) if isinstance(value, dict) else (value,)


def default_variables(traced: LoadedGraph) -> Tuple[Variable, ...]:
    """Every trainable variable; where nobody knows, every float variable but optimizer slots."""
    if traced.origin.knows_variables:
        return tuple(each for each in traced.variables if each.trainable)
    aside = training(traced.flat, traced.names).aside
    kept = (each for each in traced.variables if each.dtype in _FLOATS and each.trainable is not False)
    return tuple(each for each in kept if not aside.intersection(_tensors(traced, each)))


def _tensors(traced: LoadedGraph, variable: Variable) -> Tuple[int, ...]:
    return tuple(tensor for name in variable.tensors for tensor in traced.names.tensors(name))


def _of_variable(traced: LoadedGraph, variable: Variable) -> Target:
    return Target(variable, _tensors(traced, variable))


def _asked(traced: LoadedGraph, key: Any) -> List[Target]:
    if isinstance(key, str):
        return _named(traced, key)
    variable = traced.index.by_object(key)
    if variable is not None:
        return [_of_variable(traced, variable)]
    from graphcut.backend.live import variable_objects

    if variable_objects.is_composite(key):
        return [_with_object(each, key) for part in components(key) for each in _asked(traced, part)]
    if variable_objects.is_variable(key):
        return joined([_of_object(traced, key, each) for each in variable_objects.parts(key)])
    name = traced.index.tensor_name(key) or getattr(key, "name", None)
    if not isinstance(name, str):
        raise GraphcutError(
            "variables= was given a value of type %s\nIt takes variables, tensors, names and patterns." % type(key).__name__
        )
    return [_with_object(target, key) for target in _named(traced, name)]


def _with_object(target: Target, key: Any) -> Target:
    if any(key is known for known in target.variable.objects):
        return target
    return replace(target, variable=replace(target.variable, objects=target.variable.objects + (key,)))


def _of_object(traced: LoadedGraph, key: Any, part: Any) -> Target:
    """The target of a live variable, which the graph may not hold at all."""
    from graphcut.backend.live import trace, variable_objects

    variable = traced.index.by_object(part)
    if variable is not None:
        return _with_object(_of_variable(traced, variable), key)
    name = traced.index.tensor_name(part)
    described = trace.described(key if part is variable_objects.variable_of(key) else part, (name,) if name else ())
    return _with_object(_of_variable(traced, described), key)


def _named(traced: LoadedGraph, name: str) -> List[Target]:
    bare = name[:-2] if name.endswith(":0") else name
    exact = traced.index.by_key(bare, name)
    if exact is not None:
        return [_of_variable(traced, exact)]
    tensors = traced.names.tensors(name)
    if tensors:
        return [_of_tensor(traced, name, tensors)]
    matching = [
        each
        for each in (traced.variables if is_pattern(name) else traced.index.parts(bare))
        if fnmatch.fnmatchcase(each.name, name) or _is_part(each, bare)
    ]
    if matching:
        return joined([_of_variable(traced, each) for each in matching])
    return _of_pattern(traced, name)


def is_pattern(name: str) -> bool:
    """Whether a name holds a wildcard of ``fnmatch``."""
    return any(mark in name for mark in "*?[")


def _is_part(variable: Variable, name: str) -> bool:
    return variable.whole is not None and variable.whole.name == name


def _of_pattern(traced: LoadedGraph, pattern: str) -> List[Target]:
    names = [name for name in traced.names.candidates() if fnmatch.fnmatchcase(name, pattern)] if is_pattern(pattern) else []
    found = [_of_tensor(traced, name, traced.names.tensors(name)) for name in names if traced.names.tensors(name)]
    if found:
        return found
    known = [each.name for each in traced.variables]
    raise GraphcutError(
        "no variable %s in this graph%s" % (printable(pattern), near_names(pattern, known) or _examples(known))
    )


def _examples(known: List[str]) -> str:
    return "\nThere is %s." % ", ".join(printable(each) for each in known[:5]) if known else "\nThe graph has no variables."


def _of_tensor(traced: LoadedGraph, name: str, tensors: Tuple[int, ...]) -> Target:
    flat, tensor = traced.flat, tensors[0]
    op = flat.producer[tensor]
    shape = traced.shapes(op)[tensor - flat.first[op]]
    full = name if name.rpartition(":")[2].isdigit() else name + ":0" if len(tensors) == 1 else name
    return Target(Variable(name, (full,), None, dtype_name(flat.dtypes[tensor]), shape), tensors)


class TargetIndex:
    """Finds the targets of one audit by key, each in one look-up; the dictionaries are made when the first key comes.

    Live objects are compared by identity: ``targets`` keep them alive, so an ``id`` is not used again.
    """

    def __init__(self, traced: LoadedGraph, known: Sequence[Target]) -> None:
        self.traced, self.targets = traced, tuple(known)
        self._names: Optional[Dict[str, int]] = None
        self._objects: Dict[int, int] = {}
        self._tensors: Dict[int, int] = {}

    def by_name(self, name: str) -> Optional[int]:
        """The place of the target of exactly that name."""
        return self._places().get(name)

    def place(self, key: Any) -> Optional[int]:
        """The place of the target that a key means, or ``None``."""
        names = self._places()
        if not isinstance(key, str) and id(key) in self._objects:
            return self._objects[id(key)]
        name = key if isinstance(key, str) else _tensor_name(self.traced, key)
        if not name:
            return None
        bare = name[:-2] if name.endswith(":0") else name
        named = [names[each] for each in (name, bare) if each in names]
        if named:
            return min(named)
        tensors = self.traced.names.tensors(name)
        return min((self._tensors[each] for each in tensors if each in self._tensors), default=None)

    def position(self, key: Any) -> int:
        """The same, or an error with near names."""
        place = self.place(key)
        if place is not None:
            return place
        names = [each.variable.name for each in self.targets]
        name = key if isinstance(key, str) else str(getattr(key, "name", type(key).__name__))
        other = self.traced.index.by_object(key) or self.traced.index.by_name(name)
        if other is not None:
            raise GraphcutError(
                "variable %s is not among the %d that were audited (by default those that are trainable)\n"
                "Ask for it with variables=, all of them with variables='*'." % (printable(other.name), len(names))
            )
        raise GraphcutError(
            "%s is not among the %d variables audited%s" % (printable(name), len(names), near_names(name, names))
        )

    def _places(self) -> Dict[str, int]:
        """The place of each target by name; those by object and by tensor are made along with it."""
        if self._names is None:
            self._names = {}
            for place, target in enumerate(self.targets):
                self._names.setdefault(target.variable.name, place)
                for each in target.variable.objects:
                    self._objects.setdefault(id(each), place)
                for tensor in target.tensors:
                    self._tensors.setdefault(tensor, place)
        return self._names


def _tensor_name(traced: LoadedGraph, key: Any) -> str:
    """The name of the graph tensor that a live object is or stands for."""
    from graphcut.backend.live import variable_objects

    inner = variable_objects.variable_of(key)
    name = traced.index.tensor_name(inner)
    variable = None if name else traced.index.by_object(inner)
    if variable is not None and variable.tensors:
        return variable.tensors[0]
    return name or ("" if variable_objects.is_variable(key) else str(getattr(key, "name", "")))
