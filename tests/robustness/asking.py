"""Run the command line on a file, and measure its output, time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SECONDS, BYTES = 10, 2**30
_CHILD = """
import sys, time
from graphcut.cli import main
code = main(sys.argv[1:])
assert "tensorflow" not in sys.modules
assert time.process_time() < %d  # of CPU: how busy the machine is says nothing about graphcut
if sys.platform == "linux":  # not ru_maxrss, which counts what the parent held when it forked
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    assert int(peak.split()[1]) * 1024 < %d
sys.exit(code)
""" % (SECONDS, BYTES)


class Said(NamedTuple):
    """The exit code and both streams."""

    code: int
    out: str
    err: str


def audited(path, *options):
    """``graphcut audit`` in a process of its own: less than ``SECONDS`` of CPU and ``BYTES``, and no TensorFlow."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", _CHILD, "audit", str(path), *options]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30 * SECONDS)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())
