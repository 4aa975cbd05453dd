"""TensorFlow's ways of taking a gradient, wrapped while a step is traced, and put back after it.

However many steps are traced at once, in however many threads, the wrappers are put in once and taken out by the last.
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
    """The stacked wrappers of one attribute; they can be added and removed in any order."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name
        self._original, self._wrappings = vars(owner)[name], []  # type: ignore[var-annotated]

    def add(self, wrapping: Wrapping) -> None:
        """Put another one around."""
        setattr(self.owner, self.name, wrapping(vars(self.owner)[self.name]))
        self._wrappings.append(wrapping)

    def remove(self, wrapping: Wrapping) -> bool:
        """Leave one out; returns whether none remains."""
        self._wrappings.remove(wrapping)
        made = self._original
        for each in self._wrappings:
            made = each(made)
        setattr(self.owner, self.name, made)
        return not self._wrappings


_LAYERS: Dict[Tuple[int, str], _Layers] = {}
_LOCK = threading.RLock()


def put(patch: Patch) -> None:
    """Wrap an attribute."""
    with _LOCK:
        layers = _LAYERS.setdefault((id(patch.owner), patch.name), _Layers(patch.owner, patch.name))
        layers.add(patch.wrapping)


def take(patch: Patch) -> None:
    """Take the wrapper away that ``put`` made, whichever others came after it."""
    with _LOCK:
        key = (id(patch.owner), patch.name)
        if _LAYERS[key].remove(patch.wrapping):
            del _LAYERS[key]


class Patches:
    """Patches that are in place as long as anybody needs them."""

    def __init__(self, patches: Callable[[], Sequence[Patch]]) -> None:
        self._patches, self._lock, self._users = patches, threading.Lock(), 0
        self._applied: List[Patch] = []

    @contextmanager
    def apply(self) -> Iterator[None]:
        """With the wrappers in place."""
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
