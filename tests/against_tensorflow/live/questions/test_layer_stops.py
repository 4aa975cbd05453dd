"""Stops behind the layers of a functional or sequential Keras model, whose code graphcut finds by the layers' names."""

from __future__ import annotations

import importlib.util
import sys
import warnings

import pytest
import tensorflow as tf

import graphcut
from graphcut.cli import main
from tests.patching import applied

VERSION = tuple(int(each) for each in tf.__version__.split(".")[:2])
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8"),
    pytest.mark.skipif(VERSION < (2, 4), reason="Keras models take no part in tf.function before"),
]
FUNCTIONAL = """
import numpy as np
import tensorflow as tf

def build():
    x = tf.keras.Input((3,), name="x")
    hidden = tf.keras.layers.Dense(4, activation="gelu", name="hidden")(x)
    loud = tf.keras.layers.Dense(2, name="loud")(hidden)
    quiet = tf.keras.layers.Dense(2, name="quiet")(hidden)
    model = tf.keras.Model(x, [loud, quiet], name="net")
    model.compile("sgd", loss=["mse", "mse"])
    return model, np.zeros((2, 3), "float32"), [np.zeros((2, 2), "float32")] * 2
"""
SEQUENTIAL = """
import numpy as np
import tensorflow as tf

def build():
    layers = [tf.keras.layers.Dense(4, activation="tanh", name="hidden"), tf.keras.layers.Dense(2, name="head")]
    model = tf.keras.Sequential(layers, name="net")
    model.build((None, 3))
    model.compile("sgd", loss="mse")
    return model, np.zeros((2, 3), "float32"), np.zeros((2, 2), "float32")
"""


def suggested(text, folder, capsys, *options):
    """What ``graphcut suggest`` prints for a file; the file with the first patch; the verdicts of the model that it builds."""
    path = folder / "model.py"
    path.write_text(text, encoding="utf-8")
    try:
        assert main(["suggest", f"{path}:build", *options, "--apply", str(folder / "a.patch")]) == 0
    finally:
        sys.modules.pop("model", None)
    edited = applied(text, (folder / "a.patch").read_text(encoding="utf-8"))
    names = {}
    exec(compile(edited, "edited_model.py", "exec", dont_inherit=True), names)
    (audit,) = graphcut.audit_step(*names["build"]())
    return capsys.readouterr().out, edited, {each.name: each.verdict.value for each in audit}


def test_the_output_of_a_functional_layer_is_stopped_by_a_lambda(tmp_path, capsys):
    said, edited, verdicts = suggested(FUNCTIONAL, tmp_path, capsys, "--block", "hidden/*")
    assert "hidden = tf.keras.layers.Lambda(tf.stop_gradient)(tf.keras.layers.Dense(4, " in edited and "Gelu" not in said
    assert [verdicts[each] for each in sorted(verdicts)] == ["none"] * 2 + ["flows"] * 4


def test_a_lambda_follows_the_layer_in_a_list(tmp_path, capsys):
    _, edited, verdicts = suggested(SEQUENTIAL, tmp_path, capsys, "--block", "hidden")
    assert 'name="hidden"), tf.keras.layers.Lambda(tf.stop_gradient), tf' in edited
    assert sorted(verdicts.values()) == ["flows"] * 2 + ["none"] * 2


@pytest.fixture(scope="module")
def audit():
    names = {}
    exec(FUNCTIONAL, names)
    (found,) = graphcut.audit_step(*names["build"]())
    return found


UNNAMED = """
import tensorflow as tf
from tensorflow.keras import layers

def build():
    x = tf.keras.Input((3,))
    h = layers.Dense(4, activation="relu")(x)
    h = layers.Dense(5, activation="tanh")(h)
    model = tf.keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)])
    model.compile("sgd", loss=["mse", "mse"])
    return model, tf.zeros([2, 3]), [tf.zeros([2, 2])] * 2
"""
ADDED = """
import tensorflow as tf

def build():
    model = tf.keras.Sequential(name="net")
    model.add(tf.keras.Input((3,)))
    model.add(tf.keras.layers.Dense(4, activation="tanh", name="hidden"))
    model.add(tf.keras.layers.Dense(2, name="head"))
    model.compile("sgd", loss="mse")
    return model, tf.zeros([2, 3]), tf.zeros([2, 2])
"""


