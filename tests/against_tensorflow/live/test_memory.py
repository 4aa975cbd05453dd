"""Repeated audits leak no memory and do not disturb the garbage collector.

The number of audits is a compromise with the time that tests may take; ``benchmarks/run --only leaks`` makes many more. Both
detect a leak of a tenth of a megabyte per audit. TensorFlow's own allocators grow during the first 450 audits.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

import graphcut
from benchmarks.measure import ROOT
from tests.against_tensorflow import share
from tests.against_tensorflow.live.building import placeholder_graph

FILES, LIVE, EARLY = 540, 45, 450


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="resident memory as Linux tells it")
@pytest.mark.skipif(share.IS_BETWEEN, reason="what 1.15 and 2.21 keep is enough: half a minute")
def test_memory_does_not_grow_with_the_number_of_audits():
    arguments = [sys.executable, "-m", "benchmarks.leaks", str(FILES), str(LIVE), str(EARLY)]
    said = subprocess.check_output(arguments, cwd=ROOT, stderr=subprocess.DEVNULL, env=dict(os.environ, PYTHONPATH=ROOT))
    early, late = map(int, said.split()[-2:])
    assert late < 1.03 * early, "%d MB after %d files, %d MB after all" % (early / 1e6, EARLY, late / 1e6)


@pytest.fixture
def collector():
    """The collector off, so that no collection comes between, and afterwards as it was."""
    enabled = gc.isenabled()
    gc.disable()
    yield
    (gc.enable if enabled else gc.disable)()


def ask(audit, pair):
    """The audit, asked all kinds of questions, and the answers."""
    return audit, str(audit), audit.explain(pair.u), audit.graph, audit.what_if(audit.stops[0]), audit.suggest_unblock(pair.u)


def test_an_audit_leaves_the_collector_as_it_was(collector):
    graph, loss, pair = placeholder_graph()
    kept = [
        ask(graphcut.audit(graph, loss=loss), pair) for _ in range(2)
    ]  # what is loaded and asked once, and let go by the next
    before = gc.get_threshold(), gc.get_freeze_count(), [each["collections"] for each in gc.get_stats()]
    young = gc.get_count()[0]
    audit = graphcut.audit(graph, loss=loss)
    assert gc.get_count()[0] > young, "what an audit makes is young"
    kept.append(ask(audit, pair))
    assert not gc.isenabled()
    assert (gc.get_threshold(), gc.get_freeze_count(), [each["collections"] for each in gc.get_stats()]) == before


def test_an_audit_that_fails_leaves_the_collector_on():
    gc.enable()
    graph, _, _ = placeholder_graph()
    with pytest.raises(graphcut.GraphcutError):
        graphcut.audit(graph, loss="nothing")
    assert gc.isenabled()
