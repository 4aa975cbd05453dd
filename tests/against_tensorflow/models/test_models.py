"""Real models: ``NONE`` is exact, a nonzero gradient is never ``NONE`` or ``ZERO``, and nothing raises."""

from __future__ import annotations

import pytest

from graphcut import Role
from tests.against_tensorflow.share import between_share

from .all_models import MODELS
from .judge import judgements

# What TensorFlow's own autograph says about gast is no finding here.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("model", between_share(MODELS), ids=lambda model: model.name)
def test_verdicts_are_what_tensorflow_answers(model, record_judgement):
    if model.reason_to_skip():
        pytest.skip(model.reason_to_skip())
    subjects = model.build()
    for loss, judgement in judgements(subjects):
        record_judgement(model, loss, judgement)
        assert not judgement.disagreements
        if subjects[loss].stop:
            assert_it_is_the_one_that_cuts(judgement.audit, subjects[loss].stop)


def assert_it_is_the_one_that_cuts(audit, file):
    (stop,) = [each for each in audit.stops if not each.library]
    assert stop.where.rpartition(":")[0] == file
    assert stop.role is Role.CUTS
    assert stop.sole
    assert all(audit[name].cut[0].op == stop.op for name in stop.cuts)
