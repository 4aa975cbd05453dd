"""The gradient of ``all_reduce`` is asked for in the replica context that the op was built in."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict

pytestmark = pytest.mark.skipif(not hasattr(tf.distribute.Strategy, "run"), reason="a strategy has run from 2.2 on")
_ZERO = "zero"


def test_a_sum_over_the_replicas_carries_a_gradient_without_an_assumption():
    w, v = tf.Variable([1.0, 2.0], name="w"), tf.Variable([3.0, 4.0], name="v")
    contexts = []

    def inside():
        contexts.append(tf.distribute.get_replica_context())
        with tf.GradientTape() as tape:
            total = contexts[-1].all_reduce(tf.distribute.ReduceOp.SUM, w * w)
            loss = tf.reduce_sum(total * tf.stop_gradient(v))
        return tape.gradient(loss, [w, v], unconnected_gradients=_ZERO)

    step = tf.function(lambda: tf.distribute.get_strategy().run(inside))
    (audit,) = graphcut.audit_step(step)
    state = [dict(vars(each)) for each in contexts]
    assert [each.verdict for each in audit.variables] == [Verdict.FLOWS, Verdict.ZERO]
    assert audit.assumptions == ()
    assert [dict(vars(each)) for each in contexts] == state
    assert [each.numpy().any() for each in step()] == [True, False]
