"""Measure seconds of CPU and bytes of memory, and describe the claims to compare with and the machine."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import time
from typing import Callable, NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Row(NamedTuple):
    """One line of the table: what is compared, both sides, the ratio and what it should be."""

    what: str
    ours: str
    theirs: str
    ratio: float
    goal: str


class Point(NamedTuple):
    """One point of the plot: seconds of CPU that ``who`` needs for a graph of so many ops."""

    who: str
    ops: int
    seconds: float


def seconds(call: Callable[[], object], repeat: int = 5) -> float:
    """Return the CPU seconds of the fastest of ``repeat`` calls, with a garbage collection before each."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        start = time.process_time()
        kept = call()
        best = min(best, time.process_time() - start)
        del kept
    return best


class Memory(NamedTuple):
    """The bytes that a call adds to a process: those that its result keeps, and the peak."""

    kept: int
    peak: int


def grown(call: Callable[[], object]) -> Memory:
    """Return the memory that a call adds to this process; use a new process, because freed memory distorts the result."""
    gc.collect()
    with open("/proc/self/clear_refs", "w") as stream:
        stream.write("5")  # forget the peak so far
    before = _status("VmRSS")
    kept = call()
    gc.collect()
    found = Memory(max(_status("VmRSS") - before, 1), max(_status("VmHWM") - before, 1))
    del kept
    return found


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return _status("VmRSS")


def _status(field: str) -> int:
    with open("/proc/self/status") as stream:
        return next(int(line.split()[1]) * 1024 for line in stream if line.startswith(field))


def grown_apart(who: str, layers: int) -> Memory:
    """Return the same, measured in a new process; see ``benchmarks/memory.py``."""
    said = python("-m", "benchmarks.memory", who, str(layers)).split()
    return Memory(int(said[-2]), int(said[-1]))


def python(*arguments: str) -> str:
    """Return the output of a new Python process."""
    return subprocess.check_output([sys.executable, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL).decode()


def machine() -> str:
    """The machine and the versions, in one line."""
    import google.protobuf
    import networkx
    import tensorflow

    with open("/proc/meminfo") as stream:
        memory = int(next(stream).split()[1]) / 2**20
    with open("/proc/cpuinfo") as stream:
        models = [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]
    versions = [("Python", platform.python_version()), ("TensorFlow", tensorflow.__version__)]
    versions += [("networkx", networkx.__version__), ("protobuf", google.protobuf.__version__)]
    told = ", ".join("%s %s" % each for each in versions)
    return "%s cores (%s), %.0f GB of memory, %s, %s" % (os.cpu_count(), models[0], memory, platform.system(), told)
