"""A sample passes no gradient: the suggested Gumbel softmax is applied to a copy of the fixture and run."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import graphcut
from graphcut.render.text import advice
from tests.patching import applied

VERSION = tuple(int(each) for each in tf.__version__.split(".")[:2])
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8"),
    pytest.mark.skipif(VERSION < (2, 4), reason="tf.random.stateless_categorical reads no seed of a list before"),
]
NAMES = ("one_hot", "squeezed", "as_number", "stateless", "several", "several_rows", "several_of_each_row", "reward_of_choice")
COUNTS = ("poisson", "poisson_of_a_shape", "poisson_with_a_seed", "binomial")
WITHOUT = (graphcut.Verdict.NONE, graphcut.Verdict.RAISES)


@pytest.fixture(scope="module")
def samples():
    """The losses, imported only where they run."""
    return importlib.import_module("fixtures.samples")


def copied(text, folder):
    """The functions of an edited copy of the fixture."""
    path = folder / "copy_of_samples.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("copy_of_samples", str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES + COUNTS)
def test_the_suggested_code_runs_and_has_a_gradient(samples, name, tmp_path):
    x = tf.constant([[0.3, -0.2], [0.1, 0.7]])
    audit = graphcut.audit(getattr(samples, name), x)
    assert audit["W"].verdict in WITHOUT
    found = audit.suggest_unblock("W")
    text = Path(samples.__file__).read_text(encoding="utf-8")
    for each in found:
        assert each.confirmed
        text = applied(text, each.diff) if each.diff else text
    module = copied(text, tmp_path)
    with tf.GradientTape() as tape:
        loss = getattr(module, name)(x)
    gradient = tape.gradient(loss, module.W)
    assert loss.shape == () and bool(tf.reduce_any(tf.abs(gradient) > 0.0))


@pytest.mark.parametrize("name, words", [("one_hot", advice.SAMPLE), *((name, advice.COUNTS) for name in COUNTS)])
def test_what_to_do_names_the_score_function_and_what_can_be_computed_with(samples, name, words):
    assert words in graphcut.audit(getattr(samples, name), tf.TensorSpec([2, 2])).explain("W")


def test_the_score_functions_of_the_advice_have_a_gradient(samples):
    x, reward = tf.constant([[0.3, -0.2], [0.1, 0.7]]), tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        logits = tf.matmul(x, samples.W)
        sample = tf.random.categorical(logits, 1)[:, 0]
        log_prob = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=sample, logits=logits)
        mean = tf.exp(logits[:, 0])
        count = tf.random.poisson([], tf.stop_gradient(mean))
        losses = [-tf.reduce_mean(tf.stop_gradient(reward) * each) for each in (log_prob, count * tf.math.log(mean) - mean)]
    assert all(bool(tf.reduce_any(tf.abs(tape.gradient(loss, samples.W)) > 0.0)) for loss in losses)


def test_a_gradient_that_comes_another_way_is_no_reason_to_soften_a_sample(samples):
    audit = graphcut.audit(samples.of_each_row, tf.TensorSpec([2, 2]))
    assert audit["W"].verdict is graphcut.Verdict.FLOWS and not audit.suggest_unblock("W")
