"""Resolve ``variables=``: variables, tensors, names and patterns, and index the results by key."""

from __future__ import annotations

import fnmatch
from typing import Any, Dict, Iterator, KeysView, List, Optional, Sequence, Tuple, ValuesView

from graphcut.errors import GraphcutError, close_names, did_you_mean, near_names, printable
from graphcut.graph.dtypes import FLOAT_NAMES, dtype_name
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.metadata import Variable
from graphcut.graph.targets import Target as Target
from graphcut.graph.targets import join_partitions, unique
from graphcut.graph.variable_updates import training_part
from graphcut.results import LeftOut, VariableAudit
from graphcut.util.text import join_first


def targets(traced: LoadedGraph, keys: Optional[Any]) -> Tuple[Target, ...]:
    """Return the targets of ``variables=``, in the requested order; by default every trainable variable."""
    if keys is None:
        return tuple(join_partitions([_of_variable(traced, each) for each in default_variables(traced)]))
    chosen_targets: List[Target] = []
    for key in _flatten_keys(keys):
        chosen_targets += _targets_of_keys(traced, key)
    return unique(chosen_targets)


def find_targets(traced: LoadedGraph, key: Any) -> Tuple[Variable, ...]:
    """Return the variables of the graph that match a key; empty if none does."""
    try:
        return tuple(each.variable for each in targets(traced, key))
    except GraphcutError:
        return ()


def _flatten_keys(keys: Any) -> Iterator[Any]:
    """Yield the keys in lists and dicts, also nested ones."""
    for key in as_tuple(keys):
        if is_group(key):
            yield from _flatten_keys(key)
        else:
            yield key


def components(key: Any) -> Tuple[Any, ...]:
    """Return the tensors of a composite tensor with respect to which a gradient is taken; return other keys unchanged."""
    if isinstance(key, str):
        return (key,)
    from graphcut.backend.live import variable_objects

    return variable_objects.components(key)


def as_tuple(value: Any) -> Tuple[Any, ...]:
    """Return one value or several as a tuple.

    >>> as_tuple("w"), as_tuple(["w", "b"]), as_tuple({"kernel": "w"}.values())
    (('w',), ('w', 'b'), ('w',))
    """
    value = reusable(value)
    if not is_group(value):
        return (value,)
    return tuple(value.values() if isinstance(value, dict) else value)


def reusable(value: Any) -> Any:
    """Return a key that can be read more than once: the items of an iterator, a sequence or an array of names as a tuple.

    >>> reusable(name for name in ("w", "b")), reusable("w")
    (('w', 'b'), 'w')
    """
    if isinstance(value, (str, bytes, list, tuple)):
        return value
    if isinstance(value, (Iterator, Sequence)):
        return tuple(value)
    of_names = type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") in ("O", "U")
    return value.ravel().tolist() if of_names else value


def is_group(value: Any) -> bool:
    """Return whether a key holds several keys: a list, a tuple, a set, a dict or a view of one."""
    return isinstance(value, (list, tuple, set, frozenset, dict, KeysView, ValuesView))


def default_variables(traced: LoadedGraph) -> Tuple[Variable, ...]:
    """Return every trainable variable; if that is unknown, every float variable except optimizer slots."""
    if traced.origin.knows_variables:
        return tuple(each for each in traced.variables if each.trainable)
    aside = training_part(traced.flat, traced.names).aside
    trainable = tuple(each for each in traced.variables if each.dtype in FLOAT_NAMES and each.trainable is not False)
    return tuple(each for each in trainable if not aside.intersection(_tensors(traced, each))) if aside else trainable


def _tensors(traced: LoadedGraph, variable: Variable) -> Tuple[int, ...]:
    if len(variable.tensors) == 1:
        return traced.names.tensors(variable.tensors[0])
    return tuple([tensor for name in variable.tensors for tensor in traced.names.tensors(name)])


def _of_variable(traced: LoadedGraph, variable: Variable) -> Target:
    return Target(variable, _tensors(traced, variable))


def _targets_of_keys(traced: LoadedGraph, key: Any) -> List[Target]:
    if isinstance(key, str):
        return _targets_of_name(traced, key)
    variable = traced.index.by_object(key)
    if variable is not None:
        return [_of_variable(traced, variable)]
    if _name_of_row(key):
        return _targets_of_name(traced, key.name)
    owned = variables_of_owner(key)
    if owned is not None:
        return _of_owner(traced, key, owned)
    from graphcut.backend.live import variable_objects

    if variable_objects.is_composite(key):
        return [_with_object(each, key) for part in components(key) for each in _targets_of_keys(traced, part)]
    if variable_objects.is_variable(key):
        return join_partitions([_of_object(traced, key, each) for each in variable_objects.parts(key)])
    name = traced.index.tensor_name(key) or getattr(key, "name", None)
    if not isinstance(name, str):
        raise _no_key(key)
    return [_with_object(target, key) for target in _targets_of_name(traced, name)]


