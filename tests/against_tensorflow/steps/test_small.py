"""Small steps from TensorFlow's own tests: no disagreement, ``none`` is exact, and ``zero`` is never nonzero."""

from __future__ import annotations

import inspect
from contextlib import suppress

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.share import own_share
from tests.against_tensorflow.steps.judge import EAGER, LIVE, VERSION, as_traced, variable
from tests.against_tensorflow.steps.small import STEPS
from tests.against_tensorflow.steps.step_records import describe, recorded

VALUES = {
    "w": [1.0, 2.0, 3.0],
    "v": 2.0,
    "m": [[1.0, 0.0], [0.0, 2.0]],
    "u": [[1.0, 1.0], [0.0, 2.0]],
    "n": [3, 4, 5],
}
# TensorFlow cannot build these: up to 2.4 a recording tape cannot be entered again, and 2.1 cannot vectorize a conditional.
UNBUILT = ("jac_cond_fn",) if VERSION < (2, 2) else ()
if VERSION < (2, 5):
    UNBUILT += ("batch_jac_in_tape2", "batch_jac_in_own_scope", "batch_jac_nonpers", "jac_nonpers_scope")


def bound(made):
    """A step with variables of its own, and the answers that it got when it was traced last."""
    names = list(inspect.signature(made).parameters)[1:]
    variables = {name: variable(VALUES[name], name) for name in names}
    answers = []

    def step(x):
        found = made(x, **variables)
        answers[:] = [tuple(each is not None for each in gradients) for gradients in found]
        return found

    return step, answers


def truths(step):
    """What the step's gradients are when it runs; ``None`` where TensorFlow raises while it builds them."""
    try:
        found = tf.function(step, autograph=False)(tf.constant([1.0, 2.0, 3.0]))
    except (LookupError, ValueError):
        return None
    if not EAGER:
        return [[each is not None for each in gradients] for gradients in found]
    return [[each is not None and not _is_zero(each) for each in gradients] for gradients in found]


def _is_zero(gradient):
    dense = tf.convert_to_tensor(gradient)
    return dense.dtype != tf.variant and not np.any(dense.numpy())


@pytest.mark.parametrize("made", STEPS, ids=lambda made: made.__name__)
def test_a_small_step(made):
    step, answers = bound(made)
    real = truths(step)
    expected = list(answers)
    if real is None and not EAGER:
        pytest.skip("TensorFlow 1.15 cannot build this step")
    if real is None and made.__name__ in UNBUILT:
        with pytest.raises(graphcut.GraphcutError, match="cannot be traced: ValueError: "):
            graphcut.audit_step(step, tf.TensorSpec([3]))
        return
    if real is None:
        (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))[:1]
        assert all(each.verdict is Verdict.RAISES for each in audit) and not audit.disagreements
        return
    audits = graphcut.audit_step(as_traced(step), tf.TensorSpec([3]))
    assert [audit.recorded for audit in audits] == expected
    assert recorded("small." + made.__name__) in (None, describe(audits))
    for audit, answered, nonzero in zip(audits, expected, real):
        assert not audit.disagreements
        assert [each.verdict is not Verdict.NONE for each in audit] == list(answered)
        if EAGER:
            assert all(each.verdict in LIVE for each, live in zip(audit, nonzero) if live)


OF_EAGER = {
    "jac_cond_fn_nopfor": "TensorFlow wants a persistent tape where the jacobian is computed by an eager loop",
    "csr_sparsemul": "TensorFlow raises: an eager sparse matrix loses its handle data",
}
OF_GRAPHS = ("tf_", "loop_pair", "scan_stop", "cond_pair")  # they call tf.gradients
EAGERLY = [made for made in STEPS if not made.__name__.startswith(OF_GRAPHS) or made.__name__ == "loop_pair_tape"]


@pytest.mark.skipif(not EAGER, reason="runs eagerly")
@pytest.mark.parametrize("made", own_share(EAGERLY), ids=lambda made: made.__name__)
def test_a_small_step_that_runs_eagerly_under_a_watch(made):
    if made.__name__ in OF_EAGER or made.__name__ in UNBUILT:
        pytest.skip(OF_EAGER.get(made.__name__, "this TensorFlow cannot build this step"))
    traced = graphcut.audit_step(bound(made)[0], tf.TensorSpec([3]))
    with graphcut.watch() as watched, suppress(LookupError):
        bound(made)[0](tf.constant([1.0, 2.0, 3.0]))
    assert [[each.verdict for each in audit] for audit in watched.audits] == [
        [each.verdict for each in audit] for audit in traced
    ]
    assert [each for audit in watched.audits for each in audit.disagreements] == []
