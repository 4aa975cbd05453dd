"""What a process writes to a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="a terminal of POSIX's")
ROOT = str(Path(__file__).parents[2])


def seen(code, *arguments, stream="stderr", **environment):
    """Run Python code with a terminal as one of its streams and a pipe as the other; return what each received."""
    ours, theirs = pty.openpty()
    known = {**os.environ, "PYTHONPATH": ROOT, "TERM": "xterm", "COLUMNS": "120", **environment}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: theirs}
    child = subprocess.Popen([sys.executable, "-c", code, *arguments], env=known, **streams)
    os.close(theirs)
    screen = b"".join(_until_closed(ours))
    out, err = child.communicate()
    assert child.returncode == 0
    return screen.decode(), (out or b"") + (err or b"")


def _until_closed(terminal):
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux reports the end like this
            data = b""
        if not data:
            os.close(terminal)
            return
        yield data
