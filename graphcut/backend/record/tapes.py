"""Record what each tape of a step does: the ops between which it records, and what it watches explicitly."""

from __future__ import annotations

import functools
import threading
import weakref
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from tensorflow.python.eager import backprop
from tensorflow.python.eager import tape as tape_lib
from tensorflow.python.framework import ops

from graphcut.analysis.tape_record import Span, Tape
from graphcut.backend.live.variable_objects import captures, flatten_structure
from graphcut.backend.record.patches import Patch

Counts = Dict[int, int]
try:
    from tensorflow.python.eager import record

    _PAUSING = (record,)
except ImportError:
    _PAUSING = (tape_lib,)  # until TF 2.11

_EVER = 2**62
_WRAPPED = getattr(tape_lib, "pywrap_tfe", None) or tape_lib.pywrap_tensorflow
_NO_TAPE: Callable[[], bool] = _WRAPPED.TFE_Py_TapeSetIsEmpty
_PAUSED: Callable[[], bool] = getattr(_WRAPPED, "TFE_Py_TapeSetIsStopped", lambda: False)


def chain() -> Iterator[Any]:
    """Yield the graph under construction and its outer graphs."""
    graph = ops.get_default_graph()
    while graph is not None:
        yield graph
        graph = getattr(graph, "outer_graph", None)


EAGER: List[Any] = []  # the record of eager ops, while code is watched


def counts() -> Counts:
    """Return the number of ops in each of these graphs, by its ``id``, and the number of eager ops."""
    result = {id(graph): graph.version for graph in chain()}
    result.update((id(each), each.version) for each in EAGER)
    return result


class _Noted:
    """The record of one tape, which is not kept alive: when it recorded, and what it watches explicitly."""

    def __init__(self, tape: Any, forget: Callable[[Any], None]) -> None:
        self.reference, self.automatic = weakref.ref(tape, forget), tape._watch_accessed_variables
        self.is_new = True
        self.spans: List[Tuple[Counts, Optional[Counts]]] = []
        self.watched: List[Tuple[Any, Counts]] = []
        self.accessed: Dict[int, Counts] = {}
        self.began_before = False

    @property
    def records(self) -> bool:
        """Return whether it is recording."""
        return bool(self.spans) and self.spans[-1][1] is None


class Pause(NamedTuple):
    """A span in which the tapes of one thread did not record."""

    start: Counts
    end: Counts
    thread: int


class Tapes:
    """The tapes of one trace."""

    def __init__(self) -> None:
        self._noted: Dict[int, _Noted] = {}
        self.before_push: Callable[[], None] = lambda: None
        self.pauses: List[Pause] = []
        self.pushes = 0  # how often a tape began to record

    def pushing(self, tape: Any) -> None:
        """Note that a tape is about to record.

        If the tape already holds ops, it recorded them before the step, when it was not observed.
        """
        self.pushes += 1
        self.before_push()
        if tape._tape is not None:
            self._of(tape)
        elif id(tape) in self._noted:
            self._noted[id(tape)].is_new = True

    def pushed(self, tape: Any) -> None:
        """Handle a tape that begins to record; a new inner tape (after ``reset``) drops the old record."""
        if id(tape) not in self._noted:
            self._noted[id(tape)] = self._new(tape)
        record = self._noted[id(tape)]
        if record.is_new:
            record.spans, record.watched, record.accessed, record.began_before, record.is_new = [], [], {}, False, False
        record.spans.append((counts(), None))

    def popped(self, tape: Any) -> None:
        """Handle a tape that stops recording."""
        spans = self._of(tape).spans
        if spans:
            spans[-1] = (spans[-1][0], counts())

    def watching(self, tape: Any, tensor: Any) -> None:
        """Record that ``watch`` is called on a tape."""
        self._of(tape).watched += [(each, counts()) for each in flatten_structure(tensor)]

    def accessed(self, variable: Any) -> None:
        """Handle the read of a trainable variable: every recording tape that watches automatically watches it from now on."""
        for record in list(self._noted.values()):
            if record.records and record.automatic and id(variable) not in record.accessed:
                record.accessed[id(variable)] = counts()

    def facts(self, tape: Any, graph: Any, name: Callable[[Any], str], inner: Sequence[Any] = ()) -> Tape:
        """Return the facts about a tape for one graph; ``inner`` are the graphs built inside it, innermost first."""
        record = self._of(tape)
        spans = tuple(_span(start, end, id(graph)) for start, end in record.spans)
        watched = [(name(each), when) for each, when in record.watched]
        watched_ids = {id(each) for each, _ in record.watched}
        for each in tape.watched_variables():
            if id(each) in record.accessed or id(each) not in watched_ids:
                watched.append((name(each), record.accessed.get(id(each), {})))
        reads = [(each, when, _depth([*inner, graph], when)) for each, when in watched if each]
        places = tuple((each, when.get(id([*inner, graph][depth]), 0)) for each, when, depth in reads)
        depths = tuple(depth for _, _, depth in reads) if inner else ()
        captured = frozenset(inner.name for _, inner in captures(graph))
        return Tape(
            spans, places, tape._watch_accessed_variables, self._paused(id(graph)), depths=depths, placeholders=captured,
            began_before=record.began_before,
        )  # fmt: skip

    @property
    def records(self) -> bool:
        """Return whether any tape is recording."""
        return any(each.records for each in list(self._noted.values()))

    def record_of(self, tape: Any) -> _Noted:
        """Return the record of a tape."""
        return self._of(tape)

    def _new(self, tape: Any) -> _Noted:
        key, records = id(tape), self._noted

        def forget(reference: Any) -> None:
            if key in records and records[key].reference is reference:
                del records[key]
            if not records:
                self.pauses.clear()

        return _Noted(tape, forget)

    def _paused(self, graph: int) -> FrozenSet[int]:
        spans = ((each.start.get(graph, 0), each.end.get(graph, 0)) for each in self.pauses)
        return frozenset(position for start, end in spans for position in range(start, end))

    def _of(self, tape: Any) -> _Noted:
        """Return the record of a tape; a tape that the trace has not seen yet began to record before the trace."""
        if id(tape) not in self._noted:
            record = self._noted[id(tape)] = self._new(tape)
            record.is_new, record.began_before = False, True
            record.spans += [({}, None)] if tape._recording else []
        return self._noted[id(tape)]


