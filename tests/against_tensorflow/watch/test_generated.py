"""Generated steps run eagerly under a watch, compared with what the tape answers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.steps.generated import build, recipe

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="runs eagerly")


@pytest.mark.parametrize("seed", range(20))
def test_the_audits_of_code_that_runs_are_what_the_tape_answers(seed):
    with graphcut.watch() as watched:
        given = build(recipe(seed))(tf.constant([1.0, 0.7, 1.9]))
    assert len(watched.audits) == len(given)
    for audit, gradients in zip(watched.audits, given):
        assert audit.disagreements == ()
        for found, gradient in zip(audit, gradients):
            assert (found.verdict is Verdict.NONE) == (gradient is None), found
            live = gradient is not None and np.any(tf.convert_to_tensor(gradient).numpy())
            assert not live or found.verdict in (Verdict.FLOWS, Verdict.CONDITIONAL), found
