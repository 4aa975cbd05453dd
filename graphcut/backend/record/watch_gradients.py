"""Watch running code: record every gradient that it takes, in graphs under construction and eagerly."""

from __future__ import annotations

import functools
import os
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Callable, Dict, FrozenSet, Hashable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import tensorflow as tf
from tensorflow.python.eager import def_function
from tensorflow.python.framework import func_graph

from graphcut.analysis.tape_record import GradientCall, Source
from graphcut.backend.live.models import layers_in_use, models_in_training, trainable_flags
from graphcut.backend.live.source_locations import call, here
from graphcut.backend.live.variable_objects import handle_of, variable_of
from graphcut.backend.record import (
    eager_graph,
    eager_ops,
    gradient_calls,
    keras_fit,
    tapes,
    trainable_changes,
    variable_writes,
)
from graphcut.backend.record.gradient_call import GradientRequest
from graphcut.backend.record.keras_fit import lists_keras_variables
from graphcut.backend.record.missing_gradient_warnings import autograph_patches
from graphcut.backend.record.nested_graphs import join_outer_graph
from graphcut.backend.record.patches import Patch, Patches
from graphcut.backend.record.trace_step import clone
from graphcut.backend.record.trainable_changes import TrainableState, current_state
from graphcut.graph.stack_frames import is_library
from graphcut.util.own_frames import remove_own_frames
from graphcut.util.source_lines import nearby

_DISTINCT = 64  # gradients of one call; if more differ, every iteration differs
_EVER = 2**62
_NAMED = 3


class ReceivedGradients:
    """Whether an optimizer received a gradient or ``None``, by the ``id`` of each variable."""

    def __init__(self) -> None:
        self._given: Dict[int, bool] = {}

    def note(self, pairs: Any) -> None:
        """Record that an optimizer receives gradients, or ``None``, for these variables."""
        for gradient, variable in (each for each in pairs if isinstance(each, (tuple, list)) and len(each) == 2):
            key = id(variable_of(variable))
            self._given[key] = self._given.get(key, False) or gradient is not None

    def gradient_flags(self) -> Dict[int, bool]:
        """Return, by the ``id`` of each variable, whether an optimizer received a gradient for it at least once."""
        return self._given


class _Reads:
    """The values of variables that Python receives."""

    def __init__(self, eager: eager_ops.EagerOps) -> None:
        self._eager = eager

    def append(self, read: Any) -> None:
        """Record that the value of a variable left TensorFlow."""
        self._eager.escaped(handle_of(read.variable))


