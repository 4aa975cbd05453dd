"""Record, at low cost and without a watch, what explanations of ``None`` gradients need.

A gradient that is taken in a graph can be explained by that graph. Eager code leaves nothing that could be read afterwards, so
its ops are recorded for a while (*awake*): from the start until a gradient call repeats, which is one step of a loop, and
again from an incomplete gradient until its call repeats. Each time, the number of ops and of calls of one traced function is
limited. Otherwise (at *rest*) only the answers are checked, and little is known about a ``None``.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any, Callable, Deque, Dict, Hashable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import tensorflow as tf
from tensorflow.python.eager import context

from graphcut.analysis.tape_record import GradientCall, UnrecordedSource
from graphcut.backend.live.source_locations import call, here
from graphcut.backend.live.variable_objects import variable_of
from graphcut.backend.record import eager_graph, eager_ops, gradient_calls, tapes, watch_gradients
from graphcut.backend.record.gradient_call import GradientRequest
from graphcut.backend.record.missing_gradient_warnings import Complaints, Explanation
from graphcut.backend.record.nested_graphs import join_outer_graph

_MOST_OPS = 20000  # ops that are recorded at a time; a step of a large model executes several thousand
_MOST_CALLS = 10  # recorded calls of one traced function: a function that is called more often is a loop itself
_KEPT = 4
_WAKES = 3  # how often one gradient call is recorded


@dataclass(frozen=True)
class MissingGradient:
    """An incomplete gradient: ``lacking`` has the ``id`` of each variable and tensor whose gradient is ``None``.

    ``gradient`` is its record; without a record, ``known`` holds the known facts. ``loss_dtypes`` are the dtypes of its
    targets.
    """

    call: Hashable
    where: Optional[str]
    thread: int
    lacking: Tuple[int, ...]
    gradient: Optional[GradientCall] = None
    known: Tuple[UnrecordedSource, ...] = ()
    loss_dtypes: Tuple[str, ...] = ()

    def whole(self) -> Optional[GradientCall]:
        """Return its record, joined with the outer graphs."""
        return None if self.gradient is None else join_outer_graph(self.gradient)


Explain = Callable[[MissingGradient], str]


class MissingGradients(watch_gradients.Watch):
    """Check every gradient that is taken in the process. ``explain`` returns the text for an incomplete one."""

    def __init__(self, explain: Explain) -> None:
        self._awake = True
        self._lock = threading.RLock()
        self._tapes: Any = tapes.Tapes()
        super().__init__()
        self._explain = explain
        self._found: Deque[MissingGradient] = deque(maxlen=_KEPT)
        self._texts: Dict[Hashable, str] = {}
        self._told: Set[Hashable] = set()
        self._taken: Set[Hashable] = set()
        self._wakes: Dict[Hashable, int] = {}
        self._applied: List[Any] = []
        self._complaints = Complaints(self.explanation)
        self.eager = _Limited(self.sleep)
        self.eager.is_recorded = lambda: self._tapes.records
        self.eager.is_taking_gradient = gradient_calls.is_suspended
        self._tapes.before_push = self.eager.attach
        self._awake = False

    def start(self) -> None:
        """Start to check every gradient call."""
        self._calls = gradient_calls.CALLS.apply()
        self._calls.__enter__()
        gradient_calls.WATCHES.insert(0, self)
        gradient_calls.OBSERVERS.append(self)
        self._complaints.start()
        self.wake()

    def stop(self) -> None:
        """Restore everything."""
        self.sleep()
        gradient_calls.OBSERVERS.remove(self)
        gradient_calls.WATCHES.remove(self)
        self._calls.__exit__(None, None, None)
        self._complaints.restore()
        self._found.clear()

    @property
    def rests(self) -> bool:  # type: ignore[override]
        """Return whether nothing is recorded now: code executes eagerly and recording is at rest."""
        return not self._awake and context.executing_eagerly()

    @property
    def tapes(self) -> Any:
        """The records of tapes; ``None`` while nothing is recorded."""
        return self._tapes if self._awake or not context.executing_eagerly() else None

    @tapes.setter
    def tapes(self, value: Any) -> None:
        self._tapes = value

    def wake(self) -> None:
        """Start to record eager ops, in this thread and in every thread with a recording tape."""
        with self._lock:
            if self._awake or not context.executing_eagerly():
                return
            self._applied = [gradient_calls.READS.apply(), watch_gradients.PATCHES.apply()]
            for each in self._applied:
                each.__enter__()
            self._awake = True
            self._taken.clear()
            tapes.EAGER.append(self.eager)
            self.eager.allow(_MOST_OPS)
            self.eager.attach()

    def sleep(self) -> None:
        """Stop recording."""
        with self._lock:
            if not self._awake:
                return
            self._awake = False
            self.eager.detach()
            self.eager.forget_all()
            tapes.EAGER.remove(self.eager)
            while self._applied:
                self._applied.pop().__exit__(None, None, None)

    def afresh(self, function: Any) -> Any:
        """Return the function unchanged, because nothing is traced again."""
        return function

    def keeps(self, graph: Any) -> bool:
        """Return false, because no graph is kept."""
        return False

    def check(self, answer: Any, request: Callable[[], Tuple[GradientRequest, Any]]) -> None:
        """Note that a gradient was taken at rest."""
        gradient_calls.forget_parts()
        if not _has_none(answer):
            return
        with self._guarded():
            record, tape = request()
            key = call()
            new = self._note(_facts_without_record(record, tape, record.has_gradients(answer, ()), key))
            if new and self._wakes.get(key, 0) < _WAKES:
                self._wakes[key] = self._wakes.get(key, 0) + 1
                self.wake()
                self._taken.update(key[:1])

    def add(self, gradient: GradientCall) -> None:
        """Add a gradient that was taken in a graph under construction."""
        kept, self.kept = self.kept, []
        self.observe(replaced(gradient, owner=kept))

    def observe(self, gradient: GradientCall) -> None:
        """Handle a recorded gradient, from here or from a user's watch."""
        if gradient.answers is None or not all(gradient.answers):
            with self._guarded():
                self._note(_recorded(gradient))

    def add_eager(
        self,
        gradient_call: Any,
        request: GradientRequest,
        answers: Optional[Tuple[bool, ...]],
        error: str = "",
        note: str = "",
    ) -> None:
        """Add a gradient that was taken eagerly while awake; ``note`` is a remark on its target."""
        key = call()
        with eager_ops.suspend_eager_ops(), gradient_calls.suspend_recording(), self._guarded():
            if gradient_call is not None and (answers is None or not all(answers)):
                taken = eager_graph.write_gradient(gradient_call, request.api, here(), key, answers, error)
                self.observe(replaced(taken, changed=note))
        repeats = not self._taken.isdisjoint(key[:1])
        self._taken.update(key[:1])
        if repeats:
            self.sleep()

    def explanation(self, variables: Optional[Sequence[Any]], kind: str) -> Optional[Explanation]:
        """Return why variables have no gradient (by default, those of the last incomplete gradient); ``None`` if unknown.

        ``kind``: an ``"error"`` is explained each time, a ``"warning"`` once.
        """
        try:
            missing = self._find(variables)
            if missing is None or (kind, missing.call, missing.gradient is None) in self._told:
                return None
            text = self._text(missing)
        except Exception as error:  # noqa: BLE001 - the user's own error or warning is what counts
            self.eager.problems.append("a missing gradient: %s: %s" % (type(error).__name__, error))
            return None
        if kind != "error":
            self._told.add((kind, missing.call, missing.gradient is None))
        return Explanation(text, missing.where)

    def last(self) -> Optional[MissingGradient]:
        """Return the last incomplete gradient in this thread."""
        return self._find(None)

    def _text(self, missing: MissingGradient) -> str:
        key = (missing.call, missing.gradient is not None)
        if key not in self._texts:
            with tf.init_scope(), eager_ops.suspend_eager_ops(), gradient_calls.suspend_recording():
                self._texts[key] = self._explain(missing)
        return self._texts[key]

    def _find(self, variables: Optional[Sequence[Any]]) -> Optional[MissingGradient]:
        newest = list(self._found)[::-1]
        if variables is None:
            thread = threading.get_ident()
            return next((each for each in newest if each.thread == thread), None)
        wanted = {id(variable_of(each)) for each in variables}
        return next((each for each in newest if not wanted.isdisjoint(each.lacking)), None)

    def _note(self, missing: MissingGradient) -> bool:
        """Keep a gradient until it is explained; for each call the last one, or a recorded one that lacks the same variables.

        Returns whether it is new.
        """
        self._complaints.apply()
        for each in [each for each in self._found if each.call == missing.call]:
            self._found.remove(each)
            if missing.gradient is None and each.gradient is not None and each.lacking == missing.lacking:
                self._found.append(replaced(each, thread=missing.thread))
                return False
        self._texts.pop((missing.call, missing.gradient is not None), None)
        self._found.append(missing)
        return True

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the user's code goes on
            self.eager.problems.append("a gradient: %s: %s" % (type(error).__name__, error))


