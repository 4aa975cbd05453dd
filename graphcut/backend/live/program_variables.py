"""Find the variables of the program around a function: in its closure, its module, and the objects there.

A graph holds only the variables that its function reads. The program may have others, such as those of a network that another
loss trains.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from typing import Any, Deque, Dict, Iterable, Iterator, List, Set, Tuple

from graphcut.backend.live.function_identity import content
from graphcut.backend.live.models import listed_variables
from graphcut.backend.live.trace import describe_variable
from graphcut.backend.live.variable_objects import is_variable, variable_of
from graphcut.graph.metadata import Variable
from graphcut.graph.stack_frames import is_library

_DEEP, _MANY = 6, 20_000
_NAMED = 3  # attributes and items in a name
_LIBRARIES = frozenset(["keras", "numpy", "tensorflow", "tf_keras"])


def program_variables(source: Any) -> Iterator[Variable]:
    """Yield the variables that a function, a model or any other source leads to by names and attributes."""
    yield from (describe_variable(each, ()) for each in _values(source) if is_variable(each))


def variables_of_network(source: Any, name: str) -> List[str]:
    """Return the names of the variables of the first model, layer or module of a name, or that an attribute has."""
    for value in _values(source):
        held = vars(value).get(name) if hasattr(value, "__dict__") and not isinstance(value, type) else None
        for each in (value, held):
            is_network = hasattr(type(each), "trainable_variables") and not is_variable(each)
            if is_network and (each is held or getattr(each, "name", None) == name):
                return [describe_variable(own, ()).name for own in listed_variables(each, "variables")]
    return []


def code_names(source: Any) -> Dict[int, str]:
    """Return the expressions by which a function leads to variables, such as ``self.layers[0]``, by the ``id`` of each."""
    function = getattr(source, "python_function", source)
    owner, function = getattr(function, "__self__", None), getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    known = getattr(function, "__globals__", {})
    names = {name: known[name] for name in getattr(code, "co_names", ()) if name in known}
    cells = zip(getattr(code, "co_freevars", ()), map(content, getattr(function, "__closure__", None) or ()))
    waiting = deque([*cells, *names.items(), *([("self", owner)] if owner is not None else [])])
    result: Dict[int, str] = {}
    seen: Set[int] = set()
    while waiting and len(seen) < _MANY:
        name, value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if is_variable(value):
            result.setdefault(id(variable_of(value)), name)
        elif name.count(".") + name.count("[") < _NAMED:
            waiting += _named_inside(name, value)
    return result


def _named_inside(name: str, value: Any) -> List[Tuple[str, Any]]:
    """Return the items of a list or dict, or the attributes of a user's object, with the expressions for them."""
    if isinstance(value, (list, tuple)):
        return [("%s[%d]" % (name, at), each) for at, each in enumerate(value)]
    if isinstance(value, dict):
        return [("%s[%r]" % (name, key), each) for key, each in value.items() if isinstance(key, (str, int))]
    if isinstance(value, (type, types.ModuleType)) or type(value).__module__.partition(".")[0] in _LIBRARIES:
        return []
    return [("%s.%s" % (name, key), each) for key, each in getattr(value, "__dict__", {}).items() if not key.startswith("_")]


def _values(source: Any) -> Iterator[Any]:
    """Yield the values that a source leads to by names and attributes, itself first."""
    waiting: Deque[Tuple[Any, int]] = deque([(source, 0)])
    seen: Dict[int, Any] = {}
    while waiting and len(seen) < _MANY:
        value, depth = waiting.popleft()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        yield value
        if depth < _DEEP and not is_variable(value):
            waiting += [(each, depth + 1) for each in _inside(value)]


def _inside(value: Any) -> Iterable[Any]:
    """Return the values in a module, a function, a container or a user's object; for a layer, its variables."""
    if isinstance(value, type):
        return ()
    if isinstance(value, types.ModuleType):
        return list(vars(value).values()) if _is_of_user(value) else ()
    if hasattr(type(value), "trainable_variables"):
        own = listed_variables(value, "variables")
        return [*own, *vars(value).values()] if type(value).__module__.partition(".")[0] not in _LIBRARIES else own
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if isinstance(value, functools.partial):
        return (value.func, value.args, value.keywords)
    return _inside_object(value)


def _is_of_user(module: types.ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and "site-packages" not in file and not is_library(file)


def _inside_object(value: Any) -> Iterable[Any]:
    """Return what a function refers to, or the attributes of an object."""
    function = getattr(value, "python_function", value)
    owner = getattr(function, "__self__", None)
    function = getattr(function, "__func__", function)
    if hasattr(function, "__code__"):
        code, module_names = function.__code__, getattr(function, "__globals__", {})
        cells = map(content, function.__closure__ or ())
        return [owner, *cells, *(list(module_names.values()) if not is_library(code.co_filename) else ())]
    if type(value).__module__.partition(".")[0] in _LIBRARIES:
        return ()
    return list(getattr(value, "__dict__", {}).values())