class Watch(gradient_calls.StepRecord):
    """The gradients that watched code took so far.

    ``on_gradient`` is called after each, with whether it was taken before.
    """

    def __init__(self, on_gradient: Callable[[int, bool], None] = lambda count, repeated: None) -> None:
        super().__init__()
        self.eager = eager_ops.EagerOps()
        self.optimizer_calls: Any = ReceivedGradients()
        self.reads: Any = _Reads(self.eager)
        self.eager.is_recorded = lambda: self.tapes.records
        self.eager.is_taking_gradient = gradient_calls.is_suspended
        self.tapes.before_push = self.eager.attach
        self.on_gradient = on_gradient
        self._signatures: Dict[Hashable, Set[Hashable]] = {}
        self._graphs: Set[int] = set()
        self._counts: List[int] = []
        self._traced: Dict[int, Any] = {}
        self.outer: Optional[Watch] = None
        # gradients of inner watches, each with the number of gradients here before it
        self._inner: List[Tuple[int, Watch, int]] = []
        self._since = ""  # variables frozen between the first trace of a function and the new one
        self.unasked: List[Optional[str]] = []  # places of gradient calls without a variable
        self.revision = 0  # counts the remarks that were added to gradients
        self._states: List[TrainableState] = []
        self._states_of: Dict[int, List[TrainableState]] = {}  # by the ``id`` of the traced function

    def add(self, gradient: GradientCall) -> None:
        """Add a gradient that was taken in a graph under construction."""
        kept, self.kept = self.kept, []
        key = (gradient.message, gradient.targets, gradient.answers, gradient.error)
        names = tuple((each.facts.name, each.facts.tensors) for each in gradient.sources)
        signature = hash((key, names))
        new = self._is_new(gradient.call, signature)
        if new:
            self._graphs.update(id(graph) for graph in (gradient.graph, *(graph for graph, _ in gradient.outer_graphs)))
            self._append(replace(gradient, owner=kept), signature)
        self._tell(new)

    def _append(self, gradient: GradientCall, signature: Hashable) -> None:
        if not gradient.sources:
            self.unasked.append(gradient.where)
            if self.outer is not None:
                self.outer.unasked.append(gradient.where)
            return
        of_model = any(map(lists_keras_variables, models_in_training()))
        owned, changed = trainable_flags(None, layers_in_use()), gradient.changed or self._since
        self.gradients.append(replace(gradient, owned=owned, of_model=of_model, changed=changed))
        self._counts.append(self.eager.version)
        if owned and not changed:
            with self._guard_recording():
                self._states.append(current_state(len(self.gradients) - 1, gradient.sources))
        for each in gradient_calls.OBSERVERS:
            each.observe(gradient)
        if self.outer is not None:
            self.outer.add_inner(self, len(self.gradients) - 1, gradient.call, signature)

    def add_inner(self, watch: Watch, place: int, key: Hashable, signature: Hashable) -> None:
        """Add a gradient that an inner watch recorded, unless it is known here."""
        if self._is_new(key, signature):
            self._inner.append((len(self.gradients), watch, place))
            self._graphs.update(watch._graphs)
            if self.outer is not None:
                self.outer.add_inner(watch, place, key, signature)

    @property
    def count(self) -> int:
        """Return the number of gradients."""
        return len(self.gradients) + len(self._inner)

    def seen_eagerly(self, asked: GradientRequest, tape: Any) -> Optional[eager_graph.EagerCall]:
        """Record a gradient that is about to be taken eagerly; return ``None`` if it cannot or need not be recorded."""
        if _is_of_py_function():
            return None
        if any(each is None for each in asked.targets):
            self.eager.problems.append("a gradient at %s: its target is None; return the loss from the function" % here())
            return None
        with eager_ops.suspend_eager_ops(), self._guard_recording():
            return eager_graph.EagerCall(self.eager, asked, None if tape is None else self._watched(tape))
        return None

    @contextmanager
    def _guard_recording(self) -> Iterator[None]:
        """Keep the watched code running if recording fails; the audits report the problem."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self.eager.problems.append("a gradient at %s: %s: %s" % (here(), type(error).__name__, error))

    def add_eager(
        self,
        seen: Optional[eager_graph.EagerCall],
        asked: GradientRequest,
        answers: Optional[Tuple[bool, ...]],
        error: str = "",
        note: str = "",
    ) -> None:
        """Add a gradient that eager code took, or for which TensorFlow raised; ``note`` is a remark on its target."""
        key, new = call(), False
        if seen is None:
            return
        with eager_ops.suspend_eager_ops(), gradient_calls.suspend_recording(), self._guard_recording():
            signature = seen.signature((answers, error, note))
            new = self._is_new(key, signature)
            if new:
                taken = eager_graph.write_gradient(seen, asked.api, here(), key, answers, error)
                self._append(replace(taken, changed=note), signature)
        self._tell(new)

    def keeps(self, graph: Any) -> bool:
        """Return whether a graph must stay as it is until the gradients taken in it are audited."""
        return id(graph) in self._graphs

    def gradients_in_order(self) -> Iterator[GradientCall]:
        """Yield the gradients, in the order first taken."""
        own, inner = list(self._taken_here()), {id(watch): list(watch._taken_here()) for _, watch, _ in self._inner}
        for place in range(len(own) + 1):
            yield from (inner[id(watch)][index] for before, watch, index in self._inner if before == place)
            yield from own[place : place + 1]

    def _taken_here(self) -> Iterator[GradientCall]:
        given = self.optimizer_calls.gradient_flags()
        for each, count in zip(self.gradients, self._counts):
            written = self._written_handles(each, count)
            known = (
                written.union(key for key, got in given.items() if got) if written or given or self.eager.successors else None
            )
            if isinstance(each.graph, eager_graph.EagerGraph) and known is not None:
                known |= self._written_handles(each, each.graph.began)
            sources = tuple(_complete_source(source, known, given, each.owned) for source in each.sources)
            changed = each.changed or _words_on_new_variables(each.sources, self.eager.successors)
            yield join_outer_graph(replace(each, sources=sources, written=known, changed=changed))

    def _written_handles(self, gradient: GradientCall, count: int) -> FrozenSet[int]:
        """Return the ``id`` of the handles written since a gradient was taken, or by the function that takes it."""
        eagerly = frozenset(key for key, when in list(self.eager.written.items()) if when > count)
        outermost = gradient.outer_graphs[-1][0] if gradient.outer_graphs else gradient.graph
        return eagerly | variable_writes.written_variables(outermost) if hasattr(outermost, "outer_graph") else eagerly

    def afresh(self, function: Any) -> Any:
        """Return a ``tf.function`` that takes its gradients in Python.

        It is the same function, or, if that was traced before the watch, a copy that is traced when it is called.
        """
        if id(function) not in self._traced:
            made = clone(function, None) if _is_traced(function) else function
            self._traced[id(function)] = self._traced[id(made)] = (function, made)
        return self._traced[id(function)][1]

    def call(self, original: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Call a ``tf.function``, whose trace takes its gradients in Python."""
        made = self.afresh(function)
        states, first = self._states_of.get(id(made)), len(self.gradients)
        if states:
            self.note_changes(states)
        if made is function or _is_traced(made):
            answer = original(made, *args, **kwargs)
        else:
            with self.trained_as_before(function):
                answer = original(made, *args, **kwargs)
        if len(self.gradients) > first:
            self._states_of[id(made)] = [each for each in self._states if each.place >= first]
        return answer

    @contextmanager
    def trained_as_before(self, function: Any) -> Iterator[None]:
        """Trace a function again with the trainable variables of its first trace, whatever was frozen since."""
        before = self._since
        with keras_fit.as_traced(function) as words:
            self._since = before or words
            try:
                yield
            finally:
                self._since = before

    def note_changes(self, states: List[TrainableState]) -> None:
        """Add a remark to each gradient whose variables were frozen or unfrozen since, without effect."""
        for each in [each for each in states if not each.is_unchanged()]:
            with self._guard_recording():
                words = each.words()
                if words:
                    self.gradients[each.place] = replace(self.gradients[each.place], changed=words)
                    self.revision += 1
                    states.remove(each)

    def after_training(self, model: Any) -> None:
        """Note what changed since a model was compiled; meanwhile Keras 2 had set the state of then."""
        self.note_changes([each for each in self._states if each.is_of(model)])

    def _is_new(self, key: Hashable, signature: Hashable) -> bool:
        known = self._signatures.setdefault(key, set())
        new = signature not in known and len(known) < _DISTINCT
        if new:
            known.add(signature)
        return new

    def _tell(self, new: bool) -> None:
        self.on_gradient(self.count, not new)
        if self.outer is not None:
            self.outer._tell(new)

    def _watched(self, tape: Any) -> eager_graph.WatchedTensors:
        noted, own = self.tapes.record_of(tape), id(self.eager)
        spans = tuple((start.get(own, 0), _EVER if end is None else end.get(own, 0)) for start, end in noted.spans)
        told = {id(each) for each, _ in noted.watched}
        watched: List[Tuple[int, int]] = [(id(_tensor(each)), when.get(own, 0)) for each, when in noted.watched]
        for each in tape.watched_variables():
            if id(each) in noted.accessed or id(each) not in told:
                watched.append((id(_tensor(each)), noted.accessed.get(id(each), {}).get(own, 0)))
        paused = [each for each in self.tapes.pauses if each.thread == threading.get_ident()]
        pauses = tuple((each.start.get(own, 0), each.end.get(own, 0)) for each in paused)
        return eager_graph.WatchedTensors(spans, tuple(watched), tape._watch_accessed_variables, pauses, noted.began_before)


