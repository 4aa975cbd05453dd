"""The same variable in audits of two builds of a model, which Keras numbers anew."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="needs eager TensorFlow")


def built(stop):
    """Two layers in functions of their own; the second build has other objects and numbers."""
    layers = [tf.keras.layers.Dense(3), tf.keras.layers.Dense(1)]
    hidden = layers[0](tf.ones([2, 4]))
    layers[1](hidden)

    def loss(x):
        inside = layers[0](x)
        return tf.reduce_sum(layers[1](tf.stop_gradient(inside) if stop else inside))

    return layers, graphcut.audit(loss, tf.TensorSpec([2, 4]), variables=[w for layer in layers for w in layer.weights])


def test_a_model_built_twice_is_compared_by_position():
    (_, before), (_, after) = built(stop=False), built(stop=True)
    changes = before.compare(after)
    assert [(each.before, each.after) for each in changes] == [(Verdict.FLOWS, Verdict.NONE)] * 2
    assert [each.renamed for each in changes] == [each.name for each in after.variables[:2]]
    assert {each.matched_by for each in changes} == {"position"} and "matched by position" in str(changes[0])
    assert "not audited" not in str(graphcut.table([before, after]))


def test_two_networks_of_one_program_are_not_one():
    layers, audit = built(stop=False)
    other = graphcut.audit(
        lambda x: tf.reduce_sum(layers[1](layers[0](x))), tf.TensorSpec([2, 4]), variables=layers[1].weights
    )
    first = graphcut.audit(
        lambda x: tf.reduce_sum(layers[1](layers[0](x))), tf.TensorSpec([2, 4]), variables=layers[0].weights
    )
    assert len(graphcut.table([first, other]).rows) == 2
    assert [each.after for each in audit.compare(other)] == [None, None]


def test_eager_variables_of_one_name_are_told_apart_by_object():
    first, second = tf.Variable(1.0), tf.Variable(2.0)
    one = graphcut.audit(lambda: first * second, variables=[first, second])
    other = graphcut.audit(lambda: first * tf.stop_gradient(second), variables=[second, first])
    (change,) = one.compare(other)
    assert (change.after, change.matched_by) == (Verdict.NONE, "object")
