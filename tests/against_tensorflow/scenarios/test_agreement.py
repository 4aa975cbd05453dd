"""All answers of an audit agree with its verdicts, for every fixture (see ``share``)."""

from __future__ import annotations

import pytest

from tests.against_tensorflow.random_graphs.questions import faults
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import said
from tests.against_tensorflow.share import own_share

EVERY = [pytest.param(each, id=module + "." + each.__name__) for module, each in recorded.every_fixture()]


@pytest.mark.parametrize("fixture", own_share(EVERY))
def test_every_answer_agrees_with_the_verdicts(fixture):
    assert list(faults(said(fixture).audit)) == []