def test_a_layer_without_a_name_is_known_by_its_class(tmp_path, capsys):
    tf.keras.backend.clear_session()
    _, edited, verdicts = suggested(UNNAMED, tmp_path, capsys, "--block", "dense/*", "--block", "dense_1/*")
    assert 'h = tf.keras.layers.Lambda(tf.stop_gradient)(layers.Dense(5, activation="tanh")(h))' in edited
    assert sorted(verdicts.values()) == ["flows"] * 4 + ["none"] * 4


def test_a_lambda_is_added_behind_an_added_layer(tmp_path, capsys):
    _, edited, verdicts = suggested(ADDED, tmp_path, capsys, "--block", "*hidden/*")
    assert 'name="hidden"))\n    model.add(tf.keras.layers.Lambda(tf.stop_gradient))\n    model.add(' in edited
    assert sorted(verdicts.values()) == ["flows"] * 2 + ["none"] * 2


WRAPPED = """
import tensorflow as tf

def build():
    x = tf.keras.Input((3,), name="x")
    hidden = tf.keras.layers.Dense(4, name="hidden")(x)
    rough = tf.keras.layers.Lambda(lambda value: tf.round(value))(hidden)
    model = tf.keras.Model(x, tf.keras.layers.Dense(2, name="head")(rough), name="net")
    model.compile("sgd", loss="mse")
    return model
"""


def test_a_lambda_of_a_live_model_is_edited_where_it_is_written(tmp_path):
    path = tmp_path / "wrapped.py"
    path.write_text(WRAPPED, encoding="utf-8")
    names = {}
    exec(compile(WRAPPED, str(path), "exec", dont_inherit=True), names)
    (audit,) = graphcut.audit_step(names["build"](), tf.zeros([2, 3]), tf.zeros([2, 2]))
    (found,) = audit.suggest_unblock("hidden/*" if "hidden/kernel" in audit else "net/hidden/*")
    assert found.confirmed and "Lambda(lambda value: value + tf.stop_gradient(tf.round(value) - value))" in found.code


def test_a_value_inside_a_layer_is_not_to_be_stopped_by_hand():
    dense = tf.keras.layers.Dense(2, name="inner")
    dense(tf.zeros([2, 3]))

    def loss(a, b):
        return tf.reduce_sum(dense(a)) * tf.reduce_sum(dense(b))

    audit = graphcut.audit(loss, *[tf.TensorSpec([2, 3])] * 2, variables=dense.trainable_variables)
    first, *others = audit.suggest_stops(block=dense.kernel)
    assert "trainable = False on the layer of" in first.prose and "kernel, or leave it out" in first.prose
    assert {each.prose for each in others} <= {"the advice above holds for this tensor, too"}


def test_where_the_model_was_built_elsewhere_the_layer_is_named(audit):
    (found,) = audit.suggest_stops(block="hidden/*")
    assert (
        found.prose
        == "put a layer tf.keras.layers.Lambda(tf.stop_gradient) after layer hidden, for everything that reads its output"
    )


def test_the_advice_for_variables_inside_layers_is_said_once(audit):
    first, second = audit.suggest_stops(block="loud")
    assert (
        first.prose == "set trainable = False on the layer of loud/kernel, loud/bias, or leave them out of the gradient call"
    )
    assert second.prose == "the advice above holds for this tensor, too"


STEP = """
import warnings
import tensorflow as tf

encoder = tf.Variable(tf.ones([3]), name="encoder")
critic = tf.keras.layers.Dense(1, name="critic")
critic.build((None, 3))

def step(x):
    warnings.warn("of the step")
    with tf.GradientTape() as tape:
        features = x * encoder
        value = critic(features)[:, 0]
        loss = tf.reduce_sum(value * features[:, 0])
    return tape.gradient(loss, [encoder, *critic.trainable_variables])
"""


def test_a_stop_that_costs_another_variable_a_part_of_its_gradient_says_so(tmp_path, recwarn):
    (tmp_path / "critic.py").write_text(STEP, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("critic", str(tmp_path / "critic.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (audit,) = graphcut.audit_step(module.step, tf.TensorSpec([2, 3]))
    recwarn.clear()
    warnings.simplefilter("always")  # within recwarn, which restores the filters
    first, second = audit.suggest_stops(block=critic_variables(audit))
    assert not [each for each in recwarn if "of the step" in str(each.message)]
    assert first.code == "value = tf.stop_gradient(critic(features)[:, 0])" and first.confirmed
    assert first.note == "this also stops a part of the gradient of encoder"
    assert second.prose == "the edit above stops this tensor, too"


def critic_variables(audit):
    return [each.name for each in audit if each.name != "encoder"]
