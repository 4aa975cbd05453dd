"""Find the line where NumPy is called on a tensor; NumPy reads the tensor's memory without a callback.

The search is in the source: in the lines between the read of a variable and the creation of the constant, and in the functions
that these lines call by name.
"""

from __future__ import annotations

import re
import sys
from dis import findlinestarts
from types import FunctionType, ModuleType
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional

from graphcut.graph.stack_frames import is_library
from graphcut.util.source_lines import line_of

_NUMPY = re.compile(r"\b(?:np|numpy)\.\w+\(")
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\(")


def numpy_line(read: str, back: str) -> Optional[str]:
    """Return the last place between two lines of a file where NumPy is called; ``None`` if there is none.

    Args:
        read: ``file:line`` where a variable was read.
        back: ``file:line`` where a constant was created after that, in running code.
    """
    path, _, first = read.rpartition(":")
    own, _, last = back.rpartition(":")
    if own != path or not last.isdigit() or not first.isdigit():
        return None
    places = ["%s:%d" % (path, number) for number in range(int(last), int(first) - 1, -1)]
    return _first_call(places) or _first_call(_inside_calls(path, places))


def _first_call(places: Iterable[str]) -> Optional[str]:
    return next((place for place in places if _NUMPY.search(line_of(place))), None)


def _inside_calls(path: str, places: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the user's functions that the code at these places calls by name."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    scope: Dict[str, Any] = {} if frame is None else {**frame.f_globals, **frame.f_locals}
    for name in (name for place in places for name in _CALLED.findall(line_of(place))):
        function = _resolve(scope, name)
        code = getattr(function, "__code__", None)
        if code is not None and not is_library(code.co_filename):
            numbers = {number for _, number in findlinestarts(code) if number}
            yield from ("%s:%d" % (code.co_filename, number) for number in sorted(numbers, reverse=True))


def _resolve(scope: Mapping[str, Any], name: str) -> Any:
    """Return the function that a name stands for, through modules only; ``None`` for any other value."""
    first, *rest = name.split(".")
    value = scope.get(first)
    for part in rest:
        value = vars(value).get(part) if isinstance(value, ModuleType) else None
    return value if isinstance(value, FunctionType) else None
