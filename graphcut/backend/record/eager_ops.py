"""Record ops that run eagerly, from TensorFlow's op callbacks: types, attributes, dtypes, shapes and lines, no values.

The record of an op is kept while one of its output tensors is alive, or the record of a reader is kept. The record of a tensor
is freed with the tensor, so a training loop needs memory for one step only. The value of a tensor that no op made, such as a
constant, is kept only if it is small and can affect where a gradient flows (an index, an axis, a zero).
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import weakref
from collections import deque
from typing import Any, Callable, Deque, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import constant_op, dtypes, op_callbacks, ops
from tensorflow.python.ops import resource_variable_ops
from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable as ResourceVariable

from graphcut.backend.live.source_locations import is_converted
from graphcut.backend.live.variable_objects import handle_of
from graphcut.backend.record import variable_writes
from graphcut.backend.record.patches import Patch
from graphcut.graph.dtypes import RESOURCE, STRING, VARIANT, is_discrete
from graphcut.graph.flat import Shape
from graphcut.graph.stack_frames import is_library, is_wrapper

Line = Tuple[Optional[str], bool]
_SMALL = 32  # elements: enough for indices, axes and shapes
_LONGEST = 1000  # consecutive ops outside of any tape; older ones are dropped
_ASSIGNMENTS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")
PLAIN = (np.ndarray, np.generic, float, int, complex)  # Python values that replace a tensor
_GIVEN = 4  # type, outputs, inputs, gradient function
_WRAPPED = getattr(execute, "pywrap_tfe", None) or getattr(execute, "pywrap_tensorflow", None)
_LOCAL = threading.local()


class Output(NamedTuple):
    """The facts about a tensor: its dtype as a number, and its shape."""

    dtype: int
    shape: Shape


class EagerLeaf:
    """A tensor that no recorded op made: a constant, an array, a handle; ``value`` where it is small.

    ``assigned`` is the op that gave a variable its value.
    """

    __slots__ = ("outputs", "position", "value", "where", "read", "assigned", "__weakref__")

    def __init__(self, tensor: Any, position: int, where: Line) -> None:
        self.outputs = (_output(tensor),)
        self.position, self.where = position, where
        self.value = _small_value(tensor, self.outputs[0])
        self.read: Optional[Line] = None
        self.assigned: Optional[EagerOp] = None


class EagerOp:
    """An op that ran.

    ``inputs`` are the ops and leaves that it reads, each with the number of the output. ``function`` is the function that it
    called, kept because the tape may be used after all other references are gone. ``carries``: the inputs that the function of
    a custom gradient answered. ``is_of_gradient``: it ran while a gradient was taken, or depends on such an op. ``assigned``
    is as for a leaf.
    """

    __slots__ = (
        "type",
        "attrs",
        "inputs",
        "outputs",
        "position",
        "where",
        "function",
        "carries",
        "depth",
        "read",
        "thread",
        "is_of_gradient",
        "assigned",
        "__weakref__",
    )

    def __init__(self, type: str, attrs: Any, inputs: Any, outputs: Any, position: int, where: Line) -> None:
        self.type, self.attrs, self.inputs, self.outputs = type, attrs, inputs, outputs
        self.position, self.where = position, where
        self.function: Any = None
        self.carries: Optional[List[Optional[bool]]] = None
        self.read: Optional[Line] = None
        self.thread = threading.get_ident()
        self.assigned: Optional[EagerOp] = None
        producers = [each for each, _ in inputs if isinstance(each, EagerOp)]
        self.depth: int = 1 + max([each.depth for each in producers], default=0)
        self.is_of_gradient: bool = any(each.is_of_gradient for each in producers)


class Escape(NamedTuple):
    """A value that left TensorFlow: its tensor, the number of ops that had run, and the line."""

    source: Any
    position: int
    where: Line


Node = Union[EagerOp, EagerLeaf]
Made = Tuple[Node, int]


class _Reference(weakref.ref):
    """A weak reference to a tensor, with the node that made it."""

    __slots__ = ("key", "node", "index")
    key: int
    node: Node
    index: int


class EagerOps:
    """The ops that ran since the watch began.

    ``version`` counts them, like that of a graph. ``written`` maps the ``id`` of each variable's handle to the op count at its
    last write, without its initial value. ``variables`` are the variables that were read, by the ``id`` of the handle.
    ``successors`` maps each variable that a new one replaces to the line that creates the new one.
    """

    def __init__(self) -> None:
        self.version = 0
        self.written: Dict[int, int] = {}
        self.variables: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.successors: Dict[int, Line] = {}
        self.is_taking_gradient: Callable[[], bool] = lambda: False
        self._lock = threading.Lock()
        self.pairs: Dict[int, _Reference] = {}
        self.escapes: Dict[Line, Escape] = {}
        self.problems: Deque[str] = deque(maxlen=_SMALL)
        self.is_recorded: Callable[[], bool] = lambda: True
        self._forget = self._forget_callback()
        self._attached = _attachment(self.called)

    def __enter__(self) -> EagerOps:
        self.attach()
        return self

    def __exit__(self, *error: Any) -> None:
        self.detach()

    def attach(self) -> None:
        """Receive the ops of this thread, too; TensorFlow registers callbacks per thread."""
        if context.executing_eagerly():
            self._attached.attach()

    def detach(self) -> None:
        """Stop receiving ops, in all threads."""
        self._attached.detach()

    def called(self, type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        """Record an op that ran; ignore one that was built in a graph."""
        if graph is not None or getattr(_LOCAL, "suspended", False):
            return
        try:
            self._record(type, inputs, attrs, outputs)
        except Exception as error:  # noqa: BLE001 - the user's code goes on, whatever happens here
            self.problems.append("%s: %s: %s" % (_text(type), error.__class__.__name__, error))

    def _next_number(self) -> int:
        """Return the next number for an op; ops run in several threads."""
        with self._lock:
            self.version += 1
            return self.version

    def _record(self, type: Any, inputs: Any, attrs: Any, outputs: Any) -> None:
        name = _text(type)
        function = _called_function(name)
        if function is not None and not outputs:  # all that counts is what it writes
            self._note_writes_of(function, self._next_number())
            return
        where = line()
        nodes = tuple([self.node_of(each, where) for each in inputs])
        op = EagerOp(name, attrs, nodes, (), self._next_number(), where)
        if self.is_taking_gradient():
            op.is_of_gradient = True
        if op.depth > _LONGEST and not self.is_recorded():
            op.inputs, op.depth = (), 0
        if op.type == "ReadVariableOp" and op.inputs and op.inputs[0][0].read is None:
            op.inputs[0][0].read = where
        if function is not None:
            op.function = function
            self._note_writes_of(function, op.position)
        elif not outputs:
            self._note_write(op, inputs)
        op.outputs = tuple([_output(each) for each in outputs])
        for index, each in enumerate(outputs):
            self._note(each, op, index)

    def _note_writes_of(self, function: Any, position: int) -> None:
        """Record that a function ran that writes variables."""
        self.written.update(dict.fromkeys(_written_handles(function), position))

    def _note_write(self, op: EagerOp, inputs: Any) -> None:
        """Record that an op without outputs writes the variables whose handles it receives."""
        for tensor, (node, index) in zip(inputs, op.inputs):
            if node.outputs[index].dtype == RESOURCE:
                if not _is_first_value(op, node):
                    self.written[id(tensor)] = op.position
                elif op.is_of_gradient:
                    self._note_successor(op)
                node.assigned = op if op.type in _ASSIGNMENTS else None

    def _note_successor(self, op: EagerOp) -> None:
        """Record that a new variable replaces the one from which its initial value is computed with a gradient."""
        value = op.inputs[-1][0]
        inputs = value.inputs if isinstance(value, EagerOp) else ()
        reads = [each for each, _ in inputs if isinstance(each, EagerOp) and each.type == "ReadVariableOp"]
        before = {id(each.inputs[0][0]) for each in reads[:1]}
        result = [key for key, each in list(self.pairs.items()) if id(each.node) in before]
        self.successors.update(dict.fromkeys(result, op.where))

    def read(self, variable: Any) -> None:
        """Record that a variable is read."""
        key = id(handle_of(variable))
        if key not in self.variables:
            self.variables[key] = variable

    def node_of(self, tensor: Any, where: Line = (None, False)) -> Made:
        """Return the node that made a tensor."""
        pair = self.pairs.get(id(tensor))
        if pair is not None:
            return pair.node, pair.index
        if isinstance(tensor, PLAIN):
            return EagerLeaf(np.asarray(tensor), self.version, where), 0
        leaf = EagerLeaf(tensor, self.version, where)
        self._note(tensor, leaf, 0)
        return leaf, 0

    def created(self, tensor: Any) -> None:
        """Record a tensor that was made from a Python value or an array."""
        if id(tensor) not in self.pairs and not getattr(_LOCAL, "suspended", False):
            self._note(tensor, EagerLeaf(tensor, self.version, line()), 0)

    def escaped(self, tensor: Any) -> None:
        """Record that Python received the value of a tensor; for each line only the last time counts."""
        if getattr(_LOCAL, "suspended", False):
            return
        where = line()
        self.escapes[where] = Escape(self.node_of(tensor, where), self.version, where)

    def recorded_apart(self, inputs: Any, outputs: Any) -> EagerOp:
        """Return the op of a custom gradient, which tapes record as one op, whatever ops ran inside."""
        where = line()
        nodes = tuple([self.node_of(each, where) for each in inputs])
        op = EagerOp("CustomGradient", (), nodes, tuple([_output(each) for each in outputs]), self._next_number(), where)
        for index, each in enumerate(outputs):
            self._note(each, op, index)
        return op

    def _note(self, tensor: Any, node: Node, index: int) -> None:
        reference = _Reference(tensor, self._forget)
        reference.key, reference.node, reference.index = id(tensor), node, index
        self.pairs[id(tensor)] = reference

    def _forget_callback(self) -> Any:
        pairs, written, successors = self.pairs, self.written, self.successors

        def forget(reference: _Reference) -> None:
            if pairs.get(reference.key) is reference:
                del pairs[reference.key]
                written.pop(reference.key, None)
                successors.pop(reference.key, None)

        return forget


def _is_first_value(op: EagerOp, node: Node) -> bool:
    """Return whether an op initializes a variable that was just created."""
    return op.type == "AssignVariableOp" and isinstance(node, EagerOp) and node.type == "VarHandleOp" and node.assigned is None


def _called_function(name: str) -> Any:
    """Return the function that an op of this type calls; ``None`` for any other op."""
    stack = getattr(_LOCAL, "functions", ()) if name.startswith("__") else ()
    return stack[-1] if stack else None


_WRITTEN: weakref.WeakKeyDictionary[Any, FrozenSet[int]] = weakref.WeakKeyDictionary()


def _written_handles(function: Any) -> FrozenSet[int]:
    """Return the ``id`` of the handles of the variables that a function writes."""
    if function not in _WRITTEN:
        _WRITTEN[function] = variable_writes.written_variables(function.graph)
    return _WRITTEN[function]


def _output(tensor: Any) -> Output:
    try:
        return Output(tensor._datatype_enum(), tensor._shape_tuple())
    except (AttributeError, ValueError, NotImplementedError):
        if isinstance(tensor, np.ndarray):
            return Output(dtypes.as_dtype(tensor.dtype).as_datatype_enum, tensor.shape)
        return Output(int(tensor.dtype.as_datatype_enum), None)


def _small_value(tensor: Any, output: Output) -> Any:
    """Return the value of a small integer tensor or a scalar, as an array; ``None`` for any other tensor."""
    if output.dtype in (RESOURCE, VARIANT, STRING) or output.shape is None:
        return None
    size = 1
    for each in output.shape:
        size *= each or 0
    if size > (_SMALL if is_discrete(tensor.dtype.name) else 1):
        return None
    try:
        return np.array(tensor._numpy_internal() if hasattr(tensor, "_numpy_internal") else tensor._numpy())
    except Exception:  # noqa: BLE001 - a device that holds no values
        return None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _attachment(function: Any) -> Any:
    """Return the object that attaches a function to every op."""
    return _Attached(function) if hasattr(op_callbacks, "add_op_callback") else _Entered(function)


class _Attached:
    """Register a callback in several threads, from TensorFlow 2.1 on."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._lists: List[Any] = []

    def attach(self) -> None:
        """Add the callback to those of this thread."""
        if self._function not in context.context().op_callbacks:
            op_callbacks.add_op_callback(self._function)
            self._lists.append(context.context().op_callbacks)

    def detach(self) -> None:
        """Remove the callback from those of every thread."""
        for listed in self._lists:
            if self._function in listed:
                listed.remove(self._function)
        self._lists.clear()
        if context.executing_eagerly() and not context.context().op_callbacks:
            execute.execute = execute.quick_execute


