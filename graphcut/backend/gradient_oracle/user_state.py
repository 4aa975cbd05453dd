"""Record everything that a user's function can change before graphcut calls it, and restore it afterwards.

A gradient function may store what it computed in a dictionary, an attribute, a ``global`` or an ``lru_cache``. After a call in
a scratch graph, it would hold tensors of that graph, and fail when the user's program calls it.
"""

from __future__ import annotations

import collections
import functools
import gc
import random
import types
from contextlib import contextmanager
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.eager.def_function import Function
from tensorflow.python.framework import ops

from graphcut.backend.live.function_identity import content, is_tensorflow_code
from graphcut.backend.live.variable_objects import is_symbolic

_MANY = 2000
_ELEMENTS = 100000
_MISSING = object()
_CACHE = type(functools.lru_cache(maxsize=None)(lambda: None))
_LIBRARIES = frozenset(
    ("tensorflow", "tensorflow_core", "keras", "tf_keras", "numpy", "threading", "_thread", "logging", "networkx", "graphcut")
)
Restore = Callable[[], None]


@contextmanager
def same_state(function: Any) -> Iterator[None]:
    """Restore everything that a function can reach, and the random numbers of Python and NumPy, on exit."""
    states = random.getstate(), np.random.get_state()
    undo = list(_restores(function))
    try:
        yield
    finally:
        for restore in undo:
            restore()
        random.setstate(states[0])
        np.random.set_state(states[1])


@contextmanager
def forget_traced_tensors(functions: Sequence[Any]) -> Iterator[None]:
    """On exit, restore each name, element and attribute that holds a tensor of a graph that was built in the block.

    Everything else that the functions changed stays, such as what they count.
    """
    reachable = _reachable_objects(*functions)
    graph_ids = frozenset(id(each.graph) for each in reachable if _is_traced_tensor(each)) | {id(ops.get_default_graph())}
    undo = [forget for each in reachable for forget in _forgets_of(each, graph_ids)]
    try:
        yield
    finally:
        for forget in undo:
            forget()


def _is_traced_tensor(value: Any) -> bool:
    return isinstance(value, tf.Tensor) and is_symbolic(value)


def _remembers(value: Any, graph_ids: FrozenSet[int]) -> bool:
    """Return whether a value is, or holds, a tensor of a graph that is not among those known before."""
    if value is None or isinstance(value, (str, bytes, int, float, complex)):
        return False
    return any(_is_traced_tensor(each) and id(each.graph) not in graph_ids for each in _reachable_objects(value))


def _forgets_of(value: Any, graph_ids: FrozenSet[int]) -> Iterator[Restore]:
    if _is(value, dict):
        yield functools.partial(_forget_names, value, dict(value), graph_ids)
    elif _is(value, list, collections.deque):
        yield functools.partial(_forget_elements, value, list(value), graph_ids)
    elif isinstance(value, types.FunctionType):
        for cell in value.__closure__ or ():
            yield functools.partial(_forget_cell, cell, _cell(cell), graph_ids)
        for table, names in _bindings(value):
            old = {name: table[name] for name in names if name in table}
            yield functools.partial(_forget_names, table, old, graph_ids, frozenset(names))
    elif isinstance(value, _CACHE):
        yield functools.partial(_forget_answers, value, value.cache_info(), graph_ids)
    elif isinstance(value, type) and not _is_of_library(value):
        yield functools.partial(_forget_attributes, value, dict(vars(value)), graph_ids)


def _forget_names(
    table: Dict[Any, Any], old: Dict[Any, Any], graph_ids: FrozenSet[int], names: Optional[FrozenSet[str]] = None
) -> None:
    for name in _remembering_names(table, old, graph_ids, names):
        if name in old:
            dict.__setitem__(table, name, old[name])
        else:
            dict.__delitem__(table, name)


