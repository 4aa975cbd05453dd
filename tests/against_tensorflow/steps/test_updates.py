"""What a step updates, beside what gets a gradient."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, audited, variable, words

eager = pytest.mark.skipif(not EAGER, reason="Keras optimizers of TensorFlow 1.15 want a session")
stepped = pytest.mark.skipif(not hasattr(tf.keras.Model, "train_step"), reason="this Keras has no train_step")


def optimizer():
    """A Keras optimizer, whatever Keras there is."""
    return tf.keras.optimizers.SGD(0.1, momentum=0.9)


@eager
def test_a_gradient_that_is_never_applied_is_told():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    sgd = optimizer()

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x * v)
        gradients = tape.gradient(loss, [w, v])
        sgd.apply_gradients([(gradients[0], w)])
        return [gradients]

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert [each.is_updated for each in audit] == [True, False]
    assert "never updated" in str(audit)


@eager
@pytest.mark.parametrize("wrap", [lambda step: step, tf.function])
def test_a_variable_that_another_gradient_of_the_step_trains_names_its_loss(wrap):
    actor, critic = variable(2.0, "actor"), variable(3.0, "critic")
    both, own = optimizer(), optimizer()

    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            value = x * critic
            policy_loss = tf.reduce_sum(tf.stop_gradient(value) * actor)
            value_loss = tf.reduce_sum(value**2)
        gradients = tape.gradient(policy_loss, [actor, critic])
        both.apply_gradients([(gradients[0], actor)])
        own.apply_gradients([(tape.gradient(value_loss, critic), critic)])

    policy, value = graphcut.audit_step(wrap(step), tf.TensorSpec([3]))
    assert [(each.verdict.value, each.is_updated, each.trained_by) for each in policy] == [
        ("flows", True, ()),
        ("none", True, ("value_loss",)),
    ]
    assert [(each.is_updated, each.trained_by) for each in value] == [(True, ())]
    assert "trained by value_loss" in str(policy) and "It is trained by value_loss." in policy.explain("critic")


@eager
@pytest.mark.parametrize("resource", ["iterator", "table"])
def test_a_step_that_writes_only_other_resources_updates_nothing_that_could_be_missing(resource):
    w = variable(2.0, "w")
    data = tf.data.Dataset.from_tensor_slices(tf.ones([4, 3])).batch(2)
    table = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, empty_key=-1, deleted_key=-2)

    def step():
        total = 0.0
        if resource == "table":
            table.insert(tf.constant([1], tf.int64), tf.constant([2], tf.int64))
        with tf.GradientTape() as tape:
            if resource == "iterator":
                for x in data:
                    total += tf.reduce_sum(w * x)
            loss = total + tf.reduce_sum(w * w)
        return tape.gradient(loss, [w])

    (audit,) = graphcut.audit_step(step)
    assert audit["w"].is_updated is None and "never updated" not in str(audit)


@eager
def test_a_variable_is_updated_though_its_gradient_is_always_zero():
    w = variable(2.0, "w")
    sgd = optimizer()

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(0.0 * w * x)
        gradients = tape.gradient(loss, [w])
        sgd.apply_gradients(zip(gradients, [w]))
        return [gradients]

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert [(each.verdict.value, each.is_updated) for each in audit] == [("zero", True)]
    assert "written, but this gradient does not change it" in str(audit)
    assert "The step writes it, but this gradient does not change its value." in audit.explain(w)


def test_what_another_gradient_of_the_step_updates_is_trained_by_that_one():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape(persistent=True) as tape:
            policy, value = tf.reduce_sum(w * x * tf.stop_gradient(v)), tf.reduce_sum(v * x)
        gradients = [tape.gradient(policy, [w, v]), tape.gradient(value, [v])]
        w.assign_sub(gradients[0][0])
        v.assign_sub(gradients[1][0])
        return gradients

    policy, value = audited(step, [3])
    assert [each.is_updated for each in policy] == [True, True] and value[v].is_updated is True
    assert policy[v].trained_by and not policy[w].trained_by and not value[v].trained_by
    assert "updated nevertheless" not in str(policy)


def test_an_assignment_is_an_update():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x * v)
        gradients = tape.gradient(loss, [w, v])
        w.assign_sub(0.1 * gradients[0])
        return [gradients]

    (audit,) = audited(step, [3])
    assert [each.is_updated for each in audit] == [True, False]


def test_a_step_that_writes_nothing_tells_nothing_of_updates():
    w = variable(2.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x)
        return [tape.gradient(loss, [w])]

    (audit,) = audited(step, [3])
    assert audit[w].is_updated is None


def model():
    """Two layers with a stop between them."""
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Dense(4), layers.Lambda(tf.stop_gradient), layers.Dense(1)])


@eager
@stepped
def test_a_compiled_model_is_a_step():
    net = model()
    net.compile("sgd", "mse")
    x, y = np.ones([8, 3], "float32"), np.ones([8, 1], "float32")
    for _ in range(2):
        (audit,) = graphcut.audit_step(net, x, y)
        assert words(audit) == ["none: stop-gradient"] * 2 + ["flows"] * 2
        assert [each.is_updated for each in audit] == [False, False, True, True]
        net.fit(x, y, verbose=0)


@eager
def test_a_frozen_layer_is_not_a_stop():
    net = tf.keras.Sequential([tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
    net.build((None, 3))
    net.layers[0].trainable = False
    weights = list(net.weights)

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(net(x))
        return [tape.gradient(loss, weights)]

    (audit,) = audited(step, [2, 3])
    assert [each.trainable for each in audit] == [False, False, True, True]


@eager
@stepped
def test_an_uncompiled_model_is_an_error():
    with pytest.raises(graphcut.GraphcutError, match="not compiled"):
        graphcut.audit_step(model(), tf.TensorSpec([2, 3]))


@pytest.mark.skipif(hasattr(tf.keras.Model, "train_step"), reason="this Keras has a train_step")
def test_a_model_without_a_train_step_is_told_so():
    with pytest.raises(graphcut.GraphcutError, match="a train_step from TensorFlow 2.2 on"):
        graphcut.audit_step(model(), tf.TensorSpec([2, 3], tf.float32))


def test_the_optimizer_of_a_graph_tells_what_it_updates():
    with tf.Graph().as_default() as graph:
        w, v = (tf.compat.v1.get_variable(name, initializer=2.0, use_resource=True) for name in "wv")
        loss = tf.identity(w * tf.stop_gradient(v), name="loss")
        optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
        optimizer.minimize(loss)
    audit = graphcut.audit(graph)
    assert [(each.name, each.verdict.value, each.is_updated) for each in audit] == [
        ("w", "flows", True),
        ("v", "none", False),
    ]