class _Entered:
    """Register a callback in one thread in older versions of TensorFlow, whose callbacks are contexts."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._thread = 0
        self._context: Any = None

    def attach(self) -> None:
        """Enter the context, in the first thread that attaches."""
        if self._context is None:
            self._thread, self._context = threading.get_ident(), op_callbacks.op_callback(self._function)
            self._context.__enter__()

    def detach(self) -> None:
        """Leave the context, in the thread that entered it."""
        if self._context is not None and self._thread == threading.get_ident():
            self._context.__exit__(None, None, None)
            self._context = None


class suspend_eager_ops:
    """Provide a context in which no op is recorded, for ops that graphcut runs itself."""

    def __enter__(self) -> None:
        self._before = getattr(_LOCAL, "suspended", False)
        _LOCAL.suspended = True

    def __exit__(self, *error: Any) -> None:
        _LOCAL.suspended = self._before


_KINDS: Dict[Any, int] = {}
_USER, _WRAPPER, _LIBRARY, _CONVERTED = 0, 1, 2, 3
_HERE = os.path.dirname(os.path.abspath(__file__))


def line() -> Line:
    """Return ``file:line`` of the user's innermost frame, and whether a library made the op by itself.

    For code that AutoGraph converted, such as a loss function of Keras 2 that runs eagerly, it is the original line.
    """
    frame: Any = sys._getframe(1)
    inside, converted = False, None
    while frame is not None:
        code = frame.f_code
        kind = _KINDS.get(code)
        if kind is None:
            kind = _KINDS[code] = _kind(code)
        if kind == _USER:
            return "%s:%d" % (code.co_filename, frame.f_lineno), inside or converted is not None
        if kind == _CONVERTED and converted is None:
            converted = code.co_filename, frame.f_lineno
        elif converted is None:
            inside = inside or kind == _LIBRARY
        elif code.co_name == "converted_call":
            origin = _origin(frame, converted)
            if origin is not None:
                return origin, inside
            inside, converted = True, None
        frame = frame.f_back
    return None, inside


def _origin(frame: Any, converted: Tuple[str, int]) -> Optional[str]:
    """Return the user's line that AutoGraph converted to a line of generated code, from the frame that calls this code."""
    lines = getattr(frame.f_locals.get("converted_f"), "ag_source_map", None) or {}
    known = lines.get(converted)
    if known is None or is_library(known.loc.filename):
        return None
    return "%s:%d" % (known.loc.filename, known.loc.lineno)