def _forget_elements(value: Any, old: List[Any], graph_ids: FrozenSet[int]) -> None:
    before = {id(each) for each in old}
    if any(id(each) not in before and _remembers(each, graph_ids) for each in value):
        _put_back_list(value, old)


def _forget_cell(cell: Any, old: Any, graph_ids: FrozenSet[int]) -> None:
    if _cell(cell) is not old and _remembers(_cell(cell), graph_ids):
        _put_back_cell(cell, old)


def _forget_attributes(value: Any, old: Dict[str, Any], graph_ids: FrozenSet[int]) -> None:
    for name in _remembering_names(vars(value), old, graph_ids):
        if name in old:
            setattr(value, name, old[name])
        else:
            delattr(value, name)


def _remembering_names(
    table: Mapping[Any, Any], old: Mapping[Any, Any], graph_ids: FrozenSet[int], names: Optional[FrozenSet[str]] = None
) -> List[Any]:
    """Return the names in a table, or those of ``names``, whose value is new and holds such a tensor."""
    among = list(table) if names is None else names.intersection(table)
    return [name for name in among if table[name] is not old.get(name, _MISSING) and _remembers(table[name], graph_ids)]


def _forget_answers(cache: Any, before: Any, graph_ids: FrozenSet[int]) -> None:
    """Empty a cache that remembers such a tensor."""
    if cache.cache_info().misses != before.misses and _remembers(gc.get_referents(cache), graph_ids):
        cache.cache_clear()


def names_read(function: Any) -> Set[str]:
    """Return the names of globals and attributes in the user's code that a function can reach.

    Names that ``hasattr`` and the like receive as strings are among them.
    """
    codes = [code for each in _reachable_objects(function) for code in _codes(each)]
    return {name for code in codes for name in (*code.co_names, *code.co_consts) if isinstance(name, str)}


def _codes(value: Any) -> Iterator[Any]:
    """Yield the code of a user's function, and that of nested functions."""
    waiting = [value.__code__] if isinstance(value, types.FunctionType) and not is_tensorflow_code(value) else []
    for code in waiting:
        yield code
        waiting.extend(each for each in code.co_consts if isinstance(each, types.CodeType))


def _restores(function: Any) -> Iterator[Restore]:
    for value in _reachable_objects(function):
        yield from _restores_of(value)


def _reachable_objects(*functions: Any) -> List[Any]:
    """Return the objects that functions can reach, nearest first, themselves included."""
    objects, seen = list(functions), set(map(id, functions))
    for value in objects:
        if len(objects) > _MANY:
            break
        for each in _parts(value):
            if id(each) not in seen and not isinstance(each, (str, bytes, int, float, complex, type(None))):
                seen.add(id(each))
                objects.append(each)
    return objects


def _parts(value: Any) -> List[Any]:
    """Return the objects that an object refers to and that the user's code may change."""
    if isinstance(value, types.FunctionType):
        bound = [content(cell) for cell in value.__closure__ or ()]
        bound += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(), vars(value)]
        return bound + [table[name] for table, names in _bindings(value) for name in names if name in table]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if _is(value, dict):
        return [*value.keys(), *value.values()]
    if _is(value, list, tuple, set, frozenset, collections.deque):
        return list(value)
    if isinstance(value, _CACHE):
        return [value.__wrapped__]
    if isinstance(value, property):
        return [each for each in (value.fget, value.fset) if each is not None]
    if isinstance(value, (staticmethod, classmethod)):
        return [value.__func__]
    return _attributes(value)


def _is(value: Any, *kinds: type) -> bool:
    """Return whether a value is of one of some types, and not a library's substitute."""
    return issubclass(type(value), kinds) and str(type(value).__module__).partition(".")[0] not in _LIBRARIES


