"""What graphcut does to Python's garbage collector: it pauses it, and nothing else."""

from __future__ import annotations

import gc

import pytest

from graphcut.util.gc import collector_paused


@pytest.fixture
def collector():
    """The collector on, and afterwards as it was."""
    enabled = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if enabled else gc.disable)()


def test_the_collector_goes_on_after_a_pause(collector):
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off(collector):
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_a_pause_moves_nothing_to_another_generation(collector):
    gc.collect()
    frozen, threshold, collections = (
        gc.get_freeze_count(),
        gc.get_threshold(),
        [each["collections"] for each in gc.get_stats()],
    )
    gc.disable()  # so that no automatic collection interferes
    with collector_paused():
        kept = [[] for _ in range(5000)]
    assert gc.get_count()[0] >= len(kept)
    assert (gc.get_freeze_count(), gc.get_threshold()) == (frozen, threshold)
    assert [each["collections"] for each in gc.get_stats()] == collections
