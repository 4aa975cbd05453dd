"""Patch TensorFlow's functions while a step is traced, and restore them afterwards.

Even if many threads trace steps at the same time, each wrapper is applied once, and removed when the last trace ends.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

Wrapping = Callable[[Any], Any]


class Patch(NamedTuple):
    """An attribute of a class or module, and the function that wraps its original value."""

    owner: Any
    name: str
    wrapping: Wrapping


class _Layers:
    """The wrappers of one attribute; they can be added and removed in any order."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name
        self._original, self._wrappings = vars(owner)[name], []  # type: ignore[var-annotated]

    def add(self, wrapping: Wrapping) -> None:
        """Add a wrapper as the outermost one."""
        setattr(self.owner, self.name, wrapping(vars(self.owner)[self.name]))
        self._wrappings.append(wrapping)

    def remove(self, wrapping: Wrapping) -> bool:
        """Remove a wrapper; return whether none remains."""
        self._wrappings.remove(wrapping)
        function = self._original
        for each in self._wrappings:
            function = each(function)
        setattr(self.owner, self.name, function)
        return not self._wrappings


_LAYERS: Dict[Tuple[int, str], _Layers] = {}
_LOCK = threading.RLock()


def put(patch: Patch) -> None:
    """Wrap an attribute."""
    with _LOCK:
        layers = _LAYERS.setdefault((id(patch.owner), patch.name), _Layers(patch.owner, patch.name))
        layers.add(patch.wrapping)


def take(patch: Patch) -> None:
    """Remove the wrapper that ``put`` added, even if others were added after it."""
    with _LOCK:
        key = (id(patch.owner), patch.name)
        if _LAYERS[key].remove(patch.wrapping):
            del _LAYERS[key]


class Patches:
    """Patches that are applied as long as any context needs them."""

    def __init__(self, patches: Callable[[], Sequence[Patch]]) -> None:
        self._patches, self._lock, self._users = patches, threading.Lock(), 0
        self._applied: List[Patch] = []

    @contextmanager
    def apply(self) -> Iterator[None]:
        """Provide a context with the patches applied."""
        with self._lock:
            if not self._users:
                self._apply()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._restore()

    def _apply(self) -> None:
        try:
            for each in self._patches():
                put(each)
                self._applied.append(each)
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        while self._applied:
            take(self._applied.pop())
