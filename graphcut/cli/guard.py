"""While foreign code runs, standard output and standard error are kept for our own lines.

TensorFlow's C++ writes to file descriptor 2 as it is imported, whatever the log level; a module that is imported to be
audited may print. Both go into a file, which is shown only if something breaks that nobody foresaw.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import traceback
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Iterator, List, Optional, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.lines import nearby

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@contextmanager
def guarded() -> Iterator[None]:
    """Divert file descriptors 1 and 2; an exception of the user's own code becomes a short ``GraphcutError``."""
    with tempfile.TemporaryFile() as diverted:
        try:
            with _diverted((1, 2), diverted):
                yield
        except GraphcutError:
            raise
        except SystemExit as error:
            raise GraphcutError(f"the audited module ended the program: sys.exit({error.code!r})") from error
        except Exception as error:  # noqa: BLE001 - the audited module may raise anything
            place = _place_in_user_code(error.__traceback__)
            if place is None:
                diverted.seek(0)
                os.write(2, diverted.read())
                raise
            raise GraphcutError(
                f"{_told(error)}\nraised at {place}, while it was imported, called or traced"
            ) from error


@contextmanager
def _diverted(numbers: Tuple[int, ...], target: IO[bytes]) -> Iterator[None]:
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


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _place_in_user_code(trace: Optional[TracebackType]) -> Optional[str]:
    """``file:line`` of the innermost frame outside graphcut and what is installed; ``None`` where there is none."""
    frames = [frame for frame in traceback.extract_tb(trace) if not _installed(frame.filename)]
    return f"{printable(nearby(frames[-1].filename))[1:-1]}:{frames[-1].lineno}" if frames else None


def _installed(filename: str) -> bool:
    roots = [_OURS, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))]
    return filename.startswith("<") or any(os.path.abspath(filename).startswith(root + os.sep) for root in roots)


def _told(error: Exception) -> str:
    """The exception in one line: its type, and the last line of what it says."""
    lines: List[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {printable(lines[-1], 300)[1:-1]}" if lines else type(error).__name__