def _kind(code: Any) -> int:
    if is_converted(code.co_filename):
        return _CONVERTED
    if not is_library(code.co_filename):
        return _USER
    if os.path.dirname(os.path.abspath(code.co_filename)) == _HERE:
        return _WRAPPER
    return _WRAPPER if is_wrapper(code.co_filename, code.co_name) else _LIBRARY


def patches(noting: Any) -> Iterator[Patch]:
    """Yield the patches that record calls of functions and custom gradients; ``noting`` returns the ``EagerOps``."""
    yield from _of_functions()
    yield from _of_reads(noting)
    yield from _of_values(noting)
    yield from _of_custom_gradients(noting)


def _of_functions() -> Iterator[Patch]:
    try:
        from tensorflow.python.eager.polymorphic_function import concrete_function as module
    except ImportError:
        try:
            from tensorflow.python.eager.polymorphic_function import monomorphic_function as module
        except ImportError:
            from tensorflow.python.eager import function as module

    def calling(original: Any) -> Any:
        def _call_flat(self: Any, *args: Any, **kwargs: Any) -> Any:
            stack = _LOCAL.__dict__.setdefault("functions", [])
            stack.append(self)
            try:
                return original(self, *args, **kwargs)
            finally:
                stack.pop()

        return _call_flat

    yield Patch(module.ConcreteFunction, "_call_flat", calling)


