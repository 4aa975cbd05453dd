"""Restore what tracing a step changes in the user's objects and in the process.

Tracing runs the user's Python code and Keras': optimizers, metrics and losses are built with the variables of that moment,
layers keep tensors of the traced graph, initializers draw random numbers. ``Snapshot`` holds the fields of every Keras object
that a step refers to and the content of its lists, dicts and sets; ``restore`` puts them back.

A layer that had no variables before keeps the new ones, as after a call by the user; only its losses are restored. Counters in
public attributes of the user's own classes (``self.calls += 1``) are not restored. Tensors of the traced graph
that the user's code remembers, in a closure, a dictionary or a cache, are removed: the next step would fail at them.
"""

from __future__ import annotations

import random
import sys
import threading
import types
from contextlib import contextmanager
from itertools import islice
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops
from tensorflow.python.ops import variables

from graphcut.backend.gradient_oracle.user_state import forget_traced_tensors
from graphcut.backend.live.models import referenced_values
from graphcut.backend.live.variable_objects import is_symbolic

_LIBRARIES = ("keras", "tf_keras", "tensorflow")
_PLAIN = (int, float, complex, str, bytes, type(None))
_LOSSES = ("_losses", "_loss_ids", "_callable_losses", "_eager_losses", "_updates")
_OPAQUE = (tf.Tensor, tf.Variable, tf.Graph, tf.Operation, tf.DType, tf.TensorShape, type)
_CONTAINERS = (list, dict, set)
_NOTICES = (
    "_last_wrapped_list_snapshot",
    "_non_append_mutation_value",
    "_external_modification_value",
    "_self_last_wrapped_dict_snapshot",
    "_self_external_modification",
    "_self_non_append_mutation",
    "_self_non_string_key",
)  # what TensorFlow's wrappers of lists and dicts note of changes; a wrapper that noted one can no longer be saved
_DEPTH, _MANY = 4, 1000


class Snapshot:
    """The fields of the Keras objects that can be reached from some roots."""

    def __init__(self, roots: List[Any]) -> None:
        self._fields: List[Tuple[Any, Dict[str, Any], bool]] = []
        self._contents: List[Tuple[Any, Any, bool]] = []
        self._notices: List[Tuple[Any, str, Any]] = []
        self._seen: Dict[int, Any] = {}
        waiting = [(root, False) for root in roots]
        while waiting:
            value, is_public = waiting.pop()
            if id(value) not in self._seen and not isinstance(value, _OPAQUE + _PLAIN):
                self._seen[id(value)] = value
                waiting += self._keep_object(value, is_public)

    def _keep_object(self, value: Any, is_public: bool) -> List[Tuple[Any, bool]]:
        """Save one object or container; return the objects in it, and whether each is the content of a user's public field."""
        if isinstance(value, _CONTAINERS):
            self._notices += [(value, name, getattr(value, name)) for name in _NOTICES if hasattr(value, name)]
            value = getattr(value, "__wrapped__", value)
            self._contents.append((value, _copied(value), is_public))
            inside = list(value.values() if isinstance(value, dict) else value) + list(getattr(value, "__dict__", {}).values())
            return [(each, is_public) for each in inside]
        if isinstance(value, tuple):
            return [(each, is_public) for each in value]
        if not (is_of_keras(value) or isinstance(value, threading.local)) or not hasattr(value, "__dict__"):
            return []
        fields = dict(vars(value))
        self._fields.append((value, fields, not is_unbuilt_layer(value)))
        return [(each, _is_users(value, name)) for name, each in fields.items()]

    def functions(self) -> List[Any]:
        """Return the functions that the Keras objects refer to, such as losses."""
        return [each for each in self._seen.values() if isinstance(each, types.FunctionType)]

    def restore(self) -> None:
        """Restore everything that changed."""
        for value, fields, is_whole in self._fields:
            own = vars(value)
            names = (
                [*fields, *[name for name in own if name not in fields]] if is_whole else [n for n in _LOSSES if n in fields]
            )
            for name in names:
                if own.get(name, _MISSING) is not fields.get(name, _MISSING) and not _counts(value, name, own.get(name)):
                    _put(own, name, fields.get(name, _MISSING))
        unbuilt = {id(part) for each, fields, is_whole in self._fields if not is_whole for part in _containers(each, fields)}
        for value, content, is_public in self._contents:
            if id(value) not in unbuilt and not (is_public and all(isinstance(each, _PLAIN) for each in value)):
                _refill(value, content)
        for value, name, notice in self._notices:
            setattr(value, name, notice)


_MISSING = object()


def _containers(value: Any, fields: Dict[str, Any]) -> Iterator[Any]:
    """Yield the containers of a layer without variables, except those of its losses."""
    tracker = [vars(each) for each in fields.values() if type(each).__name__ == "Tracker"]
    for own in [fields, *tracker, *[each for part in tracker for each in part.values() if isinstance(each, dict)]]:
        yield from (each for name, each in own.items() if isinstance(each, (list, dict, set)) and name not in _LOSSES)


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else set(value) if isinstance(value, set) else list(value)


