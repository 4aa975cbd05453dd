"""Caches for computed values: on the object, for the lifetime of a graph, or in a bounded cache for the whole process."""

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
    """Return ``function`` with its results cached while the first argument lives.

    The results must not refer to it. The other arguments are not part of the key: they must be determined by the first.
    ``functools.lru_cache`` would keep whole graphs alive.

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
    """A cache for the whole process, limited by total weight: roughly the number of objects that the values hold.

    A value that weighs more than a sixteenth of the limit is not cached. When the limit is reached, the cache is emptied.

    >>> cache = BoundedCache(32)
    >>> cache.get("a", 2, lambda: "first"), cache.get("a", 2, lambda: "second"), cache.get("b", 3, lambda: "not kept")
    ('first', 'first', 'not kept')
    >>> len(cache)
    1
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._answers: Dict[Any, ValueT] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Any, weight: int, compute: Callable[[], ValueT]) -> ValueT:
        """Return the value for a key; compute it if it is not cached."""
        if weight > self._limit // 16:
            return compute()
        if key not in self._answers:
            value = compute()
            if self._used + weight > self._limit:
                self._answers.clear()
                self._used = 0
            self._answers[key] = value
            self._used += weight
        return self._answers[key]
