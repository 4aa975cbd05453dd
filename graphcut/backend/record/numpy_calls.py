"""Find the line where NumPy is called on a tensor; NumPy reads the tensor's memory without a callback.

The search is in the source: in the lines between the read of a variable and the creation of the constant, and in the functions
that these lines call by name.
"""

from __future__ import annotations

import re
import sys
from dis import findlinestarts
from types import FunctionType, ModuleType
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional

from graphcut.graph.stack_frames import is_library
from graphcut.util.source_lines import line_of

_NUMPY = re.compile(r"\b(?:np|numpy)\.\w+\(")
_NAME = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\(")


def numpy_line(read: str, back: str, is_argument: Optional[Callable[[Any], bool]] = None) -> Optional[str]:
    """Return the last place between two lines of a file where NumPy is called; ``None`` if there is none.

    Args:
        read: ``file:line`` where a variable was read.
        back: ``file:line`` where a constant was created after that, in running code.
        is_argument: if given, only a call counts in whose line a name stands for such a value.
    """
    path, _, first = read.rpartition(":")
    own, _, last = back.rpartition(":")
    if own != path or not last.isdigit() or not first.isdigit():
        return None
    places = ["%s:%d" % (path, number) for number in range(int(last), int(first) - 1, -1)]
    if is_argument is not None:
        scope = _scope_of(path)
        return next((each for each in places if _names_argument(line_of(each), scope, is_argument)), None)
    return _first_call(places) or _first_call(_inside_calls(path, places))


def _names_argument(text: str, scope: Mapping[str, Any], is_argument: Callable[[Any], bool]) -> bool:
    """Return whether a NumPy call in a line of source names such a value."""
    match = _NUMPY.search(text)
    return match is not None and any(is_argument(scope[name]) for name in _NAME.findall(text[match.end() :]) if name in scope)


def _first_call(places: Iterable[str]) -> Optional[str]:
    return next((place for place in places if _NUMPY.search(line_of(place))), None)


def _inside_calls(path: str, places: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the user's functions that the code at these places calls by name."""
    scope = _scope_of(path)
    for name in (name for place in places for name in _CALLED.findall(line_of(place))):
        function = _resolve(scope, name)
        code = getattr(function, "__code__", None)
        if code is not None and not is_library(code.co_filename):
            numbers = {number for _, number in findlinestarts(code) if number}
            yield from ("%s:%d" % (code.co_filename, number) for number in sorted(numbers, reverse=True))


def _scope_of(path: str) -> Dict[str, Any]:
    """Return the variables of the innermost running function of a file."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}


def _resolve(scope: Mapping[str, Any], name: str) -> Any:
    """Return the function that a name stands for, through modules only; ``None`` for any other value."""
    first, *rest = name.split(".")
    value = scope.get(first)
    for part in rest:
        value = vars(value).get(part) if isinstance(value, ModuleType) else None
    return value if isinstance(value, FunctionType) else None
