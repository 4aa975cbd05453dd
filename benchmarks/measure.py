"""Seconds of CPU and bytes of memory, and the claims that are held against them."""
from __future__ import annotations

import gc
import os
import time
from typing import Callable, NamedTuple


class Row(NamedTuple):
    """One line of the table: what is compared, both sides, the ratio and what it should be."""

    what: str
    ours: str
    theirs: str
    ratio: float
    goal: str


def seconds(call: Callable[[], object], repeat: int = 3) -> float:
    """CPU seconds of the fastest of ``repeat`` calls, Python's garbage collected before each."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def resident() -> int:
    """Bytes of memory that this process holds."""
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grown(call: Callable[[], object]) -> int:
    """Bytes of memory that a call adds and that its result keeps."""
    gc.collect()
    before = resident()
    kept = call()
    gc.collect()
    after = resident()
    del kept
    return max(after - before, 1)