def _of_owner(traced: LoadedGraph, key: Any, owned: Sequence[Any]) -> List[Target]:
    """Return the trainable variables of a layer or model; all variables if none is trainable."""
    from graphcut.backend.live import models

    if not owned:
        raise _no_variables(key)
    trained = models.listed_variables(key, "trainable_variables") or owned
    return [target for each in trained for target in _targets_of_keys(traced, each)]


def _no_key(key: Any) -> GraphcutError:
    if hasattr(key, "dtype") and hasattr(key, "shape"):
        return GraphcutError(
            "this value of type %s is not a variable, nor a tensor of this audit\n"
            "Name a variable or a tensor as the audit shows it, or use one of audit.variables." % type(key).__name__
        )
    return GraphcutError(
        "a value of type %s names no variable\nA key is a variable, a layer, a model, a tensor, a name, a pattern or a "
        "list of these." % type(key).__name__
    )


def _no_variables(key: Any) -> GraphcutError:
    """Return the error for a layer, model or module without variables; a ``tf.Module`` does not list those of Keras 3."""
    return GraphcutError("%s has no variables\nBuild it first, or name its layers." % printable(key_name(key)))


def _with_object(target: Target, key: Any) -> Target:
    if any(key is variable for variable in target.variable.objects):
        return target
    return target._replace(variable=target.variable._replace(objects=target.variable.objects + (key,)))


def _of_object(traced: LoadedGraph, key: Any, part: Any) -> Target:
    """Return the target of a live variable, which may not be in the graph."""
    from graphcut.backend.live import trace, variable_objects

    variable = traced.index.by_object(part)
    if variable is not None:
        return _with_object(_of_variable(traced, variable), key)
    name = traced.index.tensor_name(part)
    described = trace.describe_variable(key if part is variable_objects.variable_of(key) else part, (name,) if name else ())
    return _with_object(_of_variable(traced, described), key)


def _targets_of_name(traced: LoadedGraph, name: str) -> List[Target]:
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
        return join_partitions([_of_variable(traced, each) for each in matching])
    return _of_pattern(traced, name)


_NEAR = 3


def is_pattern(name: str) -> bool:
    """Return whether a name holds a wildcard of ``fnmatch``."""
    return any(mark in name for mark in "*?[")


def _is_part(variable: Variable, name: str) -> bool:
    return variable.whole is not None and variable.whole.name == name


def _of_pattern(traced: LoadedGraph, pattern: str) -> List[Target]:
    names = [name for name in traced.names.candidates() if fnmatch.fnmatchcase(name, pattern)] if is_pattern(pattern) else []
    targets_of_names = [_of_tensor(traced, name, traced.names.tensors(name)) for name in names if traced.names.tensors(name)]
    if targets_of_names:
        return targets_of_names
    variables = [each.name for each in traced.variables]
    inside = Scopes(variables).inside(pattern) or only_ending(suffixes(variables), pattern)
    if inside:
        return join_partitions([_of_variable(traced, traced.variables[place]) for place in inside])
    raise GraphcutError(
        "no variable %s in this graph%s" % (printable(pattern), near_places(pattern, traced) or _examples(variables))
    )


def _examples(names: List[str]) -> str:
    if not names:
        return "\nThe graph has no variables."
    listed = ", ".join(printable(each) for each in names[:5]) + (", …" if len(names) > 5 else "")
    return "\nThe %s %s." % ("only variable is" if len(names) == 1 else "variables are", listed)


def _of_tensor(traced: LoadedGraph, name: str, tensors: Tuple[int, ...]) -> Target:
    flat, tensor = traced.flat, tensors[0]
    op = flat.producer[tensor]
    shape = traced.shapes(op)[tensor - flat.first_output[op]]
    full = name if name.rpartition(":")[2].isdigit() else name + ":0" if len(tensors) == 1 else name
    return Target(Variable(name, (full,), None, dtype_name(flat.dtypes[tensor]), shape), tensors)


