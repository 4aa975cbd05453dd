"""Values that leave TensorFlow and come back without their variable."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, audited, variable, words

eager = pytest.mark.skipif(not EAGER, reason="without eager execution no value leaves while a step is traced")


def get_value(w):
    """What ``get_value`` of Keras 2 does: the value of a variable in the midst of a trace."""
    with tf.init_scope():
        return w.numpy()


def stepped(compute, *variables):
    """The audit of a step of one tape round ``compute``."""

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(compute(x))
        return [tape.gradient(loss, list(variables))]

    return audited(step, [3])[0]


@eager
def test_a_value_that_came_back_as_a_constant_is_named_with_its_line():
    w, v = variable([2.0, 3.0, 4.0], "w"), variable(3.0, "v")

    def compute(x):
        value = get_value(w)
        return x * value * v

    audit = stepped(compute, w, v)
    assert words(audit) == ["none: python", "flows"]
    assert audit[w].cut[0].type == "Const" and not audit[w].unused
    assert audit[w].cut[0].where.endswith(":%d" % (compute.__code__.co_firstlineno + 2))
    assert "leave out .numpy()" in audit.explain(w)
    assert audit.to_dict()["variables"][0]["cut"][0]["kind"] == "python" and audit.to_dot()


@eager
def test_a_constant_of_another_value_is_no_reason():
    w, v = variable([2.0, 3.0, 4.0], "w"), variable(3.0, "v")

    def compute(x):
        before = x * np.float32([2.0, 3.0, 4.0]) * v
        return before + tf.constant([1.0, 2.0, 3.0]) + 0.0 * len(get_value(w))

    audit = stepped(compute, w, v)
    assert words(audit) == ["none", "flows"] and audit[w].unused


@eager
def test_a_value_that_the_loss_does_not_read_is_no_reason():
    w, v = variable([2.0, 3.0, 4.0], "w"), variable(3.0, "v")

    def compute(x):
        tf.constant(get_value(w))
        return x * v

    assert stepped(compute, w, v)[w].unused


@eager
@pytest.mark.parametrize("way", (tf.py_function, tf.numpy_function))
def test_a_variable_that_only_python_reads(way):
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def host(value):
        return np.float32(value) * w.numpy()

    audit = stepped(lambda x: way(host, [tf.stop_gradient(x)], tf.float32) * v, w, v)
    assert words(audit) == ["none: python", "flows"]
    assert "PyFunc" in audit[w].cut[0].type and audit[w].cut[0].where
    assert "What to do" in audit.explain(w)


def test_the_same_in_a_function_that_is_audited():
    w, v, u = (variable(2.0, name) for name in "wvu")

    def loss(x):
        host = tf.py_function(lambda value: value * w, [x], tf.float32)
        return tf.reduce_sum(host * v)

    audit = graphcut.audit(loss, tf.TensorSpec([3]), variables=[w, v, u])
    assert words(audit) == ["none: python", "flows", "none"]
    assert "as an argument" in audit.explain(w) and audit[u].unused