def _of_reads(noting: Any) -> Iterator[Patch]:
    """Yield the patches of reads of variables.

    TensorFlow's C++ code reads variables that are passed to an op without a callback, so the patches read them in Python
    first.
    """

    def executing(original: Any) -> Any:
        def TFE_Py_FastPathExecute(*args: Any) -> Any:  # noqa: N802 - TensorFlow's name
            for each in args:
                if isinstance(each, _READABLE):
                    return original(*map(_read, args))
            return original(*args)

        return TFE_Py_FastPathExecute

    def reading(original: Any) -> Any:
        def variable_accessed(variable: Any) -> Any:
            result = noting()
            if result is not None:
                result.read(variable)
            return original(variable)

        return variable_accessed

    yield Patch(_WRAPPED, "TFE_Py_FastPathExecute", executing)
    yield Patch(resource_variable_ops, "variable_accessed", reading)


def _of_values(noting: Any) -> Iterator[Patch]:
    """Yield the patches where values leave and enter TensorFlow."""

    def leaving(original: Any) -> Any:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = noting()
            if result is not None:
                result.escaped(self)
            return original(self, *args, **kwargs)

        return functools.wraps(original)(wrapper)

    def coming(original: Any) -> Any:
        def convert_to_eager_tensor(*args: Any, **kwargs: Any) -> Any:
            made, result = original(*args, **kwargs), noting()
            if result is not None:
                result.created(made)
            return made

        return convert_to_eager_tensor

    owner = next(each for each in ops.EagerTensor.__mro__ if "__float__" in vars(each) and "numpy" in vars(each))
    for name in ("numpy", "__array__", "__float__", "__int__", "__complex__"):
        if name in vars(owner):
            yield Patch(owner, name, leaving)
    if hasattr(constant_op, "convert_to_eager_tensor"):
        yield Patch(constant_op, "convert_to_eager_tensor", coming)


