"""The default variables."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.live.building import anywhere, ones, spec, v1
from tests.against_tensorflow.live.test_default_loss import OPTIMIZERS, network, scalar


def names(source, *args, **kwargs):
    return [each.name for each in graphcut.audit(source, *args, **kwargs)]


@pytest.fixture(params=[True, False], ids=["resource", "ref"])
def training_graph(request):
    """Two variables, one that is not trainable, a step counter, an optimizer with slots."""

    def build(optimizer):
        with tf.Graph().as_default() as graph:
            with v1.variable_scope("net", use_resource=request.param):
                w, b = v1.get_variable("w", [4, 3]), v1.get_variable("b", [3])
                scale = v1.get_variable("scale", [3], trainable=False)
            step = v1.train.get_or_create_global_step()
            loss = scalar(tf.matmul(v1.placeholder(tf.float32, [None, 4]), w) * scale + b)
            OPTIMIZERS[optimizer]().minimize(loss, global_step=step)
        return graph

    return build


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_live_graph_knows_what_is_trainable(training_graph, optimizer):
    assert names(training_graph(optimizer)) == ["net/w", "net/b"]


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_meta_graph_knows_it_too(training_graph, optimizer):
    graph = training_graph(optimizer)
    with graph.as_default():
        assert names(v1.train.export_meta_graph(graph=graph)) == ["net/w", "net/b"]


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_bare_graph_def_leaves_out_the_optimizer_s_own(training_graph, optimizer):
    assert names(training_graph(optimizer).as_graph_def()) == ["net/w", "net/b", "net/scale"]


def test_a_bare_graph_def_without_a_training_step_has_every_float_variable():
    with tf.Graph().as_default() as graph:
        loss = scalar(network(None)[0] * ones("scale", 3, trainable=False))
        v1.get_variable("count", [], tf.int32)
    assert names(graph.as_graph_def(), loss=loss.name) == ["w", "scale"]


def normalized(training):
    """A batch normalization of TensorFlow 1 made by hand: averages, and ops that update them."""
    gamma, beta = ones("gamma", 3), ones("beta", 3)
    mean, variance = ones("moving_mean", 3, trainable=False), ones("moving_variance", 3, trainable=False)
    images = v1.placeholder(tf.float32, [None, 4, 4, 3])
    if training:
        result, batch_mean, _ = v1.nn.fused_batch_norm(images, gamma, beta)
        v1.assign_sub(mean, 0.1 * (mean - batch_mean))
    else:
        result, _, _ = v1.nn.fused_batch_norm(images, gamma, beta, mean, variance, is_training=False)
    return scalar(result)


@pytest.mark.parametrize("training", [True, False])
def test_averages_of_a_batch_normalization_are_left_out(training):
    with tf.Graph().as_default() as graph:
        loss = normalized(training)
    assert names(graph, loss=loss) == ["gamma", "beta"]


def test_averages_and_counters_of_keras_layers_are_left_out():
    with anywhere():
        layer = tf.keras.layers.BatchNormalization()
        layer.build((None, 4))
        found = names(lambda x: scalar(layer(x, training=True)), spec(6, 4))
    assert {each.rpartition("/")[2] for each in found} == {"gamma", "beta"}


def test_seeds_of_dropout_are_left_out():
    with anywhere():
        dense, dropout = tf.keras.layers.Dense(2), tf.keras.layers.Dropout(0.5)
        dense.build((None, 4))
        found = names(lambda x: scalar(dropout(dense(x), training=True)), spec(6, 4))
    assert [each.rpartition("/")[2] for each in found] == ["kernel", "bias"]


def test_what_is_not_trainable_in_a_function_is_left_out():
    with anywhere():
        w, steps = ones("w", 3), ones("steps", 3, trainable=False)
        assert names(lambda x: tf.reduce_sum(x * w * steps), spec(3)) == ["w"]


def test_they_come_in_the_order_they_were_made():
    with tf.Graph().as_default() as graph:
        made = [ones(name, 3) for name in ("b", "c", "a")]
        loss = tf.reduce_sum(made[2] * made[0] * made[1])
    assert names(graph, loss=loss) == ["b", "c", "a"]
