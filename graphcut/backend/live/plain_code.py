"""Trace plain Python code with the meaning that it has when it runs eagerly.

The user runs a function that is not a ``tf.function`` eagerly, but graphcut traces it with AutoGraph, which changes the
meaning of some Python code: ``float(x)`` becomes a cast, which passes a gradient on; a loop over a dataset becomes
``Dataset.reduce``, which passes none. This module gives such code its eager meaning. Code that TensorFlow would also trace or
convert in an eager run is left alone: a called ``tf.function``, and functions passed to ``Dataset.map`` and ``tf.map_fn``.
Code that cannot be traced with its eager meaning is refused.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, MutableMapping, NamedTuple, Set, Tuple
from weakref import WeakKeyDictionary

import tensorflow as tf
from tensorflow.python.autograph.core import ag_ctx
from tensorflow.python.autograph.impl import api
from tensorflow.python.autograph.operators import control_flow, py_builtins
from tensorflow.python.data.ops import iterator_ops
from tensorflow.python.eager import backprop, context
from tensorflow.python.framework import ops, tensor_util
from tensorflow.python.ops import control_flow_v2_func_graphs, tensor_array_ops
from tensorflow.python.ops.parallel_for import control_flow_ops as pfor_ops
from tensorflow.python.util import tf_decorator

from graphcut.backend.record.patches import Patch, Patches
from graphcut.graph.stack_frames import installed_package

# The graphs of branches and loops.
BODIES = (
    control_flow_v2_func_graphs.CondBranchFuncGraph,
    control_flow_v2_func_graphs.WhileCondFuncGraph,
    control_flow_v2_func_graphs.WhileBodyFuncGraph,
)
# AutoGraph stages a loop body once in a graph of this name, to learn the types of what it assigns.
_STAGING = "tmp"
_MOST_ELEMENTS = 100


class _Elements(NamedTuple):
    """The tensors that were written to a ``TensorArray``, and the flow tensor of the array after that."""

    flow: Any
    tensors: Dict[int, Any]


_ROOTS: List[Any] = []
# The tensors that stand for Python numbers, by the graph and the name of their op.
_NUMBERS: Set[Tuple[int, str]] = set()
# The elements of TensorArrays, by the identity of the array's flow.
_ELEMENTS: Dict[int, _Elements] = {}
# The number of elements that Python took from an iterator, and the graph in which a tape began.
_TAKEN: MutableMapping[Any, int] = WeakKeyDictionary()
_BEGUN: MutableMapping[Any, int] = WeakKeyDictionary()


class _OfThread(threading.local):
    """The state of this thread.

    ``conversions``: the number of running functions that TensorFlow converts in eager code, too. ``is_told``: code asked
    whether it runs eagerly, and the answer was yes. ``tells``: whether that answer is yes.
    """

    conversions, is_told, tells = 0, False, True


_LOCAL = _OfThread()


class EagerOnlyError(RuntimeError):
    """Code behaves differently when it is traced than when it runs eagerly."""


def is_plain(source: Any) -> bool:
    """Return whether a callable is run eagerly: it is neither a ``tf.function`` nor part of Keras' compiled step."""
    if not ops.executing_eagerly_outside_functions() or hasattr(source, "get_concrete_function"):
        return False
    owner = getattr(source, "__self__", source)
    if not hasattr(owner, "add_weight"):
        return True
    of_keras = source is owner or not hasattr(type(owner), "train_step") or source.__name__ in _OF_KERAS
    return bool(getattr(owner, "run_eagerly", False)) or not of_keras


# Keras 3, once it is imported.
_CALLED_BY_KERAS = (("keras.src.layers.layer", "Layer"), ("keras.src.losses.loss", "Loss"))
_OF_KERAS = frozenset(("call", "__call__", "train_step", "test_step", "predict_step", "compute_loss"))


def as_run_eagerly(python: Callable[..., Any]) -> Any:
    """Return a copy of the function whose trace does the same as an eager run."""

    def plain(*args: Any, **kwargs: Any) -> Any:
        with eager_meaning():
            return plain.__wrapped__(*args, **kwargs)  # type: ignore[attr-defined]

    return tf_decorator.make_decorator(python, plain)


def trace_either_way(trace: Callable[[], Any]) -> Any:
    """Return the result of a trace; trace again if it fails after code was told that it runs eagerly.

    Code such as ``if tf.executing_eagerly(): print(loss.numpy())`` is written so that the function can be traced. In the
    second trace, ``tf.executing_eagerly`` tells the truth.
    """
    _LOCAL.is_told = False
    try:
        return trace()
    except Exception:
        if not _LOCAL.is_told:
            raise
    _LOCAL.tells = False
    try:
        return trace()
    finally:
        _LOCAL.tells = True


