"""With the installed TensorFlow, Keras builds the model in a Keras file, and the audit is that of the model."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError
from tests.against_tensorflow.live.building import EAGER

NAMES = ["model.h5"] + ["model.keras"] * hasattr(tf.keras, "ops")
pytestmark = pytest.mark.skipif(not EAGER, reason="the model is built eagerly")


def saved(path, *layers):
    model = tf.keras.Sequential([*layers, tf.keras.layers.Dense(1, name="last")])
    model.build((None, 4))
    model.save(str(path))
    return str(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_keras_file_is_audited_as_its_model(name, tmp_path):
    layers = tf.keras.layers
    path = saved(tmp_path / name, layers.Dense(3, name="frozen", trainable=False, input_shape=(4,)))
    audit = graphcut.audit(path, oracle="installed")
    assert [each.verdict for each in audit] == [graphcut.Verdict.FLOWS] * 2
    assert {each.reason for each in audit.left_out} == {graphcut.LeftOutReason.FROZEN}


@pytest.mark.parametrize("name", NAMES)
def test_python_functions_in_a_keras_file_do_not_run(name, tmp_path):
    path = saved(tmp_path / name, tf.keras.layers.Lambda(lambda x: x * 2, output_shape=(4,), input_shape=(4,)))
    with pytest.raises(GraphcutError, match=r"holds Python functions \(a Lambda layer\), which graphcut does not run"):
        graphcut.audit(path, oracle="installed")
