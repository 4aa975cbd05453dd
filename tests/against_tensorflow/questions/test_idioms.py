"""What a stop belongs to, by the graph."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut.analysis.idioms import Idiom, Idioms

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="needs eager TensorFlow")


def idiom(loss):
    traced = graphcut.audit(loss, tf.ones([2, 3]))._traced
    (op,) = traced.names.ops("StopGradient")
    return Idioms(traced).of(op)


def test_a_product_of_two_variables_is_no_target_network():
    x, y = tf.Variable(2.0), tf.Variable(3.0)
    assert idiom(lambda data: x * x + tf.stop_gradient(y) * x) is None


def test_a_product_of_two_projections_is_one():
    online, target = tf.Variable(tf.ones([3, 2])), tf.Variable(tf.ones([3, 2]))
    assert idiom(lambda x: -tf.reduce_sum((x @ online) * tf.stop_gradient(x @ target))) is Idiom.TARGET_NETWORK