def _refill(value: Any, content: Any) -> None:
    """Restore the content of a container, without triggering the wrappers of Keras."""
    kind: Any = dict if isinstance(value, dict) else set if isinstance(value, set) else list
    now = list(value.items()) if kind is dict else list(value)
    before = list(content.items()) if kind is dict else list(content)
    if len(now) == len(before) and all(
        a is b or (kind is dict and a[0] is b[0] and a[1] is b[1]) for a, b in zip(now, before)
    ):
        return
    kind.clear(value)
    if isinstance(value, list):
        list.extend(value, content)
    elif isinstance(value, dict):
        dict.update(value, content)
    else:
        set.update(value, content)


def _put(own: Dict[str, Any], name: str, value: Any) -> None:
    if value is _MISSING:
        own.pop(name, None)
    else:
        own[name] = value


def is_of_keras(value: Any) -> bool:
    """Return whether an object is a layer, an optimizer, a metric, a loss or another object of Keras."""
    modules = [str(getattr(each, "__module__", "")).split(".") for each in type(value).__mro__]
    return any(parts[0] in _LIBRARIES[:2] or (parts[0] == "tensorflow" and "keras" in parts) for parts in modules)


def is_layer(value: Any) -> bool:
    """Return whether an object is a layer or a model."""
    return hasattr(value, "add_weight") and hasattr(value, "losses") and hasattr(value, "built")


def is_unbuilt_layer(value: Any) -> bool:
    """Return whether an object is a layer without variables yet."""
    return is_layer(value) and not value.built


def _is_users(value: Any, name: str) -> bool:
    """Return whether a field is a public one of a class of the user's."""
    return not name.startswith("_") and type(value).__module__.partition(".")[0] not in _LIBRARIES


def _counts(value: Any, name: str, now: Any) -> bool:
    """Return whether a field is a counter or record of the user's class; ``built`` and the like are booleans."""
    return _is_users(value, name) and isinstance(now, _PLAIN) and not isinstance(now, bool)


def roots(step: Any) -> List[Any]:
    """Return the step itself, the object that it is a method of, and the objects that it refers to."""
    objects, waiting = [], [(getattr(step, "python_function", step), _DEPTH)]
    while waiting:
        value, depth = waiting.pop()
        objects.append(value)
        if depth:
            around = [*referenced_values(value)] if hasattr(value, "__code__") or hasattr(value, "__func__") else []
            owner = getattr(value, "__self__", None)
            around += [owner] if owner is not None else []
            if owner is not None and not is_of_keras(owner):
                around += list(getattr(owner, "__dict__", {}).values())
            around += [value.python_function] if hasattr(value, "python_function") else []
            waiting += [(each, depth - 1) for each in around if not any(each is other for other in objects)]
    inside = [each for value in objects if isinstance(value, (list, tuple, dict)) for each in _content(value)]
    return [each for each in [*objects, *inside] if is_of_keras(each)]


def _content(value: Any) -> List[Any]:
    """Return the first items of a user's container."""
    return list(islice(value.values() if isinstance(value, dict) else value, _MANY))


@contextmanager
def undone(step: Any) -> Iterator[None]:
    """Restore the Keras objects of a step afterwards, and remove what remembers tensors of its trace."""
    snapshot = Snapshot(roots(step))
    try:
        with forget_traced_tensors([step, *snapshot.functions()]):
            yield
    finally:
        snapshot.restore()


@contextmanager
def same_random_states() -> Iterator[None]:
    """Restore the random states of Python, NumPy, TensorFlow and Keras afterwards."""
    states = [(random.getstate(), random.setstate), (np.random.get_state(), np.random.set_state)]
    states += [(each.getstate(), each.setstate) for each in _generators()]
    try:
        yield
    finally:
        for state, put_back in states:
            put_back(state)


@contextmanager
def same_collections() -> Iterator[None]:
    """Restore the collections of the default graph, whose lists of variables a traced function shares."""
    graph = ops.get_default_graph()
    lists: Dict[Any, List[Any]] = dict(graph._collections)
    graph._collections.update({name: list(each) for name, each in lists.items()})
    try:
        yield
    finally:
        graph._collections.clear()
        graph._collections.update(lists)


def _generators() -> Iterator[Any]:
    """Yield the generators of seeds for TensorFlow's ops and the initializers of Keras 2."""
    yield from (each for each in [getattr(context.context(), "_rng", None)] if each is not None)
    for name in ("keras.src.backend", "keras.backend", "tf_keras.src.backend"):
        holder = getattr(sys.modules.get(name), "_SEED_GENERATOR", None)
        generator = getattr(holder, "generator", None)
        if isinstance(generator, random.Random):
            yield generator


def lift_variable(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
    """Create a variable outside the traced graph if its initial value does not depend on the graph.

    So it has a value at once, and the step is traced once; a ``tf.function`` that creates variables in its trace would be
    traced again.
    """
    first = kwargs.get("initial_value")
    if not ops.executing_eagerly_outside_functions() or (isinstance(first, tf.Tensor) and is_symbolic(first)):
        return next_creator(**kwargs)
    with tf.init_scope():
        if tf.distribute.has_strategy() and "distribute_strategy" not in kwargs:
            return next_creator(**kwargs)
        return variables.default_variable_creator_v2(None, **kwargs)