def _words_on_new_variables(sources: Sequence[Source], successors: Mapping[int, eager_ops.Line]) -> str:
    """Return the remark on sources that the code replaces with new variables; empty if there are none."""
    found = [(each.facts.name, successors[each.handle][0]) for each in sources if each.handle in successors]
    if not found:
        return ""
    listed = list(dict.fromkeys(name for name, _ in found))
    names = " and ".join(listed[:_NAMED]) + " and others" * (len(listed) > _NAMED)
    return "a new variable takes the place of %s at %s; assign to it instead" % (names, nearby(found[0][1] or "?"))


def _is_of_py_function() -> bool:
    """Return whether TensorFlow itself takes this gradient, for the backward pass of a ``tf.py_function``."""
    frame: Any = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        if os.path.basename(frame.f_code.co_filename) == "script_ops.py":
            return True
        frame = frame.f_back
    return False


def _is_traced(function: Any) -> bool:
    """Return whether a ``tf.function`` was traced before."""
    if hasattr(function, "experimental_get_tracing_count"):
        return bool(function.experimental_get_tracing_count())
    return getattr(function, "_stateful_fn", None) is not None


def _complete_source(
    source: Source, written: Optional[FrozenSet[int]], given: Mapping[int, bool], owned: Mapping[int, Tuple[Any, bool]]
) -> Source:
    """Return a source with the facts that are known now.

    They are whether it was written, whether an optimizer received a gradient, and whether the models in use train it.
    """
    if not source.is_variable:
        return source
    trained = [owned[id(each)][1] for each in source.facts.objects if id(each) in owned]
    source = replace(source, facts=source.facts._replace(trainable=trained[0])) if trained else source
    updated = None if written is None else not written.isdisjoint((source.identity, source.handle))
    return replace(source, optimizer_got_gradient=given.get(source.identity), updated=updated)


