"""A compiled model without targets is audited as a function, and each answer says that its ``train_step`` was not audited."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut.cli import main

pytestmark = pytest.mark.skipif(not hasattr(tf.keras.Model, "train_step"), reason="this Keras has no train_step")
NOT_THE_STEP = "not its compiled train_step"
SOURCE = """
import tensorflow as tf


class Gate(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = (tf.keras.layers.Dense(3, name=name) for name in ("encoder", "decoder"))

    def call(self, x):
        return self.decoder(self.encoder(x))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.decoder(tf.stop_gradient(self.encoder(x))) - y))
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}


class Coder(Gate):
    def train_step(self, data):
        x = data[0] if isinstance(data, tuple) else data  # as Keras 2 passes it
        return super().train_step((x, x))


coder = Coder()
coder.compile("sgd")


def build():
    made = Coder()
    made.compile("sgd")
    return made, (tf.ones([2, 3]),)


model = Gate()
model(tf.ones([2, 3]))
plain = Gate()
plain(tf.ones([2, 3]))
model.compile("sgd")
"""
X, Y = ["--spec", "float32[2,3]"], ["--spec", "float32[2,3]"]


@pytest.fixture(autouse=True)
def gate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.py").write_text(SOURCE, encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ["audit"],
        ["explain", "*encoder/kernel"],
        ["table"],
        ["suggest", "--unblock", "*encoder/kernel"],
        ["draw", "-o", "cut.dot"],
    ],
    ids=lambda each: each[0],
)
def test_commands_say_that_the_step_was_not_audited(command, capfd):
    name, *rest = command
    assert main([name, "gate.py:model", *rest, *X]) == 0
    assert capfd.readouterr().err.count(NOT_THE_STEP) == 1


@pytest.mark.parametrize("source, specs", [("gate.py:plain", X), ("gate.py:model", X + Y)], ids=["not compiled", "step"])
def test_other_audits_say_nothing_of_it(source, specs, capfd):
    assert main(["audit", source, *specs]) == 0
    shown = capfd.readouterr()
    assert NOT_THE_STEP not in shown.out + shown.err


@pytest.mark.parametrize("source, specs", [("gate.py:coder", X), ("gate.py:build", [])], ids=["spec", "tuple of one"])
def test_a_step_that_needs_no_targets_is_audited_with_its_inputs(source, specs, capfd):
    assert main(["audit", source, *specs]) == 0
    shown = capfd.readouterr()
    assert "tape.gradient" in shown.out and "stop-gradient" in shown.out and NOT_THE_STEP not in shown.out + shown.err


def test_a_suggestion_says_so_too(capfd):
    assert main(["suggest", "gate.py:model", "--unblock", "*encoder/kernel", *X]) == 0
    assert "from what the model returns; not its compiled train_step" in capfd.readouterr().out
    assert main(["suggest", "gate.py:model", "--unblock", "*encoder/kernel", *X, *Y]) == 0
    assert "tf.stop_gradient" in capfd.readouterr().out


def test_the_loss_line_says_so():
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.build((None, 3))
    assert NOT_THE_STEP not in str(graphcut.audit(model, tf.TensorSpec([2, 3])))
    model.compile("sgd", "mse")
    assert "graphcut.audit_step(model, x, y)" in str(graphcut.audit(model, tf.TensorSpec([2, 3])))