@contextmanager
def eager_meaning() -> Iterator[None]:
    """Give code that is traced in the default graph its eager meaning."""
    with _PATCHES.apply():
        _ROOTS.append(ops.get_default_graph())
        try:
            yield
        finally:
            _ROOTS.pop()
            _TAKEN.clear()
            _NUMBERS.clear()
            _ELEMENTS.clear()


def in_plain_code() -> bool:
    """Return whether plain code is being traced: the default graph is its function's, or that of a branch or loop in it."""
    if not _ROOTS or _LOCAL.conversions:
        return False
    graph = ops.get_default_graph()
    while isinstance(graph, BODIES) or getattr(graph, "name", None) == _STAGING:
        graph = graph.outer_graph
    return any(graph is each for each in _ROOTS)


def _overload(original: Any) -> Any:
    """Wrap AutoGraph's choice of what to call in place of a builtin."""

    @functools.wraps(original)
    def overload_of(function: Any) -> Any:
        chosen = original(function)
        eager = _BUILTINS.get(getattr(function, "__name__", "")) if chosen is not function else None
        return functools.partial(eager, chosen) if eager is not None and in_plain_code() else chosen

    return overload_of


def _float(traced: Any, *args: Any) -> Any:
    """Return a number that passes no gradient on, like the Python number that ``float`` returns in eager code."""
    (value,) = args or (0.0,)
    if not tensor_util.is_tensor(value) or not value.dtype.is_floating:
        return traced(*args)
    constant = None if isinstance(value, tf.Variable) else tensor_util.constant_value(value)
    if constant is not None:
        return float(constant)
    with ops.name_scope("float"):
        number = tf.numpy_function(lambda each: each, [traced(value)], tf.float32)
    number.set_shape([])
    _NUMBERS.add((id(number.graph), number.op.name))
    return number


def is_number(value: Any) -> bool:
    """Return whether a tensor stands for what is a Python number in eager code: a ``float``, or a sum of such."""
    op = getattr(value, "op", None)
    if op is None or not _NUMBERS:
        return False
    if (id(op.graph), op.name) in _NUMBERS:
        return True
    inputs = [each for each in op.inputs if each.op.type != "Const" or not each.op.name.startswith(op.name + "/")]
    return op.type in _ARITHMETIC and bool(inputs) and all(map(is_number, inputs))


_ARITHMETIC = frozenset(("Add", "AddV2", "Sub", "Mul", "RealDiv", "Neg"))


def _map(traced: Any, function: Any, *iterables: Any) -> Any:
    if any(isinstance(each, tf.data.Dataset) for each in iterables):
        raise EagerOnlyError("map() over a dataset calls the function for each element, in eager code only")
    return traced(function, *iterables)


_BUILTINS: Dict[str, Any] = {"float": _float, "map": _map}


def _wrap_unconverted(original: Any) -> Any:
    """Wrap the call of functions that AutoGraph leaves alone: plain code is told that it runs eagerly."""

    @functools.wraps(original)
    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        answers = [answer for question, answer in _QUESTIONS if function is question]
        if not answers or not _LOCAL.tells or not in_plain_code():
            return original(function, *args, **kwargs)
        _LOCAL.is_told = True
        return answers[0]

    return call


_QUESTIONS = (
    (tf.executing_eagerly, True),
    (context.executing_eagerly, True),
    (getattr(tf, "inside_function", None), False),
)


def _wrap_missing_attribute(original: Any) -> Any:
    """Wrap the lookup of attributes that a traced tensor lacks: code that was told it runs eagerly may call ``.numpy()``.

    Its value is the result of a host call, which passes no gradient on.
    """

    @functools.wraps(original)
    def __getattr__(self: Any, name: str) -> Any:
        if name == "numpy" and _LOCAL.is_told and _LOCAL.tells and in_plain_code() and not _is_asked_by_a_package():
            return functools.partial(_value_of, self)
        return original(self, name)

    return __getattr__


def _is_asked_by_a_package() -> bool:
    """Return whether code of an installed package called the caller; AutoGraph writes the user's code to a file elsewhere."""
    return bool(installed_package(sys._getframe(2).f_code.co_filename))


def _value_of(tensor: Any) -> Any:
    with ops.name_scope("numpy"):
        value = tf.numpy_function(lambda each: each, [tensor], tensor.dtype)
    value.set_shape(tensor.shape)
    return value


def _wrap_conversion(original: Any) -> Any:
    """Wrap the conversion of a function that is passed to TensorFlow. The default conversion happens in eager code, too."""

    @functools.wraps(original)
    def tf_convert(function: Any, *args: Any, **kwargs: Any) -> Any:
        converted_function = original(function, *args, **kwargs)
        is_default = kwargs.get("convert_by_default", args[1] if len(args) > 1 else True)
        is_traced = is_default and not _is_call(function) and in_plain_code()
        return (
            functools.wraps(converted_function)(functools.partial(_call_traced, converted_function))
            if is_traced
            else converted_function
        )

    return tf_convert


