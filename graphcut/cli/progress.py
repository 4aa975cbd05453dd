"""What is being done, with the time that it has taken: shown on a terminal once somebody has waited for two seconds.

It goes to standard error, disappears when the work is done, and knows no percentage: nobody can tell how long TensorFlow
will take to be imported or to trace.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import Callable, Iterator, List

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from graphcut.errors import printable

PATIENCE = 2.0  # seconds
_BEAT = 0.1  # seconds

Say = Callable[[str], None]


@contextmanager
def waiting() -> Iterator[Say]:
    """Gives a function to be called with what is done next, such as ``"reading model.meta"``."""
    steps: List[str] = [""]
    if not os.isatty(2):
        yield steps.append
        return
    ended = threading.Event()
    with open(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace") as terminal:
        shown = threading.Thread(target=_show, args=(Console(file=terminal), ended, steps), daemon=True)
        shown.start()
        try:
            yield steps.append
        finally:
            ended.set()
            shown.join()


def _show(console: Console, ended: threading.Event, steps: List[str]) -> None:
    if ended.wait(PATIENCE) or not console.is_terminal or console.is_dumb_terminal:
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    with bar:
        task = bar.add_task(_told(steps), total=None)
        bar.tasks[0].start_time = bar.get_time() - PATIENCE
        while not ended.wait(_BEAT):
            bar.update(task, description=_told(steps))


def _told(steps: List[str]) -> str:
    return escape(printable(steps[-1], 60)[1:-1])
