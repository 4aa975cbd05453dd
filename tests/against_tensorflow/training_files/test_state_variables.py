"""A bare graph holds no list of trainable variables: its slots, averages and counters are found by their ops."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut

v1 = tf.compat.v1


def variable(name, *shape, trainable=True):
    return v1.get_variable(name, shape, initializer=v1.random_normal_initializer(), trainable=trainable)


def normalized(x, is_training):
    with v1.variable_scope("bn"):
        gamma, beta = variable("gamma", 4), variable("beta", 4)
        mean, variance = variable("moving_mean", 4, trainable=False), variable("moving_variance", 4, trainable=False)
        if not is_training:
            return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3), []
        now = tf.nn.moments(x, [0])
        updates = [v1.assign_sub(old, 0.1 * (old - new)) for old, new in zip((mean, variance), now)]
        return tf.nn.batch_normalization(x, *now, beta, gamma, 1e-3), updates


def adam(is_training=True, average=False, waits=True):
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    hidden, updates = normalized(tf.matmul(x, variable("w", 3, 4)), is_training)
    loss = tf.reduce_mean(tf.square(hidden), name="loss")
    with v1.control_dependencies(updates if waits else []):
        step = v1.train.AdamOptimizer().minimize(loss)
    if average:
        with v1.control_dependencies([step]):
            v1.train.ExponentialMovingAverage(0.9, zero_debias=True).apply(v1.trainable_variables())


def soft_target():
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    online, target = variable("online", 3, 2), variable("target", 3, 2)
    aim = tf.stop_gradient(tf.matmul(x, target))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, online) - aim), name="loss")
    step = v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=[online])
    with v1.control_dependencies([step]):
        v1.assign(target, 0.9 * target + 0.1 * online)


def by_hand(gradients):
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = variable("w", 3, 2)
    error = tf.matmul(x, w) - 1.0
    loss = tf.reduce_mean(tf.square(error), name="loss")
    slope = v1.gradients(loss, w)[0] if gradients else tf.matmul(x, error, transpose_a=True)
    v1.assign(w, w - 0.1 * slope)


BUILDERS = {
    "a normalization that trains": adam,
    "averages that nothing waits for": lambda: adam(waits=False),
    "a normalization that stands still": lambda: adam(is_training=False),
    "averages of the weights": lambda: adam(average=True),
    "a target network": soft_target,
    "steps by hand": lambda: by_hand(gradients=True),
    "steps by a formula": lambda: by_hand(gradients=False),
}


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize("resources", [False, True])
def test_a_bare_graph_has_the_variables_of_the_file_with_metadata(name, resources):
    with tf.Graph().as_default() as graph, v1.variable_scope("", use_resource=resources):
        BUILDERS[name]()
        meta, bare = v1.train.export_meta_graph(graph=graph), graph.as_graph_def()
    known, judged = (graphcut.audit(each, loss="loss") for each in (meta, bare))
    assert sorted(each.name for each in judged) == sorted(each.name for each in known)
    assert [each.verdict for each in known] == [judged[each.name].verdict for each in known]
    everything = graphcut.audit(bare, loss="loss", variables="*")
    assert {each.name for each in everything if each.trainable is not False} == {each.name for each in known}