def _attributes(value: Any) -> List[Any]:
    """Return the attributes of an object of a user's class and of the class, whose ``__call__`` may be the function."""
    if isinstance(value, Function):
        return [value.python_function]
    if isinstance(value, types.ModuleType) or _is_of_library(value if isinstance(value, type) else type(value)):
        wrapped = (_namespace(value) or {}).get("__wrapped__")  # as ``tf.custom_gradient`` keeps its function
        return [] if wrapped is None else [wrapped]
    if isinstance(value, type):
        return list(vars(value).values())
    return [_namespace(value), type(value)]


def _namespace(value: Any) -> Any:
    """Return the attributes of an object; ``None`` if it has none, or if a proxy of wrapt 1.15 on does not show them."""
    try:
        return getattr(value, "__dict__", None)
    except TypeError:
        return None


def _is_of_library(kind: Any) -> bool:
    module = str(getattr(kind, "__module__", "")).partition(".")[0]
    return module in _LIBRARIES or module == "builtins"


def _bindings(function: Any) -> Iterator[Tuple[Dict[str, Any], List[str]]]:
    """Yield the tables of names that a user's function reads or binds, each with these names.

    The tables are its globals, and those of modules in them.
    """
    names = [name for code in _codes(function) for name in code.co_names]
    if not names:
        return
    own = function.__globals__
    yield own, names
    for module in [own[name] for name in names if isinstance(own.get(name), types.ModuleType)]:
        if module.__name__.partition(".")[0] not in _LIBRARIES:
            yield vars(module), names


def _restores_of(value: Any) -> Iterator[Restore]:
    if _is(value, dict):
        yield functools.partial(_put_back_dict, value, dict(value))
    elif _is(value, list, collections.deque):
        yield functools.partial(_put_back_list, value, list(value))
    elif _is(value, set):
        yield functools.partial(_put_back_set, value, set(value))
    elif isinstance(value, np.ndarray) and value.size <= _ELEMENTS and value.flags.writeable:
        yield functools.partial(_put_back_array, value, value.copy())
    elif isinstance(value, types.FunctionType):
        for cell in value.__closure__ or ():
            yield functools.partial(_put_back_cell, cell, _cell(cell))
        for table, names in _bindings(value):
            yield functools.partial(_put_back_names, table, {name: table.get(name, _MISSING) for name in names})
    elif isinstance(value, _CACHE):
        yield functools.partial(_clear, value, value.cache_info())
    elif isinstance(value, type) and not _is_of_library(value):
        yield functools.partial(_put_back_class, value, dict(vars(value)))


def _put_back_dict(value: Dict[Any, Any], old: Dict[Any, Any]) -> None:
    if len(value) != len(old) or any(value.get(key, _MISSING) is not each for key, each in old.items()):
        dict.clear(value)
        dict.update(value, old)


def _put_back_list(value: Any, old: List[Any]) -> None:
    if len(value) != len(old) or any(one is not other for one, other in zip(value, old)):
        value.clear()
        value.extend(old)


def _put_back_set(value: Set[Any], old: Set[Any]) -> None:
    if value != old:
        value.clear()
        value.update(old)


def _put_back_array(value: Any, old: Any) -> None:
    if value.tobytes() != old.tobytes():
        np.copyto(value, old)


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _put_back_cell(cell: Any, old: Any) -> None:
    if _cell(cell) is old:
        return
    if old is _MISSING:
        del cell.cell_contents
    else:
        cell.cell_contents = old


def _put_back_names(table: Dict[str, Any], old: Dict[str, Any]) -> None:
    for name, each in old.items():
        if each is _MISSING:
            table.pop(name, None)
        elif table.get(name, _MISSING) is not each:
            table[name] = each


def _put_back_class(value: Any, old: Dict[str, Any]) -> None:
    for name in [name for name in vars(value) if name not in old]:
        delattr(value, name)
    for name, each in old.items():
        if vars(value).get(name, _MISSING) is not each:
            setattr(value, name, each)


def _clear(value: Any, before: Any) -> None:
    """Empty a cache that the call filled, because its values may belong to the scratch graph."""
    if value.cache_info().misses != before.misses:
        value.cache_clear()
