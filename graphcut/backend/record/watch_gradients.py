"""Watching code that runs for real: every gradient that it takes is noted, in graphs that are built and eagerly."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Callable, Dict, Hashable, Iterator, List, Optional, Set, Tuple

import tensorflow as tf
from tensorflow.python.framework import func_graph

from graphcut.analysis.tape_record import GradientCall
from graphcut.backend.live.source_locations import call, here
from graphcut.backend.live.variable_objects import handle_of, variable_of
from graphcut.backend.record import eager_graph, eager_ops, gradient_calls, tapes
from graphcut.backend.record.gradient_call import Asked
from graphcut.backend.record.nested_graphs import joined
from graphcut.backend.record.patches import Patch, Patches

_DISTINCT = 64  # gradients of one call; what differs after that differs in every iteration
_EVER = 2**62


class Handed:
    """What optimizers were handed, by the ``id`` of the variable."""

    def __init__(self) -> None:
        self._given: Dict[int, bool] = {}

    def note(self, pairs: Any) -> None:
        """An optimizer is handed gradients, or ``None``, with the variables that they are for."""
        for gradient, variable in (each for each in pairs if isinstance(each, (tuple, list)) and len(each) == 2):
            key = id(variable_of(variable))
            self._given[key] = self._given.get(key, False) or gradient is not None

    def given(self) -> Dict[int, bool]:
        """Whether a gradient was ever handed over for a variable."""
        return self._given


class _Reads:
    """Values of variables that Python is given."""

    def __init__(self, eager: eager_ops.EagerOps) -> None:
        self._eager = eager

    def append(self, read: Any) -> None:
        """The value of a variable left TensorFlow."""
        self._eager.escaped(handle_of(read.variable))


class Watch(gradient_calls.Recording):
    """What watched code took so far. ``on_gradient`` is called after each, with whether it was taken before."""

    def __init__(self, on_gradient: Callable[[int, bool], None] = lambda count, repeated: None) -> None:
        super().__init__()
        self.eager = eager_ops.EagerOps()
        self.handed: Any = Handed()
        self.reads: Any = _Reads(self.eager)
        self.eager.is_recorded = lambda: self.tapes.records
        self.on_gradient = on_gradient
        self._signatures: Dict[Hashable, Set[Hashable]] = {}
        self._graphs: Set[int] = set()

    def add(self, gradient: GradientCall) -> None:
        """A gradient was taken in a graph that is being built."""
        kept, self.kept = self.kept, []
        key = (gradient.message, gradient.targets, gradient.answers, gradient.error)
        names = tuple((each.facts.name, each.facts.tensors) for each in gradient.sources)
        new = self._is_new(gradient.call, hash((key, names)))
        if new:
            self._graphs.update(id(graph) for graph in (gradient.graph, *(graph for graph, _ in gradient.around)))
            self.gradients.append(replace(gradient, owner=kept))
        self._tell(new)

    def seen_eagerly(self, asked: Asked, tape: Any) -> Optional[eager_graph.EagerCall]:
        """A gradient is about to be taken eagerly."""
        with eager_ops.suspended(), self._guarded():
            return eager_graph.EagerCall(self.eager, asked, None if tape is None else self._watched(tape))
        return None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever goes wrong here, the watched code goes on; it is told when the audits are asked for."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self.eager.problems.append("a gradient at %s: %s: %s" % (here(), type(error).__name__, error))

    def add_eager(
        self, seen: Optional[eager_graph.EagerCall], asked: Asked, answers: Optional[Tuple[bool, ...]], error: str
    ) -> None:
        """It was taken, or TensorFlow raised."""
        key, new = call(), False
        if seen is None:
            return
        with eager_ops.suspended(), gradient_calls.suspend_recording(), self._guarded():
            new = self._is_new(key, seen.signature((answers, error)))
            if new:
                self.gradients.append(eager_graph.written(seen, asked.api, here(), key, answers, error))
        self._tell(new)

    def keeps(self, graph: Any) -> bool:
        """Whether a graph must stay as it is until the gradients taken in it are audited."""
        return id(graph) in self._graphs

    def taken(self) -> Iterator[GradientCall]:
        """The gradients, in the order first taken."""
        given = self.handed.given()
        for each in self.gradients:
            sources = tuple(
                replace(source, handed=given.get(source.identity) if source.is_variable else None) for source in each.sources
            )
            yield joined(replace(each, sources=sources))

    def _is_new(self, key: Hashable, signature: Hashable) -> bool:
        known = self._signatures.setdefault(key, set())
        new = signature not in known and len(known) < _DISTINCT
        if new:
            known.add(signature)
        return new

    def _tell(self, new: bool) -> None:
        self.on_gradient(len(self.gradients), not new)

    def _watched(self, tape: Any) -> eager_graph.Watched:
        noted, own = self.tapes.noted(tape), id(self.eager)
        spans = tuple((start.get(own, 0), _EVER if end is None else end.get(own, 0)) for start, end in noted.spans)
        told = {id(each) for each, _ in noted.watched}
        watched: List[Tuple[int, int]] = [(id(_tensor(each)), when.get(own, 0)) for each, when in noted.watched]
        for each in tape.watched_variables():
            if id(each) in noted.accessed or id(each) not in told:
                watched.append((id(_tensor(each)), noted.accessed.get(id(each), {}).get(own, 0)))
        pauses = tuple((start.get(own, 0), end.get(own, 0)) for start, end in self.tapes.pauses)
        return eager_graph.Watched(spans, tuple(watched), tape._watch_accessed_variables, pauses, noted.began_before)


def _tensor(value: Any) -> Any:
    inner = variable_of(value)
    return handle_of(inner) if isinstance(inner, tf.Variable) else inner


class watching:
    """A context in which the gradients that code takes are noted."""

    def __init__(self, on_gradient: Callable[[int, bool], None] = lambda count, repeated: None) -> None:
        self.watch = Watch(on_gradient)

    def __enter__(self) -> Watch:
        self._applied = [gradient_calls.PATCHES.applied(), _PATCHES.applied()]
        for each in self._applied:
            each.__enter__()
        self._eager = self.watch.eager if tf.executing_eagerly() else None
        if self._eager is not None:
            self._eager.__enter__()
        tapes.EAGER.append(self.watch.eager)
        gradient_calls.WATCHES.append(self.watch)
        return self.watch

    def __exit__(self, *error: Any) -> None:
        gradient_calls.WATCHES.remove(self.watch)
        tapes.EAGER.remove(self.watch.eager)
        if self._eager is not None:
            self._eager.__exit__(*error)
        for each in reversed(self._applied):
            each.__exit__(None, None, None)


def _eager() -> Optional[eager_ops.EagerOps]:
    watch = gradient_calls.current()
    return None if watch is None else watch.eager


def _patches() -> Iterator[Patch]:
    yield from eager_ops.patches(_eager)

    def dismantling(original: Any) -> Any:
        def dismantle_func_graph(graph: Any) -> None:
            if not any(each.keeps(graph) for each in gradient_calls.WATCHES):
                original(graph)

        return dismantle_func_graph

    yield Patch(func_graph, "dismantle_func_graph", dismantling)


_PATCHES = Patches(lambda: tuple(_patches()))