class _Limited(eager_ops.EagerOps):
    """The record of a limited number of eager ops."""

    def __init__(self, at_limit: Callable[[], None]) -> None:
        super().__init__()
        self._at_limit, self._limit = at_limit, 0
        self._calls: Dict[str, int] = {}

    def allow(self, more: int) -> None:
        """Record at most this many further ops."""
        self._limit = self.version + more

    def forget_all(self) -> None:
        """Drop all records."""
        for each in (self.pairs, self.escapes, self.written, self._calls):
            each.clear()

    def called(self, type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        """Record an op that ran, or that was built in a graph."""
        super().called(type, inputs, attrs, outputs, op_name, graph)
        if graph is None and self._is_enough(str(type)):
            self._at_limit()

    def _is_enough(self, name: str) -> bool:
        if name.startswith(("__", "b'__")):
            self._calls[name] = self._calls.get(name, 0) + 1
        return self.version > self._limit or self._calls.get(name, 0) > _MOST_CALLS


def _has_none(answer: Any) -> bool:
    """Return whether an answer is ``None``, or holds it."""
    if isinstance(answer, (list, tuple)):
        return any(each is None or (isinstance(each, (list, tuple, dict)) and _has_none(each)) for each in answer)
    if isinstance(answer, Mapping):
        return _has_none(list(answer.values()))
    return answer is None


def _recorded(gradient: GradientCall) -> MissingGradient:
    answers = gradient.answers or (False,) * len(gradient.sources)
    lacking = tuple(each.identity for each, answer in zip(gradient.sources, answers) if not answer)
    return MissingGradient(gradient.call, gradient.where, threading.get_ident(), lacking, gradient)


def _facts_without_record(request: GradientRequest, tape: Any, answers: Sequence[bool], key: Hashable) -> MissingGradient:
    """Return the known facts about an eager gradient that was not recorded."""
    sources = [variable_of(part) for _, part in request.pairs]
    read = {id(each) for each in tape.watched_variables()}
    lacking = [each for each, answer in zip(sources, answers) if not answer]
    labels = eager_graph.names_in_code(lacking)
    facts = tuple(
        _facts_about(each, label, id(each) in read, place) for place, (each, label) in enumerate(zip(lacking, labels))
    )
    dtypes = tuple(each.dtype.base_dtype.name for each in request.targets)
    return MissingGradient(key, here(), threading.get_ident(), tuple(map(id, lacking)), None, facts, dtypes)


def _facts_about(source: Any, label: str, was_read: bool, place: int) -> UnrecordedSource:
    if isinstance(source, tf.Variable):
        name = str(source.name).rpartition(":")[0]
        named = label if label and (name or "Variable").startswith("Variable") else name
        return UnrecordedSource(named, True, bool(source.trainable), was_read)
    return UnrecordedSource(label or "sources[%d]" % place, False, True, None)
