"""Show the current step and its elapsed time, once the user has waited for two seconds.

The line appears on standard error in a terminal and below the cell in a notebook, and disappears when the work is done. There
is no percentage: the time that TensorFlow takes to import or to trace cannot be known. ``GRAPHCUT_PROGRESS=0`` switches the
line off.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import Any, Callable, Iterator, List, Optional

from graphcut.errors import printable

PATIENCE = 2.0  # seconds
_BEAT = 0.1  # seconds
_BEAT_OF_NOTEBOOKS = 1.0  # seconds

Say = Callable[[str], None]
_running: List[Say] = []


@contextmanager
def show_progress() -> Iterator[Say]:
    """Provide a function to call with the next step, such as ``"reading model.meta"``.

    In nested calls, as when the command line calls ``audit``, only the outermost one shows progress.
    """
    steps: List[str] = [""]
    show = None if _running or os.environ.get("GRAPHCUT_PROGRESS") == "0" else _display()
    if show is None:
        yield (lambda step: None) if _running else steps.append
        return
    ended = threading.Event()
    shown = threading.Thread(target=show, args=(ended, steps), daemon=True)
    _running.append(steps.append)
    shown.start()
    try:
        yield steps.append
    finally:
        _running.clear()
        ended.set()
        shown.join()


Show = Callable[[threading.Event, List[str]], None]


def _display() -> Optional[Show]:
    """Return the function that shows progress here, or ``None`` if nobody would see it."""
    if _notebook() is not None:
        return _show_in_notebook
    return partial(_show_on_terminal, os.dup(2)) if os.isatty(2) else None


def _notebook() -> Any:
    """Return the shell of the notebook that this code runs in, or ``None``."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell if type(shell).__name__ == "ZMQInteractiveShell" else None


def _show_on_terminal(descriptor: int, ended: threading.Event, steps: List[str]) -> None:
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    with open(descriptor, "w", encoding=encoding, errors="backslashreplace") as terminal:
        if ended.wait(PATIENCE):
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(file=terminal)
        if not console.is_terminal or console.is_dumb_terminal:
            return
        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
        bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        with bar:
            task = bar.add_task(_escape(steps), total=None)
            bar.tasks[0].start_time = bar.get_time() - PATIENCE
            while not ended.wait(_BEAT):
                bar.update(task, description=_escape(steps))


def _show_in_notebook(ended: threading.Event, steps: List[str]) -> None:
    if ended.wait(PATIENCE):
        return
    from IPython.display import display  # type: ignore[import-not-found]

    began = time.monotonic() - PATIENCE
    place = display({"text/plain": _line(steps, began)}, raw=True, display_id=True)
    while not ended.wait(_BEAT_OF_NOTEBOOKS):
        place.update({"text/plain": _line(steps, began)}, raw=True)
    place.update({"text/plain": ""}, raw=True)


def _line(steps: List[str], began: float) -> str:
    return "%s … %d s" % (_last_step(steps), time.monotonic() - began)


def _escape(steps: List[str]) -> str:
    from rich.markup import escape

    return escape(_last_step(steps))


def _last_step(steps: List[str]) -> str:
    return printable(steps[-1], 60)[1:-1]