_READABLE = (ResourceVariable, list, tuple)


def _read(value: Any) -> Any:
    if isinstance(value, ResourceVariable):
        return ops.convert_to_tensor(value)
    if isinstance(value, (list, tuple)) and any(isinstance(each, ResourceVariable) for each in value):
        return [_read(each) for each in value]
    return value


def _of_custom_gradients(noting: Any) -> Iterator[Patch]:
    try:
        from tensorflow.python.eager import record as module
    except ImportError:
        from tensorflow.python.eager import tape as module

    def recording(original: Any) -> Any:
        def record_operation(*args: Any, **kwargs: Any) -> Any:
            result = noting() if sys._getframe(1).f_code.co_filename.endswith("custom_gradient.py") else None
            if result is None or len(args) < _GIVEN or not all(isinstance(each, ops.EagerTensor) for each in args[1]):
                return original(*args, **kwargs)
            op = result.recorded_apart(args[2], args[1])
            return original(*args[:3], _observe_gradient_function(args[3], weakref.ref(op)), *args[4:], **kwargs)

        return record_operation

    yield Patch(module, "record_operation", recording)


def _observe_gradient_function(backward: Any, reference: Any) -> Any:
    """Return a wrapped gradient function that records which inputs it answered."""

    def observed(*gradients: Any) -> Any:
        answer = backward(*gradients)
        op = reference()
        if op is not None and isinstance(answer, (list, tuple)):
            op.carries = [each is not None for each in answer]
        return answer

    return observed
