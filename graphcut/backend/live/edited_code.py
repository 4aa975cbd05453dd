"""Trace a user's functions as if their source had been edited, and leave everything as it was.

No module is executed again. The edited source is compiled; each live function that contains an edit gets the edited code while
the ``with`` block runs. Meanwhile the edited text is in ``linecache``, under a separate name, where AutoGraph looks for it.
Each ``tf.function`` is traced again through a private clone.
"""

from __future__ import annotations

import contextlib
import gc
import io
import linecache
import os
import sys
import types
import warnings
from contextlib import contextmanager
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from tensorflow.python.eager import def_function

from graphcut.backend.live.gradient_registry import restore_registry
from graphcut.backend.record.patches import Patch, Patches
from graphcut.backend.record.restore_objects import same_random_states, undone

_FUNCTION = def_function.Function
_GENERATED = "__autograph_generated_file"
_CLONES: List[Dict[int, Any]] = []
Code = types.CodeType


class FileEdit(NamedTuple):
    """The text of a file before and after, and the functions (name and first line, before) that the edit lies in."""

    before: str
    after: str
    functions: FrozenSet[Tuple[str, int]]


@contextmanager
def edit_functions(source: Any, files: Mapping[str, FileEdit]) -> Iterator[bool]:
    """Edit the functions while the block runs; yield false if they are not alive, or differ from their file."""
    exchanges = [each for path, edit in files.items() for each in _exchanges(path, edit) or (None,)]
    edits = [each for each in exchanges if each is not None]
    if not edits or len(edits) < len(exchanges):
        yield False
        return
    names = [_virtual(path) for path in files]
    try:
        for name, edit in zip(names, files.values()):
            linecache.cache[name] = (len(edit.after), None, edit.after.splitlines(keepends=True), name)
        for function, _, after in edits:
            function.__code__ = after
        with _quiet(), restore_registry(), _same_modules(), same_random_states(), undone(source), _fresh_functions():
            yield True
    finally:
        for function, before, _ in edits:
            function.__code__ = before
        for name in names:
            linecache.cache.pop(name, None)


def _virtual(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, "edited." + name)


def _exchanges(path: str, edit: FileEdit) -> Optional[List[Tuple[Any, Code, Code]]]:
    """Return the live functions to edit, with their code before and after; ``None`` if that is impossible."""
    try:
        before = dict(_codes(compile(edit.before, path, "exec", dont_inherit=True)))
        after = dict(_codes(compile(edit.after, _virtual(path), "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return None
    pairs = [(code, after.get(name)) for name, code in before.items() if (code.co_name, code.co_firstlineno) in edit.functions]
    if any(code is None or code.co_freevars != each.co_freevars for each, code in pairs):
        return None
    places = {(code.co_name, code.co_firstlineno): (code, other) for code, other in pairs}
    result = []
    for function in _functions(path):
        known = places.get((function.__code__.co_name, function.__code__.co_firstlineno))
        # otherwise the file was changed since
        if known is not None and known[1] is not None and function.__code__ == known[0]:
            result.append((function, function.__code__, known[1]))
    return result or None


def _functions(path: str) -> List[Any]:
    kind = types.FunctionType  # a single name look-up matters for millions of objects
    return [each for each in gc.get_objects() if type(each) is kind and each.__code__.co_filename == path]


def _codes(code: Code, name: Tuple[Any, ...] = ()) -> Iterator[Tuple[Tuple[Any, ...], Code]]:
    """Yield the code of each function with its path: the names, and an index among functions of that name."""
    counts: Dict[str, int] = {}
    for each in code.co_consts:
        if isinstance(each, Code):
            own = (*name, (each.co_name, counts.setdefault(each.co_name, 0)))
            counts[each.co_name] += 1
            yield own, each
            yield from _codes(each, own)


@contextmanager
def _same_modules() -> Iterator[None]:
    """Drop, at the end, the modules that AutoGraph makes from the traced code; its functions need no entry."""
    before = frozenset(sys.modules)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name not in before and _is_generated(name)]:
            del sys.modules[name]


def _is_generated(name: str) -> bool:
    """Return whether AutoGraph made a module; up to TensorFlow 2.4 it has the name of a temporary file."""
    return name.startswith(_GENERATED) or (name.startswith("tmp") and hasattr(sys.modules[name], "outer_factory"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the output of the user's code, which was printed before."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _fresh_functions() -> Iterator[None]:
    """Trace every ``tf.function`` that is called again."""
    _CLONES.append({})
    try:
        with _PATCHES.apply():
            yield
    finally:
        _CLONES.pop()


def fresh(function: Any) -> Any:
    """Return a copy of a ``tf.function`` without traces; return anything else unchanged."""
    return function._clone(None) if isinstance(function, _FUNCTION) else function


def _called_function(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        clones = _CLONES[-1] if _CLONES else None
        if clones is None or any(self is clone for _, clone in clones.values()):
            return original(self, *args, **kwargs)
        if id(self) not in clones:
            clones[id(self)] = (self, self._clone(None))
        return original(clones[id(self)][1], *args, **kwargs)

    return wrapper


_PATCHES = Patches(lambda: (Patch(_FUNCTION, "__call__", _called_function),))
