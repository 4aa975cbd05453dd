"""Keep standard output and standard error for graphcut's own lines while user code runs.

TensorFlow's C++ code writes to file descriptor 2 when it is imported, whatever the log level, and a module that is imported
for an audit may print. Both go to a file, which is shown only after an unexpected error. The module may also replace or close
the standard streams, or change the working directory: all of that is undone afterwards.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import traceback
from contextlib import contextmanager, suppress
from typing import IO, Dict, Iterator, List, Optional, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.util.source_lines import nearby

_INSTALL = "Install it where graphcut runs (%s), or run graphcut where it is installed."
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MAIN = "Put what is not to run when it is imported under: if __name__ == '__main__':"
_CALL = "It is called to be traced: take sys.exit out of what it calls, or audit a function that returns."


@contextmanager
def isolate_output() -> Iterator[None]:
    """Divert file descriptors 1 and 2; turn an exception of the user's own code into a short ``GraphcutError``."""
    with isolate_descriptors(), _lend_streams():
        yield


@contextmanager
def isolate_descriptors() -> Iterator[None]:
    """Do the same, but keep ``sys.stdout`` and ``sys.stderr``, because a logger writes to the stream of its creation."""
    with tempfile.TemporaryFile() as diverted:
        try:
            with _divert((1, 2), diverted):
                yield
        except (GraphcutError, KeyboardInterrupt):
            raise
        except SystemExit as error:
            raise GraphcutError(_exit_message(error)) from error
        except BaseException as error:  # noqa: BLE001 - the audited module may raise anything
            place = _place_in_user_code(error)
            if place is None:
                diverted.seek(0)
                os.write(2, diverted.read())
                raise
            advice = f"\n{_INSTALL % sys.executable}" if isinstance(error, ModuleNotFoundError) else ""
            raised = f"raised at {place}, while it was imported, called or traced"
            raise GraphcutError(f"{_one_line(error)}\n{raised}{advice}") from error


@contextmanager
def _divert(numbers: Tuple[int, ...], target: IO[bytes]) -> Iterator[None]:
    _flush()
    saved = [os.dup(number) for number in numbers]
    try:
        for number in numbers:
            os.dup2(target.fileno(), number)
        yield
    finally:
        _flush()
        for number, copy in zip(numbers, saved):
            os.dup2(copy, number)
            os.close(copy)


@contextmanager
def _lend_streams() -> Iterator[None]:
    """Give user code its own streams and working directory; restore ours afterwards.

    A logger may keep the streams for longer.
    """
    streams, folder = (sys.stdout, sys.stderr), _folder()
    sys.stdout, sys.stderr = (open(os.dup(each), "w", errors="backslashreplace") for each in (1, 2))  # noqa: SIM115
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        if folder is not None:
            os.chdir(folder)


def _folder() -> Optional[str]:
    try:
        return os.getcwd()
    except OSError:  # it is gone
        return None


def silence() -> None:
    """Discard all further output: what user code prints while the program ends is not part of the answer."""
    with suppress(OSError, ValueError):
        _flush()
    for number in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def open_streams() -> None:
    """Open closed standard streams on the null device; otherwise the next opened file would take their descriptor."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout, sys.stderr = sys.stdout or _null_stream(), sys.stderr or _null_stream()


def _null_stream() -> IO[str]:
    return open(os.devnull, "w")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _exit_message(error: SystemExit) -> str:
    code = printable(error.code)  # type: ignore[arg-type]
    place = _place_in_user_code(error)
    imported = any(name == "<module>" and not _is_installed(file) for file, _, name in _frames(error))
    what, advice = ("module", _MAIN) if imported else ("function", _CALL)
    info = f"\nraised at {place}\n{advice}" if place else ""
    return f"the audited {what} ended the program: sys.exit({code}){info}"


def _place_in_user_code(error: BaseException) -> Optional[str]:
    """Return ``file:line`` of a syntax error, else of the innermost frame in user code; ``None`` if there is none."""
    frames: List[Tuple[str, Optional[int]]] = [(file, line) for file, line, _ in _frames(error)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    own = [(name, line) for name, line in frames if not _is_installed(name)]
    return f"{printable(nearby(own[-1][0]))[1:-1]}:{own[-1][1] or 1}" if own else None


def _frames(error: BaseException) -> List[Tuple[str, int, str]]:
    """Return the file, line and function of each frame, outermost first; for code that AutoGraph wrote, the user's own line.

    AutoGraph calls the converted function from a frame that holds it as ``converted_f``, with the origin of each line in
    ``ag_source_map`` (``tensorflow/python/autograph/impl/api.py``). A line without an origin is left out.
    """
    origins: Dict[Tuple[str, int], Tuple[str, int]] = {}
    result = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        for made, origin in (getattr(frame.f_locals.get("converted_f"), "ag_source_map", None) or {}).items():
            origins[made.filename, made.lineno] = origin.loc.filename, origin.loc.lineno
        at = frame.f_code.co_filename, line
        if at in origins or not os.path.basename(at[0]).startswith("__autograph_generated_file"):
            result.append((*origins.get(at, at), frame.f_code.co_name))
    return result


def _is_installed(filename: str) -> bool:
    roots = [_OURS, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))]
    return filename.startswith("<") or any(os.path.abspath(filename).startswith(root + os.sep) for root in roots)


def _one_line(error: BaseException) -> str:
    """Return the exception in one line: its type and the last line of its message."""
    lines: List[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {printable(lines[-1], 300)[1:-1]}" if lines else type(error).__name__
