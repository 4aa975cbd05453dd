"""Whatever an audit is asked, it tells the same story as its verdicts: over every fixture."""

from __future__ import annotations

import os

import pytest

from tests.against_tensorflow.random_graphs.questions import faults
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import said

# Counting every call makes a fixture take ten seconds: one in six by default, all with GRAPHCUT_EVERY_FIXTURE=1.
STEP = 1 if os.environ.get("GRAPHCUT_EVERY_FIXTURE") else 6
EVERY = [pytest.param(each, id=module + "." + each.__name__) for module, each in recorded.every_fixture()]
FIXTURES = EVERY[::STEP]


@pytest.mark.parametrize("fixture", FIXTURES)
def test_every_answer_agrees_with_the_verdicts(fixture):
    assert list(faults(said(fixture).audit)) == []
