"""Real models: ``NONE`` is exact, no nonzero gradient hides behind ``NONE`` or ``ZERO``, nothing raises."""
from __future__ import annotations

import pytest

from .all_models import MODELS
from .judge import judged


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_verdicts_are_what_tensorflow_answers(model, record_judgement):
    if model.reason_to_skip():
        pytest.skip(model.reason_to_skip())
    for loss, subject in model.build().items():
        judgement = judged(subject)
        record_judgement(model, loss, judgement)
        assert not judgement.disagreements