class TargetIndex:
    """Index of an audit's targets by key; the dictionaries are built at the first look-up.

    Live objects are compared by identity: ``targets`` keep them alive, so an ``id`` is not used again.
    """

    def __init__(self, traced: LoadedGraph, all_targets: Sequence[Target]) -> None:
        self.traced, self.targets = traced, tuple(all_targets)
        self._names: Optional[Dict[str, int]] = None
        self._objects: Dict[int, int] = {}
        self._tensors: Dict[int, int] = {}
        self._scopes: Optional[Scopes] = None
        self._suffixes: Optional[Dict[str, List[int]]] = None

    def by_name(self, name: str) -> Optional[int]:
        """Return the place of the target with exactly that name."""
        return self._places().get(name)

    def place(self, key: Any) -> Optional[int]:
        """Return the place of the only target of a variable, a tensor or a name; else ``None``."""
        names = self._places()
        if not isinstance(key, str) and id(key) in self._objects:
            return self._objects[id(key)]
        name = key if isinstance(key, str) else _name_of_row(key) or _tensor_name(self.traced, key)
        if not name:
            return None
        bare = name[:-2] if name.endswith(":0") else name
        named = [names[each] for each in (name, bare) if each in names]
        if named:
            return min(named)
        tensors = self.traced.names.tensors(name)
        return min((self._tensors[each] for each in tensors if each in self._tensors), default=None)

    def places(self, key: Any) -> Tuple[int, ...]:
        """Return the places of all targets that match a key.

        A key is a variable, a tensor, a name, a pattern, a layer or model, a name scope, or a list of these. The end of a name
        at a ``/`` stands for it if no other variable of the graph has that end.
        """
        if is_group(key):
            return tuple(dict.fromkeys(place for each in as_tuple(key) for place in self.places(each)))
        owned = None if isinstance(key, str) else variables_of_owner(key)
        if owned is not None:
            places_of_owned = (self.place(each) for each in owned)
            return tuple(dict.fromkeys(place for place in places_of_owned if place is not None))
        if isinstance(key, str) and is_pattern(key):
            matching = [at for at, each in enumerate(self.targets) if fnmatch.fnmatchcase(each.variable.name, key)]
            if matching:
                return tuple(matching)
        place = self.place(key)
        if place is not None:
            return (place,)
        return self._in_scope(key) or self._ending(key) if isinstance(key, str) else ()

    def require(self, key: Any) -> Tuple[int, ...]:
        """Return the places of a key. Without any, raise an error that suggests similar names."""
        if is_group(key) and as_tuple(key):
            return tuple(dict.fromkeys(place for each in as_tuple(key) for place in self.require(each)))
        places = self.places(key)
        if not places:
            raise self._missing_error(key)
        return places

    def position(self, key: Any) -> int:
        """Return the place of the only target of a key; raise an error if there is none, or several."""
        places = self.require(key)
        if len(places) > 1:
            names = [printable(self.targets[place].variable.name) for place in places]
            raise GraphcutError(
                "%s means %d variables: %s\naudit[key] wants one; audit.explain(key) and audit.reaches(key) take several."
                % (printable(key_name(key)), len(names), join_first(names, 4))
            )
        return places[0]

    def _missing_error(self, key: Any) -> GraphcutError:
        if is_group(key):
            return GraphcutError("an empty list means no variable") if not key else self._missing_error(as_tuple(key)[0])
        name = key_name(key)
        other = self.traced.index.by_object(key) or self.traced.index.by_name(name) or self._other_ending(name)
        owned = None if isinstance(key, str) else variables_of_owner(key)
        if other is not None:
            return GraphcutError(
                "variable %s was not audited (by default the trainable ones are)\n"
                "Ask for it with variables=, all of them with variables='*'." % printable(other.name)
            )
        if owned is not None and not owned:
            return _no_variables(key)
        if owned is not None:
            message = "none of the variables of %s was audited (it has %d)\nAsk for them with variables=."
            return GraphcutError(message % (printable(name), len(owned)))
        if not isinstance(key, str) and not isinstance(getattr(key, "name", None), str):
            return _no_key(key)
        if self.traced.names.tensors(name):
            return GraphcutError(
                "%s is a tensor of the graph that was not audited\nAsk for it with variables=." % printable(name)
            )
        names = [each.variable.name for each in self.targets]
        near = did_you_mean(_close_variables(name, [*names, *Scopes(names).names()], names)) or _examples(names)
        return GraphcutError("%s is not among the audited variables%s" % (printable(name), near))

    def _ending(self, name: str) -> Tuple[int, ...]:
        """Return the place of the only target whose name has that end; ``None`` if it names something else."""
        if self.traced.names.tensors(name) or self.traced.index.by_name(name) is not None:
            return ()
        if self._suffixes is None:
            targets = [each.variable.name for each in self.targets]
            own = frozenset(targets)
            self._suffixes = suffixes([*targets, *(each.name for each in self.traced.variables if each.name not in own)])
        return tuple(place for place in only_ending(self._suffixes, name) if place < len(self.targets))

    def _other_ending(self, name: str) -> Optional[Variable]:
        """Return the only variable of the graph whose name has that end."""
        names = [each.name for each in self.traced.variables]
        return next((self.traced.variables[place] for place in only_ending(suffixes(names), name)), None)

    def _in_scope(self, name: str) -> Tuple[int, ...]:
        if self._scopes is None:
            self._scopes = Scopes([each.variable.name for each in self.targets])
        return self._scopes.inside(name)

    def _places(self) -> Dict[str, int]:
        """Return the place of each target by name; build the indices by object and by tensor, too."""
        if self._names is None:
            self._names = {}
            for place, target in enumerate(self.targets):
                self._names.setdefault(target.variable.name, place)
                for each in target.variable.objects:
                    self._objects.setdefault(id(each), place)
                for tensor in target.tensors:
                    self._tensors.setdefault(tensor, place)
        return self._names


