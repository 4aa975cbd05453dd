"""The progress that a terminal sees: only after a while, only on standard error, gone when the work is done."""

from __future__ import annotations

import subprocess
import sys

from tests.unit.cli.terminals import ROOT, seen

CODE = """
import os, sys, time
from graphcut.cli import progress as waiting
from graphcut.util.isolate_output import guarded
waiting.PATIENCE = float(sys.argv[1])
with waiting.waiting() as say, guarded():
    say("reading a[bold]b")
    time.sleep(1)
    os.write(2, b"noise")
    say("auditing\\x1b[31m")
    time.sleep(1)
"""


def test_what_takes_long_is_shown_and_goes_away():
    screen, out = seen(CODE, "0.1")
    assert "reading a[bold]b" in screen and r"auditing\x1b[31m" in screen and "0:00:0" in screen
    assert "noise" not in screen and out == b"" and screen.rstrip().endswith("\x1b[2K")


def test_what_is_quick_is_not_shown():
    assert seen(CODE, "30") == ("", b"")


def test_a_terminal_that_cannot_erase_is_left_alone():
    assert seen(CODE, "0.1", TERM="dumb") == ("", b"")


def test_two_seconds_are_long():
    from graphcut.cli import progress

    assert progress.PATIENCE == 2


def test_a_pipe_sees_nothing():
    done = subprocess.run([sys.executable, "-c", CODE, "0.1"], capture_output=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
