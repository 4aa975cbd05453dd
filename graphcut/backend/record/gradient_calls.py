"""Record the gradients that a step takes while it is traced.

Only the outermost call counts: a gradient that a ``jacobian``, a gradient function or the body of a function takes inside is
not the user's. The step of a call is identified by the graph under construction, because a strategy builds one graph in
several threads; without a graph, by the thread.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.eager import backprop, imperative_grad
from tensorflow.python.framework import ops
from tensorflow.python.ops import gradients_util

from graphcut.analysis.tape_record import GradientCall, Tape
from graphcut.backend.live.plain_code import in_plain_code, is_number
from graphcut.backend.live.serialize import serialize_graph
from graphcut.backend.live.source_locations import call, here
from graphcut.backend.live.variable_objects import captures, is_variable, variable_of
from graphcut.backend.record import eager_ops, escaped_values, optimizers, replica_threads, tapes, traceback_filters
from graphcut.backend.record.gradient_call import GradientRequest, graphs_around, name_in, sources, stand_ins_in
from graphcut.backend.record.patches import Patch, Patches
from graphcut.graph.eager_calls import has_eager_calls, mark_eager_calls
from graphcut.util.own_frames import remove_own_frames


class _OfThread(threading.local):
    """State of one thread; a thread without a value falls back on the attribute of the class."""

    depth = 0
    notes: Any = None


_LOCAL = _OfThread()
_ACTIVE: List[StepRecord] = []
WATCHES: List[Any] = []  # the active watches, innermost last
OBSERVERS: List[Any] = []  # the functions to call with each gradient that a watch recorded
# Functions of TensorFlow: an error that is raised below them comes from a gradient function.
_CALLERS = frozenset(("imperative_grad", "_MaybeCompile"))
# TensorFlow's messages about a tensor of another graph. The trace made that graph; the step has none when it runs.
_OF_TRACING = ("must be from the same graph", "cannot be accessed", "out of scope")


class StepRecord:
    """The gradients that a step has taken so far.

    ``kept`` holds objects that must outlive the trace. While ``rests`` is true, nothing is recorded. ``is_plain``: the step is
    no ``tf.function``, so it is traced with its eager meaning. ``judge`` says for each source of a gradient whether the eager
    run gets one.
    """

    rests, is_plain = False, False
    judge: Optional[Callable[[GradientCall], Sequence[bool]]] = None

    def __init__(self) -> None:
        self.gradients: List[GradientCall] = []
        self.tapes = tapes.Tapes()
        self.optimizer_calls = optimizers.OptimizerCalls()
        self.reads: List[escaped_values.Read] = []
        self.kept: List[Any] = []
        self.clones: Dict[int, Any] = {}
        self.root: Any = None
        self.thread = threading.get_ident()
        self.error: Optional[BaseException] = None
        self.finished: Optional[List[GradientCall]] = None
        self.eager: Any = None

    def begin(self) -> None:
        """Begin a trace of the step in the default graph, and drop the gradients of an earlier trace."""
        self.root, self.gradients = ops.get_default_graph(), []
        self.tapes, self.optimizer_calls, self.reads = tapes.Tapes(), optimizers.OptimizerCalls(), []

    def add(self, gradient: GradientCall) -> None:
        """Add a gradient that was taken."""
        self.gradients.append(gradient)

    def check(self, answer: Any, request: Callable[[], Tuple[GradientRequest, Any]]) -> None:
        """Check a gradient that was taken at rest."""

    def end(self) -> None:
        """End the trace of the step."""
        self.finished = self.gradients


def current_record() -> Optional[StepRecord]:
    """Return the record of the running step, or the active watch."""
    if not _ACTIVE:
        return watch_here()
    roots = {id(each.root): each for each in _ACTIVE if each.root is not None}
    if not roots:
        return watch_here()
    for graph in tapes.chain():
        if id(graph) in roots:
            return roots[id(graph)]
    thread = threading.get_ident()
    return next((each for each in reversed(_ACTIVE) if each.thread == thread), None) or watch_here()


def watch_here() -> Optional[Any]:
    """Return the active watch, unless graphcut itself traces in this thread."""
    if not WATCHES or getattr(_LOCAL, "notes", None) is not None:
        return None
    if not _ACTIVE:
        return WATCHES[-1]
    thread = threading.get_ident()
    return None if any(each.thread == thread for each in _ACTIVE) else WATCHES[-1]


class record_gradients:
    """Provide a context in which gradients are recorded."""

    def __enter__(self) -> StepRecord:
        self.made = StepRecord()
        self.applied = (CALLS.apply(), READS.apply())
        for each in self.applied:
            each.__enter__()
        _ACTIVE.append(self.made)
        return self.made

    def __exit__(self, *error: Any) -> None:
        _ACTIVE.remove(self.made)
        for each in reversed(self.applied):
            each.__exit__(None, None, None)


class Note(NamedTuple):
    """A gradient that traced code took: the function that took it, the line, and the tensors that came back.

    ``of_variables``: with respect to a variable.
    """

    api: str
    where: Optional[str]
    of_variables: bool
    answers: Tuple[Any, ...]


@contextmanager
def note_gradients() -> Iterator[List[Note]]:
    """Collect the gradients that are taken in this thread while nothing is recorded."""
    before, notes = getattr(_LOCAL, "notes", None), []  # type: ignore[var-annotated]
    with CALLS.apply():
        _LOCAL.notes = notes
        try:
            yield notes
        finally:
            _LOCAL.notes = before


def _note(api: str, sources: Any, answer: Any) -> Any:
    """Pass a gradient to the readers, if there are any, and return it."""
    notes = getattr(_LOCAL, "notes", None)
    if notes is not None and not _depth():
        variables = tf.nest.flatten(sources)
        result = (each for each in tf.nest.flatten(answer, expand_composites=True) if isinstance(each, tf.Tensor))
        notes.append(Note(api, here(), any(is_variable(each) for each in variables), tuple(result)))
    return answer


def _depth() -> int:
    return getattr(_LOCAL, "depth", 0)


def forget_parts() -> None:
    """Drop references to gradients, which the caller may have dropped."""
    _LOCAL.__dict__.pop("parts", None)


def is_suspended() -> bool:
    """Return whether recording is suspended, as inside another gradient call."""
    return bool(_depth())


@contextmanager
def suspend_recording() -> Iterator[None]:
    """Suspend recording: gradients taken inside another one, or by graphcut itself, do not count."""
    _LOCAL.depth = _depth() + 1
    try:
        yield
    finally:
        _LOCAL.depth -= 1


def _call_suspended(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return the result of a call with recording suspended."""
    with suspend_recording():
        return function(*args, **kwargs)