def _depth(graphs: Sequence[Any], when: Counts) -> int:
    """Return the index of the first graph, innermost first, that has the event."""
    return next((place for place, graph in enumerate(graphs) if id(graph) in when), len(graphs) - 1)


def _span(start: Counts, end: Optional[Counts], graph: int) -> Span:
    """Return a span in one graph; a span that ended before the graph existed is empty in it."""
    return start.get(graph, 0), _EVER if end is None else end.get(graph, 0)


def _wrap_note_after(original: Any, note: Callable[..., None], noting: Callable[[], Optional[Tapes]]) -> Any:
    @functools.wraps(original)
    def wrapper(tape: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(tape, *args, **kwargs)
        tapes = noting()
        if tapes is not None:
            note(tapes, tape, *args, **kwargs)
        return answer

    return wrapper


def _wrap_recording_method(original: Any, noting: Callable[[], Optional[Tapes]]) -> Any:
    """Wrap the method that lets a tape record."""

    @functools.wraps(original)
    def wrapper(tape: Any) -> Any:
        tapes = noting()
        if tapes is None:
            return original(tape)
        tapes.pushing(tape)
        answer = original(tape)
        tapes.pushed(tape)
        return answer

    return wrapper


class _RecordPause:
    """Provide a context in which tapes do not record, and note it. Each call of a function enters one: it must be fast.

    A pause is kept only if a tape may record in it; otherwise, every traced step would add one.
    """

    __slots__ = ("_tapes", "_context", "_start", "_pushes")

    def __init__(self, tapes: Tapes, pause: Any) -> None:
        self._tapes, self._context = tapes, pause

    def __enter__(self) -> None:
        self._start = counts()
        self._pushes = self._tapes.pushes if _NO_TAPE() else -1
        self._context.__enter__()

    def __exit__(self, *error: Any) -> Any:
        try:
            return self._context.__exit__(*error)
        finally:
            if self._pushes != self._tapes.pushes:
                self._tapes.pauses.append(Pause(self._start, counts(), threading.get_ident()))


def patches(noting: Callable[[], Optional[Tapes]]) -> Iterator[Patch]:
    """Yield the patches that record tapes; ``noting`` returns the tapes of the current trace."""

    def after(original: Any, note: Callable[..., None]) -> Any:
        return _wrap_note_after(original, note, noting)

    def pausing(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper() -> Any:
            found = noting()
            return original() if found is None else _RecordPause(found, original())

        return wrapper

    for module in _PAUSING:
        yield Patch(module, "stop_recording", pausing)
    yield Patch(backprop.GradientTape, "_push_tape", lambda original: _wrap_recording_method(original, noting))
    yield Patch(backprop.GradientTape, "_pop_tape", lambda original: after(original, Tapes.popped))
    yield Patch(backprop.GradientTape, "watch", lambda original: after(original, Tapes.watching))


def reading_patch(noting: Callable[[], Optional[Tapes]]) -> Patch:
    """Return the patch that records reads of variables."""

    def reading(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(variable: Any) -> Any:
            found = noting()
            if found is not None and not _PAUSED():
                found.accessed(variable)
            return original(variable)

        return wrapper

    return Patch(_WRAPPED, "TFE_Py_TapeVariableAccessed", reading)