class Scopes:
    """Index of names by a name scope around them: ``encoder``, or ``dense`` for ``model/dense/kernel``."""

    def __init__(self, names: Sequence[str]) -> None:
        self._outer: Dict[str, List[int]] = {}
        self._inner: Dict[str, List[int]] = {}
        for place, name in enumerate(names):
            parts = name.split("/")[:-1]
            for start in range(len(parts)):
                names_below = self._inner if start else self._outer
                for end in range(start + 1, len(parts) + 1):
                    names_below.setdefault("/".join(parts[start:end]), []).append(place)

    def inside(self, scope: str) -> Tuple[int, ...]:
        """Return the places of the names in a scope; an outermost scope takes precedence."""
        name = scope.rstrip("/")
        return tuple(dict.fromkeys(self._outer.get(name) or self._inner.get(name) or []))

    def names(self) -> List[str]:
        """Return the scopes, each by its shortest name, too."""
        return list(dict.fromkeys([*self._outer, *self._inner]))


def suffixes(names: Sequence[str]) -> Dict[str, List[int]]:
    """Return the places of names by each of their ends that follow a ``/``.

    >>> suffixes(["gate/encoder/kernel", "decoder/kernel"])["kernel"]
    [0, 1]
    """
    result: Dict[str, List[int]] = {}
    for place, name in enumerate(names):
        _, *rest = name.split("/")
        for start in range(len(rest)):
            result.setdefault("/".join(rest[start:]), []).append(place)
    return result


def only_ending(places: Dict[str, List[int]], name: str) -> Tuple[int, ...]:
    """Return the place of the only name with that end, with or without ``:0``; ``None`` if there are several."""
    result = places.get(name[:-2] if name.endswith(":0") else name, ())
    return tuple(result) if len(result) == 1 else ()


def near_places(name: str, traced: LoadedGraph) -> str:
    """Return near names for an unknown name: outputs first, then variables, layers and scopes, then ops."""
    variables = [each.name for each in traced.variables]
    near = _close_variables(name, list(_named_places(traced, variables)), variables)
    return did_you_mean(near) or near_names(name, traced.names.candidates())


def nearest_places(name: str, traced: LoadedGraph) -> str:
    """Return the nearest names for an unknown name, among ops and variables."""
    variables = [each.name for each in traced.variables]
    return near_names(name, dict.fromkeys([*_named_places(traced, variables), *traced.names.candidates()]))


def _close_variables(name: str, places: Sequence[str], variables: Sequence[str]) -> List[str]:
    """Return near names among places; a variable is also known by the last part of its name."""
    ends: Dict[str, List[str]] = {}
    for each in variables:
        ends.setdefault(each.rpartition("/")[2], []).append(each)
    near = close_names(name, [*places, *ends])
    whole = (each if each not in ends else full for each in near for full in ends.get(each, [each]))
    return list(dict.fromkeys(each for each in whole if each != name))[:_NEAR]


def _named_places(traced: LoadedGraph, variables: Sequence[str]) -> Dict[str, None]:
    return dict.fromkeys([*traced.origin.outputs, *variables, *Scopes(variables).names()])


def variables_of_owner(key: Any) -> Optional[Tuple[Any, ...]]:
    """Return the variables of a layer, a model or a module; ``None`` for anything else."""
    if not hasattr(key, "trainable_variables") and not hasattr(key, "trainable_weights"):
        return None
    from graphcut.backend.live import models, variable_objects

    if variable_objects.is_variable(key):
        return None
    return tuple(models.listed_variables(key, "variables") or models.listed_variables(key, "weights"))


def _name_of_row(key: Any) -> str:
    """Return the name of an audit's row that is used as a key."""
    return key.name if isinstance(key, (VariableAudit, LeftOut)) else ""


def key_name(key: Any) -> str:
    if is_group(key):
        return ", ".join(map(key_name, as_tuple(key)[:3]))
    return key if isinstance(key, str) else str(getattr(key, "name", type(key).__name__))


def _tensor_name(traced: LoadedGraph, key: Any) -> str:
    """Return the name of the graph tensor that a live object is or stands for."""
    from graphcut.backend.live import variable_objects

    inner = variable_objects.variable_of(key)
    name = traced.index.tensor_name(inner)
    variable = None if name else traced.index.by_object(inner)
    if variable is not None and variable.tensors:
        return variable.tensors[0]
    return name or ("" if variable_objects.is_variable(key) else str(getattr(key, "name", "")))