def _call_without_recording(function: Any, args: Any, kwargs: Any) -> Any:
    """Return the result of a call with recording suspended, without the slow context manager."""
    _LOCAL.depth = _depth() + 1
    try:
        return function(*args, **kwargs)
    finally:
        _LOCAL.depth -= 1


# The parameters of the tape's methods, in all versions. A user's replacement of a method may have other names.
_PARAMETERS = {
    "gradient": ("self", "target", "sources", "output_gradients", "unconnected_gradients"),
    "jacobian": ("self", "target", "sources", "unconnected_gradients"),
    "batch_jacobian": ("self", "target", "source", "unconnected_gradients"),
}
_NO_TENSOR = "it is not a tensor but a %s, and TensorFlow raises %s: %s"
# TensorFlow's own code that uses a tape inside the user's forward pass.
_OWN_TAPES = "eager/forwardprop.py"
_OF_AUTOGRAPH = os.path.join("python", "autograph", "")
_CONVERTED = 24  # frames of converted code between a call and its caller


def _of_tape(name: str, original: Any) -> Any:
    """Wrap a method of the tape that takes a gradient."""

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # of pytest and IPython
        try:
            if _depth():
                return original(*args, **kwargs)
            if _is_of_forward_mode():
                return _call_without_recording(original, args, kwargs)
            return _taken_of_tape(name, original, args, kwargs)
        except BaseException as error:
            remove_own_frames(error)
            raise

    return wrapper


def _taken_of_tape(name: str, original: Any, args: Any, kwargs: Any) -> Any:
    """Call a method of the tape, and record the gradient or note it, as the current state asks for."""
    record = current_record()
    if record is not None and record.rests:
        answer = _call_without_recording(original, args, kwargs)
        record.check(answer, functools.partial(_request_of, name, args, kwargs))
        return answer
    if record is None:
        return _note(
            "tape." + name, _sources(_arguments_by_name(name, args, kwargs)), _call_suspended(original, *args, **kwargs)
        )
    request, tape = _request_of(name, args, kwargs)
    return _record_call(record, request, tape, original, args, kwargs)


def _is_of_forward_mode() -> bool:
    """Return whether forward-mode differentiation calls the wrapper; in TensorFlow 2.1, AutoGraph has converted its code."""
    frame: Any = sys._getframe(2)
    if _OF_AUTOGRAPH not in frame.f_code.co_filename:
        return bool(frame.f_code.co_filename.endswith(_OWN_TAPES))
    for _ in range(_CONVERTED):
        if frame is None or frame.f_code.co_name.endswith("_jvp_helper"):
            return frame is not None
        frame = frame.f_back
    return False


