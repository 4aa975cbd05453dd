"""Whole audits and drawings of graphs that are damaged in ways that know what a graph is made of.

By default the same few hundred files each time. ``GRAPHCUT_FUZZ_SECONDS=600``, or ``python -m tests.robustness``, makes it a
campaign of new ones; what fails is kept in ``GRAPHCUT_FUZZ_FOLDER``, to be put into ``findings/``, whose files are asked
about in each run.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.robustness.campaign import ask_all, run_campaign, run_once
from tests.robustness.fuzzing import CHANGES, META_CHANGES, SEEDS, changed

FINDINGS = Path(__file__).parent / "findings"
CAMPAIGN = float(os.environ.get("GRAPHCUT_FUZZ_SECONDS", "0"))


@pytest.mark.skipif(CAMPAIGN > 0, reason="a campaign takes its place")
@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_graph_is_judged_or_refused(tmp_path, seed):
    run_once(random.Random(seed), tmp_path)


@pytest.mark.parametrize("path", sorted(FINDINGS.glob("*")), ids=lambda path: path.name)
def test_what_a_campaign_found_stays_mended(path, tmp_path):
    for seed in range(3):
        ask_all(str(path), str(tmp_path), random.Random(seed))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_each_kind_of_change_can_be_made_to_each_seed(seed):
    dice = random.Random(1)
    for change in CHANGES + META_CHANGES:
        assert changed(seed, dice, [change]).ByteSize() > 0


@pytest.mark.skipif(not CAMPAIGN, reason="a campaign is asked for with GRAPHCUT_FUZZ_SECONDS")
def test_a_campaign_finds_nothing(tmp_path):
    kept = Path(os.environ.get("GRAPHCUT_FUZZ_FOLDER", str(tmp_path / "findings")))
    found, _ = run_campaign(CAMPAIGN, random.randrange(2**40), tmp_path, kept)
    assert not found, "\n".join(found.values())
