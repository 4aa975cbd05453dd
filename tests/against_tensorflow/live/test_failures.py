"""A Python callable that cannot be traced: its own error, its line, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut.cli import main

plain = tf.autograph.experimental.do_not_convert
SCALAR = tf.TensorSpec([], tf.float32)


def numpy(x):
    y = x * 2
    return tf.constant(y.numpy())


def item(x):
    return x.item()


def evaluated(x):
    return x.eval()


@plain
def number(x):
    return tf.ones([2]) * float(x)


def formatted(x):
    return x * len("%f" % x)


@plain
def counted(x):
    return tf.constant([1.0 for _ in range(tf.cast(x, tf.int32))])


def array(x):
    return tf.constant(np.asarray(x))


def rounded(x):
    return tf.square(np.round(x))


def mean(x):
    return tf.square(np.mean(x))


def two_of_numpy(x):
    return np.exp(1.0) * np.exp(x)


@plain
def branch(x):
    return x if x > 0 else -x


@plain
def loop(x):
    return sum(each for each in tf.ones([3]) * x)


def one_sided(x):
    if x > 0:
        y = x
    return y


def mine(x):
    raise KeyError("mine")


@pytest.mark.parametrize(
    "function, line, said",
    [
        (numpy, "return tf.constant(y.numpy())", ".numpy() needs a value"),
        (item, "return x.item()", ".item() needs a value"),
        (evaluated, "return x.eval()", ".eval() needs a value"),
        (number, "return tf.ones([2]) * float(x)", "float() needs a value"),
        (formatted, 'return x * len("%f" % x)', "a Python number needs a value"),
        (counted, "return tf.constant([1.0 for _ in range(tf.cast(x, tf.int32))])", "range() needs a value"),
        (array, "return tf.constant(np.asarray(x))", "np.asarray() needs a value"),
        (rounded, "return tf.square(np.round(x))", "use tf.round"),
        (mean, "return tf.square(np.mean(x))", "use tf.reduce_mean"),
        (two_of_numpy, "return np.exp(1.0) * np.exp(x)", "use TensorFlow's function of that name"),
        (branch, "return x if x > 0 else -x", "a branch (if, while, and, or, assert) needs a value"),
        (loop, "return sum(each for each in tf.ones([3]) * x)", "a Python loop needs a value"),
        (one_sided, "if x > 0:", "must give each name a tensor"),
        (mine, 'raise KeyError("mine")', "KeyError: 'mine'"),
    ],
)
def test_the_line_and_what_to_write_instead(function, line, said):
    with pytest.raises(graphcut.GraphcutError) as raised:
        graphcut.trace(function, SCALAR)
    place, number = (
        str(raised.value).splitlines()[1],
        Path(__file__).read_text(encoding="utf-8").split("    %s\n" % line)[0],
    )
    assert place.endswith("test_failures.py:%d: %s" % (len(number.splitlines()) + 1, line)) and said in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 3 and max(map(len, str(raised.value).splitlines())) < 400


class Layer(tf.keras.layers.Layer):
    def call(self, x):
        return x * x.numpy()


def test_what_keras_wraps_round_an_error_is_taken_off():
    with pytest.raises(graphcut.GraphcutError) as raised:
        graphcut.trace(lambda x: Layer()(x), SCALAR)
    assert "return x * x.numpy()\n.numpy() needs a value" in str(raised.value)


def test_what_keras_itself_refuses_is_told_with_the_line_of_the_call():
    layer = tf.keras.layers.Dense(2)
    layer.build([None, 3])
    model = tf.keras.Sequential([layer])
    with pytest.raises(graphcut.GraphcutError) as raised:
        graphcut.trace(lambda x: model(x), tf.TensorSpec([None, 4], tf.float32))
    assert "test_failures.py:" in str(raised.value) and len(str(raised.value).splitlines()) <= 3


def test_the_error_itself_is_its_cause():
    with pytest.raises(graphcut.GraphcutError) as raised:
        graphcut.trace(mine, SCALAR)
    assert isinstance(raised.value.__cause__, KeyError)


@pytest.mark.parametrize("wrapped", [numpy, tf.function(numpy)])
def test_missing_arguments(wrapped):
    with pytest.raises(graphcut.GraphcutError, match="give example arguments or a tf.TensorSpec for each"):
        graphcut.trace(wrapped)


@pytest.mark.skipif(not tf.executing_eagerly(), reason="needs Keras outside of a graph")
def test_a_model_that_tells_its_inputs_needs_no_arguments():
    both = [tf.keras.Input((3,), name="a"), tf.keras.Input((2,), name="b")]
    summed = tf.keras.layers.Concatenate()([tf.keras.layers.Dense(2, name="left")(both[0]), both[1]])
    functional = tf.keras.Model(dict(zip("ab", both)), tf.keras.layers.Dense(1, name="right")(summed))
    sequential = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
    assert len(graphcut.audit(functional)) == 4 and len(graphcut.audit(sequential)) == 2
    with pytest.raises(graphcut.GraphcutError, match="model .* cannot be traced[\\s\\S]*give example arguments"):
        graphcut.audit(tf.keras.Sequential([tf.keras.layers.Dense(1)]))


def test_an_argument_that_is_missing_on_the_command_line(tmp_path, capfd):
    (tmp_path / "model.py").write_text("def loss(x):\n    return x\n", encoding="utf-8")
    assert main(["audit", str(tmp_path / "model.py:loss")]) == 2
    said = capfd.readouterr().err
    assert "give a --spec for each" in said and "TensorSpec" not in said


def test_on_the_command_line(tmp_path, capfd):
    (tmp_path / "model.py").write_text("def loss(x):\n    return x.numpy()\n", encoding="utf-8")
    assert main(["audit", str(tmp_path / "model.py:loss"), "--spec", "float32[]"]) == 2
    first, second, third = capfd.readouterr().err.splitlines()
    assert first.startswith("graphcut: function loss cannot be traced: AttributeError")
    assert second.endswith("model.py:2: return x.numpy()") and third.startswith(".numpy() needs a value")