def _arguments_by_name(name: str, args: Any, kwargs: Any) -> Dict[str, Any]:
    """Return the arguments of a call of a tape's method, by name."""
    return dict(zip(_PARAMETERS[name], args), **kwargs)


def _sources(arguments: Dict[str, Any]) -> Any:
    return arguments.get("sources", arguments.get("source"))


def _request_of(name: str, args: Any, kwargs: Any) -> Tuple[GradientRequest, Any]:
    """Return the request to a tape, and the tape."""
    arguments = _arguments_by_name(name, args, kwargs)
    zeros, starts = arguments.get("unconnected_gradients"), arguments.get("output_gradients")
    return GradientRequest("tape." + name, arguments.get("target"), _sources(arguments), (), zeros, starts), args[0]


def _of_gradients(original: Any) -> Any:
    """Wrap the function that ``tf.gradients`` and TensorFlow's own code call."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            if _depth() or not sys._getframe(1).f_code.co_filename.endswith("gradients_impl.py"):
                return _keep_parts(_call_suspended(original, *args, **kwargs))
            return _taken_of_graph(signature, original, args, kwargs)
        except BaseException as error:
            remove_own_frames(error)
            raise

    return wrapper


def _taken_of_graph(signature: inspect.Signature, original: Any, args: Any, kwargs: Any) -> Any:
    """Do the same for the function that ``tf.gradients`` calls."""
    record = current_record()
    arguments = signature.bind(*args, **kwargs).arguments
    if record is None:
        return _note("tf.gradients", arguments["xs"], _keep_parts(_call_suspended(original, *args, **kwargs)))
    zeros, stops = arguments.get("unconnected_gradients"), arguments.get("stop_gradients")
    request = GradientRequest(
        "tf.gradients", arguments["ys"], arguments["xs"], () if stops is None else stops, zeros, arguments.get("grad_ys")
    )
    return _record_call(record, request, None, original, args, kwargs)


def _of_parts(original: Any) -> Any:
    """Wrap the function that takes a tape's gradients with respect to plain tensors."""

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return _keep_parts(original(*args, **kwargs))
        except BaseException as error:
            remove_own_frames(error)
            raise

    return wrapper


def _keep_parts(answer: Any) -> Any:
    """Return the gradients unchanged and keep them, because they may be the components of the returned composite tensors."""
    _LOCAL.parts = answer
    return answer


def _record_call(record: StepRecord, request: GradientRequest, tape: Any, original: Any, args: Any, kwargs: Any) -> Any:
    """Take the gradient, and record its arguments and its answer."""
    graph = request.graph()
    if graph is None and record.eager is not None:
        return _noted_eagerly(record, request, tape, lambda: _call_suspended(original, *args, **kwargs))
    gradient_call = None if graph is None else _record_call_of(record, request, tape, graph)
    is_of_number = record.is_plain and tape is not None and any(map(is_number, request.targets))
    try:
        if is_of_number:
            raise AttributeError("'float' object has no attribute 'dtype'")  # as an eager tape does
        answer = _call_suspended(original, *args, **kwargs)
    except Exception as error:  # noqa: BLE001 - a gradient function of the user's may raise anything
        if gradient_call is not None and is_of_number:
            record.add(replace(gradient_call, changed=_NO_TENSOR % ("float", type(error).__name__, error)))
        elif gradient_call is not None and _is_answer(error):
            record.error = error
            record.add(replace(gradient_call, error="%s: %s" % (type(error).__name__, error)))
        raise
    if gradient_call is not None:
        parts = _LOCAL.__dict__.pop("parts", ())
        answer, parts = _as_run_eagerly(record, request, gradient_call, answer, parts)
        record.add(replace(gradient_call, answers=request.has_gradients(answer, parts)))
    return answer


def _as_run_eagerly(
    record: StepRecord, request: GradientRequest, gradient_call: GradientCall, answer: Any, parts: Sequence[Any]
) -> Tuple[Any, Sequence[Any]]:
    """Return the answer and its parts without the zeros that TensorFlow fills in at conditionals and loops of plain code.

    An eager tape answers ``None`` there, and the step may depend on that.
    """
    flat = tf.nest.flatten(answer)
    if record.judge is None or request.zeros or len(flat) != len(request.pairs) or not has_eager_calls(gradient_call.message):
        return answer, parts
    values = [each if has else None for each, has in zip(flat, record.judge(gradient_call))]
    return tf.nest.pack_sequence_as(answer, values), values


