"""A loss that is a sum is found by its terms, because the addition itself leaves no trace in the backward part."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, Dict, Tuple

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.share import own_share
from tests.against_tensorflow.training_files.graphs import Build, v1


def _penalties(network: Any) -> Any:
    return [tf.nn.l2_loss(each) for each in v1.trainable_variables()]


def _by_uncertainty(network: Any) -> Any:
    scale = network.made.variable("log_variance")
    return tf.exp(-scale) * network.error + scale


LOSSES: Dict[str, Callable[[Any], Any]] = {
    "a penalty for all weights": lambda network: tf.add_n([network.error, *_penalties(network)]),
    "penalties one by one": lambda network: sum(_penalties(network), network.error),
    "what was stopped": lambda network: network.error + tf.stop_gradient(tf.reduce_mean(network.hidden)),
    "data": lambda network: network.error + tf.reduce_mean(tf.square(network.x)),
    "what is rounded": lambda network: network.error + tf.reduce_mean(tf.cast(tf.argmax(network.hidden, 1), tf.float32)),
    "a variable": _by_uncertainty,
    "a term that is used twice": lambda network: tf.exp(network.error) + network.error,
}
ASKED = {"all": "", "base": "base", "head": "head"}


def trained(make: Callable[[Any], Any], scope: str, is_gated: bool) -> Tuple[Any, str]:
    """A graph in which the variables of one scope are trained, and the name of its loss."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=is_gated)
        x = made.batch()
        hidden = tf.tanh(tf.matmul(x, made.variable("base/w", 4, 3)))
        error = tf.reduce_mean(tf.square(tf.matmul(hidden, made.variable("head/w", 3, 2))))
        loss = make(SimpleNamespace(made=made, x=x, hidden=hidden, error=error))
        _train(loss, [each for each in v1.trainable_variables() if each.op.name.startswith(scope)], is_gated)
    return graph.as_graph_def(), loss.name


def _train(loss: Any, variables: Any, is_gated: bool) -> None:
    optimizer = v1.train.GradientDescentOptimizer(0.1)
    if is_gated:
        optimizer.minimize(loss, var_list=variables)
    else:
        optimizer.apply_gradients(zip(v1.gradients(loss, variables), variables))


@pytest.mark.parametrize("is_gated", [True, False], ids=["gated", "not gated"])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", own_share(LOSSES))
def test_the_sum_is_the_loss(name, asked, is_gated):
    program, loss = trained(LOSSES[name], ASKED[asked], is_gated)
    assert graphcut.audit(program, oracle="2.21").loss == (loss,)


def _logged(network: Any) -> Any:
    v1.summary.scalar("total", network.error + tf.add_n(_penalties(network)))
    return network.error


def _shown_with_another(network: Any) -> Any:
    """Two losses, each trained, and their sum in the log."""
    other = tf.reduce_mean(tf.square(tf.matmul(network.x, network.made.variable("other/w", 4, 2))))
    v1.summary.scalar("total", network.error + other)
    v1.train.AdamOptimizer(0.1).minimize(other)
    return network.error


def _counted(network: Any) -> Any:
    total = v1.get_variable("total", initializer=0.0, trainable=False)
    v1.assign(total, total + network.error)
    return network.error


@pytest.mark.parametrize("make", [_logged, _counted])
def test_a_sum_that_was_not_differentiated_is_not_the_loss(make):
    program, loss = trained(make, "", is_gated=False)
    assert graphcut.audit(program, oracle="2.21").loss == (loss,)


def test_the_sum_of_two_losses_is_neither():
    program, loss = trained(_shown_with_another, "head", is_gated=False)
    with pytest.raises(graphcut.GraphcutError, match="2 losses: 'Mean_1:0', 'Mean:0'\nName one with loss="):
        graphcut.audit(program, oracle="2.21")
    assert loss == "Mean:0"


def test_a_sum_of_many_terms():
    program, loss = trained(
        lambda network: sum([tf.square(network.error) for _ in range(250)], network.error), "", is_gated=False
    )
    assert graphcut.audit(program, oracle="2.21").loss == (loss,)


# TensorFlow 1.15 does not convert the scale to the dtype of the loss.
DTYPES = [tf.float32] if tf.__version__.startswith("1.") else [tf.float32, tf.float16]
SCALES = {
    "fixed": lambda: v1.train.experimental.FixedLossScale(64.0),
    "dynamic": lambda: v1.train.experimental.DynamicLossScale(),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_scale_of_an_optimizer_for_mixed_precision_is_no_part_of_the_loss(scale, dtype):
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        hidden = tf.nn.swish(tf.matmul(made.batch(), made.variable("base", 4, 3)))
        output = tf.cast(tf.matmul(hidden, made.variable("head", 3, 2)), dtype)
        loss = tf.reduce_mean(tf.square(output), name="loss")
        optimizer = v1.train.experimental.MixedPrecisionLossScaleOptimizer(v1.train.AdamOptimizer(), SCALES[scale]())
        optimizer.minimize(loss)
    audit = graphcut.audit(graph.as_graph_def())
    assert audit.loss == ("loss:0",) and audit.assumptions == ()
    assert [(each.verdict, each.is_updated) for each in audit.select("base")] == [(Verdict.FLOWS, True)]


def test_a_loss_that_is_scaled_by_hand_is_the_loss():
    """The gradients are divided by the constant itself, so the optimizer's op looks like one of the user's."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        loss = tf.multiply(tf.reduce_mean(tf.matmul(made.batch(), made.variable("w", 4, 3))), 64.0, name="scaled")
        optimizer = v1.train.AdamOptimizer()
        optimizer.apply_gradients([(gradient / 64.0, variable) for gradient, variable in optimizer.compute_gradients(loss)])
    assert graphcut.audit(graph.as_graph_def()).loss == ("scaled:0",)
