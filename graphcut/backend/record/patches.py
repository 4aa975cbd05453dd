"""TensorFlow's ways of taking a gradient, wrapped while a step is traced, and put back after it.

However many steps are traced at once, in however many threads, the wrappers are put in once and taken out by the last.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List, NamedTuple, Sequence, Tuple

Wrapping = Callable[[Any], Any]


class Patch(NamedTuple):
    """An attribute of a class or module, and what makes its wrapper out of the original."""

    owner: Any
    name: str
    wrapping: Wrapping


class Patches:
    """Patches that are in place as long as anybody needs them."""

    def __init__(self, patches: Callable[[], Sequence[Patch]]) -> None:
        self._patches, self._lock, self._users = patches, threading.Lock(), 0
        self._originals: List[Tuple[Any, str, Any]] = []

    @contextmanager
    def applied(self) -> Iterator[None]:
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
            for owner, name, wrapping in self._patches():
                original = vars(owner)[name]
                self._originals.append((owner, name, original))
                setattr(owner, name, wrapping(original))
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        while self._originals:
            setattr(*self._originals.pop())