def _is_answer(error: Exception) -> bool:
    """Return whether TensorFlow raises because an op has no gradient, or a gradient function raises."""
    missing = isinstance(error, LookupError) and not isinstance(error, (KeyError, IndexError))
    if missing or "Num gradients" in str(error):
        return True
    return _is_raised_inside(error) and not any(each in str(error) for each in _OF_TRACING)


def _is_raised_inside(error: Exception) -> bool:
    """Return whether the error comes from a nested gradient call."""
    trace, inside = error.__traceback__, False
    while trace is not None:
        if inside:
            return True
        inside, trace = trace.tb_frame.f_code.co_name in _CALLERS, trace.tb_next
    return False


def _noted_eagerly(record: Any, request: GradientRequest, tape: Any, take: Callable[[], Any]) -> Any:
    """Take a gradient eagerly, and record its arguments and its answer."""
    gradient_call = record.seen_eagerly(request, tape)
    try:
        answer = take()
    except Exception as error:  # noqa: BLE001 - a gradient function of the user's may raise anything
        words = "%s: %s" % (type(error).__name__, error)
        plain = [type(each).__name__ for each in request.targets if isinstance(each, eager_ops.PLAIN)]
        if plain:
            record.add_eager(gradient_call, request, None, note=_NO_TENSOR % (plain[0], type(error).__name__, error))
        elif _is_answer(error):
            record.add_eager(gradient_call, request, None, error=words)
        raise
    record.add_eager(gradient_call, request, request.has_gradients(answer, _LOCAL.__dict__.pop("parts", ())))
    return answer


def _record_call_of(record: StepRecord, request: GradientRequest, tape: Any, graph: Any) -> GradientCall:
    request.capture(graph)
    inside, message = stand_ins_in(graph), serialize_graph(graph)
    message = mark_eager_calls(message) if record.is_plain and tape is not None and in_plain_code() else message
    record.kept += [request.targets, request.pairs, [outer for outer, _ in captures(graph)]]
    return GradientCall(
        request.api, graph, message, inside,
        tuple(name for name in (name_in(each, graph, inside) for each in request.targets) if name),
        tuple(sources(request.pairs, graph, inside)),
        tuple(name for name in (name_in(variable_of(each), graph, inside) for each in request.stops) if name),
        _tape_record_of(record, tape, graph, inside),
        request.zeros,
        here(),
        call(),
        starts=tuple(request.begins(lambda each: name_in(each, graph, inside))),
        outer_graphs=tuple(_outer_records(record, tape, graph)),
    )  # fmt: skip


def _tape_record_of(
    record: StepRecord, tape: Any, graph: Any, inside: Dict[int, str], inner: Sequence[Any] = ()
) -> Optional[Tape]:
    """Return the record of a tape for a graph."""
    return None if tape is None else record.tapes.facts(tape, graph, lambda each: name_in(each, graph, inside), inner)


def _outer_records(record: StepRecord, tape: Any, graph: Any) -> Iterator[Tuple[Any, Optional[Tape]]]:
    inner = [graph]
    for each in graphs_around(graph, record.root):
        yield each, _tape_record_of(record, tape, each, stand_ins_in(each), inner)
        inner = [*inner, each]


def _calls() -> Iterator[Patch]:
    for name in ("gradient", "jacobian", "batch_jacobian"):
        yield Patch(backprop.GradientTape, name, functools.partial(_of_tape, name))
    yield Patch(gradients_util, "_GradientsHelper", _of_gradients)
    yield Patch(imperative_grad, "imperative_grad", _of_parts)
    yield from tapes.patches(_tapes)
    yield from replica_threads.patches()
    yield from traceback_filters.patches()


def _tapes() -> Optional[tapes.Tapes]:
    """Return the records of the active tapes.

    Every call of a traced function asks for them, so the likely case comes first.
    """
    if getattr(_LOCAL, "depth", 0):
        return None
    is_plain = WATCHES and not _ACTIVE and getattr(_LOCAL, "notes", None) is None
    record = WATCHES[-1] if is_plain else current_record()
    return None if record is None else record.tapes


def _reads() -> Iterator[Patch]:
    yield tapes.reading_patch(_tapes)
    yield from escaped_values.patches(lambda: None if _depth() else getattr(current_record(), "reads", None))
    yield from optimizers.patches(lambda: None if _depth() else getattr(current_record(), "optimizer_calls", None))


CALLS = Patches(lambda: tuple(_calls()))
READS = Patches(lambda: tuple(_reads()))