def _tensor(value: Any) -> Any:
    inner = variable_of(value)
    return handle_of(inner) if isinstance(inner, tf.Variable) else inner


class GradientWatch:
    """A context in which the gradients that code takes are recorded."""

    def __init__(self, on_gradient: Callable[[int, bool], None] = lambda count, repeated: None) -> None:
        self.watch = Watch(on_gradient)

    def __enter__(self) -> Watch:
        self._applied = [gradient_calls.CALLS.apply(), gradient_calls.READS.apply(), PATCHES.apply(), _TRACES.apply()]
        for each in self._applied:
            each.__enter__()
        self.watch.outer = next((each for each in reversed(gradient_calls.WATCHES) if isinstance(each, Watch)), None)
        self.watch.eager.attach()
        tapes.EAGER.append(self.watch.eager)
        gradient_calls.WATCHES.append(self.watch)
        return self.watch

    def __exit__(self, *error: Any) -> None:
        gradient_calls.WATCHES.remove(self.watch)
        tapes.EAGER.remove(self.watch.eager)
        self.watch.eager.detach()
        for each in reversed(self._applied):
            each.__exit__(None, None, None)


def _eager() -> Optional[eager_ops.EagerOps]:
    watch = gradient_calls.current_record()
    return None if watch is None else watch.eager


def _patches() -> Iterator[Patch]:
    yield from eager_ops.patches(_eager)
    yield from autograph_patches()

    def dismantling(original: Any) -> Any:
        def dismantle_func_graph(graph: Any) -> None:
            if not any(each.keeps(graph) for each in gradient_calls.WATCHES):
                original(graph)

        return dismantle_func_graph

    yield Patch(func_graph, "dismantle_func_graph", dismantling)

    def starting(original: Any) -> Any:
        @functools.wraps(original)
        def _bootstrap_inner(thread: Any) -> Any:
            for each in gradient_calls.WATCHES:
                with suppress(Exception):  # the code that started the thread waits for it
                    each.eager.attach()
            return original(thread)

        return _bootstrap_inner

    yield Patch(threading.Thread, "_bootstrap_inner", starting)


def _of_traces() -> Iterator[Patch]:
    """Yield the patches around traces of functions.

    One traces a function again, because a function that was traced before takes no gradient in Python. The other distinguishes
    initial values of variables that a trace creates from updates.
    """

    def calling(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(function: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True  # of pytest and IPython
            watch = gradient_calls.watch_here()
            try:
                return original(function, *args, **kwargs) if watch is None else watch.call(original, function, args, kwargs)
            except BaseException as error:
                remove_own_frames(error)
                raise

        return wrapper

    for name in ("__call__", "get_concrete_function"):
        yield Patch(def_function.Function, name, calling)

    def initializing(original: Any) -> Any:
        def _initialize_uninitialized_variables(*args: Any, **kwargs: Any) -> Any:
            with eager_ops.suspend_eager_ops():  # an initial value is no update
                return original(*args, **kwargs)

        return _initialize_uninitialized_variables

    def after_training(model: Any) -> None:
        watch = gradient_calls.watch_here()
        if watch is not None:
            watch.after_training(model)

    yield from trainable_changes.patches(after_training)
    if hasattr(def_function.Function, "_initialize_uninitialized_variables"):
        yield Patch(def_function.Function, "_initialize_uninitialized_variables", initializing)


PATCHES = Patches(lambda: tuple(_patches()))
_TRACES = Patches(lambda: tuple(_of_traces()))