def _is_call(function: Any) -> bool:
    """Return whether a function is the ``call`` of a Keras layer or loss, which Keras converts only in graphs."""
    return inspect.ismethod(function) and function.__name__ == "call"


def _call_traced(function: Any, *args: Any, **kwargs: Any) -> Any:
    _LOCAL.conversions += 1
    try:
        return function(*args, **kwargs)
    finally:
        _LOCAL.conversions -= 1


def _of_dataset(traced: Any) -> Any:
    """Wrap a loop over a dataset: its elements come one by one from an iterator, and a gradient passes the loop."""

    @functools.wraps(traced)
    def for_stmt(dataset: Any, extra_test: Any, body: Any, *args: Any) -> Any:
        if not in_plain_code():
            return traced(dataset, extra_test, body, *args)
        elements = iter(dataset)
        count = tf.data.experimental.cardinality(dataset)
        positions = tf.range(tf.maximum(count, tf.ones_like(count)))
        return control_flow._tf_range_for_stmt(
            positions, extra_test, lambda _, *state: body(elements.get_next(), *state), *args
        )

    return for_stmt


class _Loops:
    """AutoGraph's registry of loops by the type of the iterated object, with another loop for datasets."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def lookup(self, iterated: Any) -> Any:
        """Return the function that stages a loop over a value."""
        loop = self._registry.lookup(iterated)
        return _of_dataset(loop) if isinstance(iterated, tf.data.Dataset) else loop

    def register(self, kind: Any, loop: Any) -> None:
        """Register the function that stages loops over values of a type."""
        self._registry.register(kind, loop)


def _wrap_next(original: Any) -> Any:
    """Wrap the step of an iterator in a Python loop, which would never end in a trace."""

    @functools.wraps(original)
    def step(self: Any) -> Any:
        if in_plain_code():
            _TAKEN[self] = _TAKEN.get(self, 0) + 1
            if _TAKEN[self] > _MOST_ELEMENTS:
                raise EagerOnlyError("a Python loop over a dataset (a comprehension, list(), sum()) ends in eager code only")
        return original(self)

    return step


def _wrap_new_iterator(original: Any) -> Any:
    """Wrap the constructor of iterators: up to TensorFlow 2.9, deleting one adds an op to a graph that may be gone by then."""

    @functools.wraps(original)
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if in_plain_code() and getattr(self, "_resource_deleter", None) is not None:
            self._resource_deleter = None  # adds the op now

    return make


def _wrap_write(original: Any) -> Any:
    """Wrap a writing method of a ``TensorArray``: in eager code, it changes the array itself."""

    @functools.wraps(original)
    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        written = original(self, *args, **kwargs)
        inner: Any = getattr(self, "_implementation", None)
        flow = getattr(inner, "_flow", None)
        if flow is None or not in_plain_code():
            return written
        if flow.graph is ops.get_default_graph():
            inner._flow = written.flow
        elif _in_loop_of(flow.graph):
            raise EagerOnlyError("a TensorArray that a loop does not assign (a = a.write(...)) is written in eager code only")
        return written

    return write


def _wrap_element_write(original: Any) -> Any:
    """Wrap the write of one element of a ``TensorArray``: in eager code, the array is a list of the written tensors."""

    @functools.wraps(original)
    def write(self: Any, index: Any, value: Any, name: Any = None) -> Any:
        if not in_plain_code():
            return original(self, index, value, name)
        before, place = _elements_of(self), _constant(index)
        value = ops.convert_to_tensor(value, preferred_dtype=self.dtype, name="value")
        written = original(self, index, value, name)
        flow = written.flow
        _ELEMENTS[id(flow)] = _Elements(flow, {} if place is None else {**before, int(place): value})
        return written

    return write


def _wrap_read(original: Any) -> Any:
    """Wrap the read of a ``TensorArray``: eager code gets the written tensor, and no gradient goes to other elements."""

    @functools.wraps(original)
    def read(self: Any, index: Any, name: Any = None) -> Any:
        elements = _elements_of(self)
        element = elements.get(int(_constant(index))) if elements and _constant(index) is not None else None
        return original(self, index, name) if element is None else element

    return read


def _wrap_gather(original: Any) -> Any:
    """Wrap the read of several elements of a ``TensorArray``: eager code stacks the written tensors."""

    @functools.wraps(original)
    def gather(self: Any, indices: Any, name: Any = None) -> Any:
        known = _elements_of(self)
        places = _constant(indices) if known else None
        elements = [known.get(int(place)) for place in (() if places is None else places)]
        return original(self, indices, name) if not elements or any(each is None for each in elements) else tf.stack(elements)

    return gather


def _elements_of(array: Any) -> Dict[int, Any]:
    """Return the elements of a ``TensorArray`` that plain code wrote at known places."""
    elements = _ELEMENTS.get(id(array.flow)) if _ELEMENTS and in_plain_code() else None
    return {} if elements is None else elements.tensors


def _constant(value: Any) -> Any:
    return tensor_util.constant_value(tf.convert_to_tensor(value))


def _in_loop_of(outer: Any) -> bool:
    """Return whether the default graph is the body of a loop, directly or in branches, inside another graph."""
    graph = ops.get_default_graph()
    while isinstance(graph, BODIES) and graph is not outer:
        if not isinstance(graph, BODIES[0]):
            return True
        graph = graph.outer_graph
    return False


def _wrap_suspension(original: Any) -> Any:
    """Wrap a method that suspends or resets a tape: in a branch or loop, only an eager tape knows about it."""

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(ops.get_default_graph(), BODIES) and in_plain_code() and not _begun_here(self):
            raise EagerOnlyError("tape.%s() in a branch or loop takes effect in eager code only" % original.__name__)
        return original(self, *args, **kwargs)

    return method


def _begun_here(tape: Any) -> bool:
    return _BEGUN.get(tape) in (None, id(ops.get_default_graph()))


def _wrap_begin(original: Any) -> Any:
    """Wrap the beginning of a tape, to know the graph that it records in."""

    @functools.wraps(original)
    def push(self: Any, *args: Any, **kwargs: Any) -> Any:
        _BEGUN.setdefault(self, id(ops.get_default_graph()))
        return original(self, *args, **kwargs)

    return push


def _wrap_pfor(original: Any) -> Any:
    """Wrap the function behind ``tf.vectorized_map``: in eager code it runs in a separate function."""

    @functools.wraps(original)
    def pfor(*args: Any, **kwargs: Any) -> Any:
        if not in_plain_code():
            return original(*args, **kwargs)
        return tf.function(lambda: original(*args, **kwargs), autograph=False)()

    return pfor


def _wrap_keras_call(original: Any) -> Any:
    """Wrap the call of a layer or loss of Keras 3, which AutoGraph does not convert, including the user's code in it."""

    @functools.wraps(original)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        own = vars(self)
        of_keras = type(self).call.__module__.partition(".")[0] == "keras"
        if of_keras or "call" in own or not in_plain_code():
            return original(self, *args, **kwargs)
        own["call"] = api.tf_convert(self.call, ag_ctx.control_status_ctx())
        try:
            return original(self, *args, **kwargs)
        finally:
            own.pop("call", None)

    return __call__


