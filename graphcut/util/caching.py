"""The ways to keep what was computed: on the object, beside a graph for as long as it lives, or in a bounded memory."""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable, Dict, Generic, MutableMapping, Optional, TypeVar, cast
from weakref import WeakKeyDictionary

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ValueT = TypeVar("ValueT")

if sys.version_info >= (3, 8):
    from functools import cached_property as cached_property
else:

    class cached_property(Generic[ValueT]):
        """A property that is computed once for each object (``functools.cached_property`` of Python 3.8)."""

        def __init__(self, function: Callable[..., ValueT]) -> None:
            self.function, self.name = function, function.__name__
            self.__doc__ = function.__doc__

        def __get__(self, instance: object, owner: Optional[type] = None) -> ValueT:
            if instance is None:
                return self  # type: ignore[return-value]
            value = instance.__dict__[self.name] = self.function(instance)
            return value


def cached_weakly(function: FunctionT) -> FunctionT:
    """Return ``function`` with its answers kept while the first argument lives, which they must not refer to.

    The other arguments are taken to follow from the first. ``functools.lru_cache`` would keep whole graphs alive.

    >>> class Graph:
    ...     pass
    >>> graph, calls = Graph(), []
    >>> count = cached_weakly(lambda each: len(calls) or calls.append(each) or 0)
    >>> count(graph), count(graph), len(calls)
    (0, 0, 1)
    """
    answers: MutableMapping[Any, Any] = WeakKeyDictionary()

    @functools.wraps(function)
    def cached(key: Any, *others: Any) -> Any:
        if key not in answers:
            answers[key] = function(key, *others)
        return answers[key]

    return cast(FunctionT, cached)


class BoundedCache(Generic[ValueT]):
    """Answers that are kept for the whole process, up to a total weight: about how many objects they hold.

    An answer that would take more than a sixteenth of the room is computed again each time. If the room is used up, all that
    is kept is dropped.

    >>> cache = BoundedCache(32)
    >>> cache.get("a", 2, lambda: "first"), cache.get("a", 2, lambda: "second"), cache.get("b", 3, lambda: "not kept")
    ('first', 'first', 'not kept')
    >>> len(cache)
    1
    """

    def __init__(self, room: int) -> None:
        self._room, self._used = room, 0
        self._answers: Dict[Any, ValueT] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Any, weight: int, compute: Callable[[], ValueT]) -> ValueT:
        """Return the answer for a key, computed where it is not known."""
        if weight > self._room // 16:
            return compute()
        if key not in self._answers:
            value = compute()
            if self._used + weight > self._room:
                self._answers.clear()
                self._used = 0
            self._answers[key] = value
            self._used += weight
        return self._answers[key]
