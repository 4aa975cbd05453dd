"""The progress that a terminal sees: only after a while, only on standard error, gone when the work is done."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.processes.terminals import ROOT, seen

CODE = """
import os, sys, time
from graphcut.util import progress as waiting
from graphcut.util.isolate_output import isolate_output
waiting.PATIENCE = float(sys.argv[1])
with waiting.show_progress() as say, isolate_output():
    say("reading a[bold]b")
    time.sleep(0.4)
    os.write(2, b"noise")
    say("auditing\\x1b[31m")
    time.sleep(0.4)
"""


# The same on a busy machine, which shows nothing in time: each step lasts until the terminal received it a few times.
PATIENT = CODE.replace(
    "with waiting.show_progress()",
    """
shown, escape = [], waiting._escape
waiting._escape = lambda steps: shown.append(escape(steps)) or shown[-1]
def wait_for(text):
    while sum(text in each for each in shown) < 10:
        time.sleep(0.05)
with waiting.show_progress()""",
)


PATIENT = PATIENT.replace("time.sleep(0.4)", 'wait_for("reading")', 1).replace("time.sleep(0.4)", 'wait_for("auditing")')


def test_what_takes_long_is_shown_and_goes_away():
    screen, out = seen(PATIENT, "0.1")
    assert "reading a[bold]b" in screen and r"auditing\x1b[31m" in screen
    assert re.search(r"\d:\d\d:\d\d", screen)
    assert "noise" not in screen and out == b"" and screen.rstrip().endswith("\x1b[2K")


def test_what_is_quick_is_not_shown():
    assert seen(CODE, "30") == ("", b"")


def test_a_terminal_that_cannot_erase_is_left_alone():
    assert seen(CODE, "0.1", TERM="dumb") == ("", b"")


def test_a_pipe_sees_nothing():
    done = subprocess.run([sys.executable, "-c", CODE, "0.1"], capture_output=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_the_environment_switches_it_off():
    assert seen(CODE, "0.1", GRAPHCUT_PROGRESS="0") == ("", b"")


PYTHON = """
import sys, time
from graphcut.util import progress
progress.PATIENCE = 0.1
from graphcut.api import load
import graphcut
shown, escape, read = [], progress._escape, load.read
progress._escape = lambda steps: shown.append(escape(steps)) or shown[-1]
def read_later(*args):
    while len(shown) < 10:
        time.sleep(0.05)
    return read(*args)
load.read = read_later
with progress.show_progress() as say:
    if sys.argv[1] == "within":
        say("the outer one")
        graphcut.audit("fixtures/documents/003.meta")
if sys.argv[1] == "alone":
    graphcut.audit("fixtures/documents/003.meta")
"""


def test_an_audit_tells_what_it_does():
    assert "reading fixtures/documents/003.meta" in seen(PYTHON, "alone")[0]


def test_an_audit_within_another_progress_is_quiet():
    screen, _ = seen(PYTHON, "within")
    assert "the outer one" in screen and "003.meta" not in screen
