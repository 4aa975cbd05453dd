"""Trace a script: add its ops to a graph without executing them.

The script is traced like the body of a ``tf.function`` without arguments, so Keras and ``tf.data`` behave as they do there.
Variables have no value, and code that needs the value of a tensor raises an error, as in a ``tf.function``.
"""

from __future__ import annotations

import sys
import threading
from typing import Any, Callable, Dict, Hashable, Iterator, Tuple

import tensorflow as tf
from tensorflow.python.client import session
from tensorflow.python.data.ops import iterator_ops
from tensorflow.python.framework import func_graph, ops
from tensorflow.python.ops import resource_variable_ops

from graphcut.backend.live.source_locations import call
from graphcut.backend.live.trace_errors import ScriptError, describe_script_error
from graphcut.backend.record import keras_fit
from graphcut.backend.record.patches import Patch, Patches

_PASSES = 2  # iterations of a loop: the second shows what the first one changed
_OF_VARIABLES = frozenset(
    ["trainable", "caching_device", "name", "constraint", "synchronization", "aggregation", "distribute_strategy"]
)


class TracedEnough(BaseException):
    """End a script whose loop takes the same gradient repeatedly."""


class NothingIsRunError(RuntimeError):
    """A traced script tries to run a graph."""


class ScriptTrace:
    """Provide a context in which a script's ops are added to a graph and not executed."""

    def __init__(self) -> None:
        self._graph: Any = None
        self._counts: Dict[Hashable, int] = {}
        self._passes: Dict[int, Tuple[Any, int]] = {}
        self._patches = Patches(lambda: tuple(self._own_patches()))
        self._contexts: Tuple[Any, ...] = ()

    def __enter__(self) -> ScriptTrace:
        if tf.executing_eagerly():  # TensorFlow 1 builds a graph anyway
            self._graph = func_graph.FuncGraph("script")
        graph = () if self._graph is None else (self._graph.as_default(), tf.variable_creator_scope(_declare_variable))
        self._contexts = (self._patches.apply(), *graph)
        for each in self._contexts:
            each.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for each in reversed(self._contexts):
            each.__exit__(*error)

    def count(self) -> None:
        """Count a gradient; end the script when a loop takes the same one for the third time."""
        key = call()
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] > _PASSES:
            raise TracedEnough

    def _own_patches(self) -> Iterator[Patch]:
        yield Patch(session.BaseSession, "run", _refused)
        if hasattr(iterator_ops, "OwnedIterator"):
            yield Patch(iterator_ops.OwnedIterator, "__next__", self._next)
        if hasattr(sys.modules.get(tf.keras.Model.__module__), "_disallow_inside_tf_function"):
            yield Patch(tf.keras.Model, "fit", _of_keras_2)
            yield Patch(tf.keras.Model, "train_on_batch", _of_keras_2)
        yield Patch(threading.Thread, "_bootstrap_inner", self._in_thread)

    def _in_thread(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return a wrapper for a thread's function, which would otherwise execute eagerly."""

        def wrapper(thread: Any) -> Any:
            if self._graph is None:
                return original(thread)
            with self._graph.as_default(), tf.variable_creator_scope(_declare_variable):
                return original(thread)

        return wrapper

    def _next(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return the wrapper of a dataset's iterator; in a graph it never ends by itself."""

        def wrapper(iterator: Any) -> Any:
            if ops.get_default_graph() is self._graph:
                passes = self._passes.get(id(iterator), (iterator, 0))[1] + 1
                self._passes[id(iterator)] = (iterator, passes)
                if passes > _PASSES:
                    raise StopIteration
            return original(iterator)

        return wrapper


def _refused(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        raise NothingIsRunError("Session.run runs the graph, and with --trace nothing is run")

    return run


def _of_keras_2(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a wrapper for ``fit``, which Keras 2 refuses in a graph; it traces the step for one batch."""

    def wrapper(model: Any, *args: Any, **kwargs: Any) -> Any:
        named = {name: each for name, each in kwargs.items() if name in ("x", "y", "sample_weight")}
        batch = keras_fit.step_arguments(model, args[:2], named)

        def step(*parts: Any) -> Any:
            with tf.variable_creator_scope(_declare_variable):
                return model.train_step(batch.data(parts))

        with keras_fit.fit_trainability(model):
            tf.function(step).get_concrete_function(*keras_fit.open_batch_size(batch.parts))
        raise NothingIsRunError("%s() trains, and with --trace nothing is run" % original.__name__)

    return wrapper


def _declare_variable(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
    """Create a variable with the shape and dtype of its initial value, which is never computed."""
    if not ops.executing_eagerly_outside_functions():
        return next_creator(**kwargs)
    first, dtype = kwargs.get("initial_value"), kwargs.get("dtype")
    with func_graph.FuncGraph("initial_value").as_default():
        value = ops.convert_to_tensor(first() if callable(first) else first, dtype=dtype)
    options = {name: each for name, each in kwargs.items() if name in _OF_VARIABLES}
    shape = value.shape if kwargs.get("shape") is None else kwargs["shape"]
    with tf.init_scope():
        return resource_variable_ops.UninitializedVariable(shape=shape, dtype=value.dtype, **options)


def end_of_trace(error: BaseException) -> ScriptError:
    """Return why and where the trace of a script ended early."""
    reason = describe_script_error(error)
    if isinstance(error, TracedEnough):
        return reason._replace(said="a gradient is taken there for the third time: its loop takes no other", needs_value=True)
    return reason._replace(said=str(error), needs_value=True) if isinstance(error, NothingIsRunError) else reason