def _patches() -> Iterator[Patch]:
    yield Patch(py_builtins, "overload_of", _overload)
    yield Patch(api, "_call_unconverted", _wrap_unconverted)
    if hasattr(control_flow, "for_loop_registry"):
        yield Patch(control_flow, "for_loop_registry", _Loops)
    elif hasattr(control_flow, "_tf_dataset_for_stmt") and hasattr(control_flow, "_tf_iterator_for_stmt"):
        yield Patch(control_flow, "_tf_dataset_for_stmt", _of_dataset)
    owned = getattr(iterator_ops, "OwnedIterator", None) or getattr(iterator_ops, "IteratorV2", None)
    if owned is not None and "__next__" in vars(owned):
        yield Patch(owned, "__next__", _wrap_next)
        yield Patch(owned, "__init__", _wrap_new_iterator)
    for name in ("write", "unstack", "scatter", "split"):
        yield Patch(tensor_array_ops.TensorArray, name, _wrap_write)
    if "__getattr__" in vars(tf.Tensor):
        yield Patch(tf.Tensor, "__getattr__", _wrap_missing_attribute)
    yield Patch(tensor_array_ops.TensorArray, "write", _wrap_element_write)
    yield Patch(tensor_array_ops.TensorArray, "read", _wrap_read)
    yield Patch(tensor_array_ops.TensorArray, "gather", _wrap_gather)
    yield Patch(api, "tf_convert", _wrap_conversion)
    of_keras = getattr(getattr(tf.compat.v2, "__internal__", None), "autograph", None)
    if hasattr(of_keras, "tf_convert"):  # Keras 2 from TensorFlow 2.6 on
        yield Patch(of_keras, "tf_convert", _wrap_conversion)
    for module, name in _CALLED_BY_KERAS:
        if module in sys.modules:
            yield Patch(getattr(sys.modules[module], name), "__call__", _wrap_keras_call)
    yield Patch(pfor_ops, "pfor", _wrap_pfor)
    yield Patch(backprop.GradientTape, "_push_tape", _wrap_begin)
    for name in ("stop_recording", "reset"):
        yield Patch(backprop.GradientTape, name, _wrap_suspension)


_PATCHES = Patches(lambda: tuple(_patches()))
