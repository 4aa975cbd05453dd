"""Ways in which people write steps: strategies, MAML, persistent and nested tapes, Jacobians, models, optimizers of files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, audited, variable, words

TAPE = tf.GradientTape
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
eager = pytest.mark.skipif(not EAGER, reason="Keras optimizers and strategies of TensorFlow 1.15 want a session")
v1 = tf.compat.v1


@eager
@pytest.mark.skipif(not hasattr(tf.distribute.Strategy, "run"), reason="strategies have no run before TensorFlow 2.2")
def test_two_replicas_are_one_audit_with_each_variable_once():
    command = [sys.executable, "-m", "tests.against_tensorflow.steps.mirrored"]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    found = json.loads(subprocess.check_output(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL).splitlines()[-1])
    assert found["replicas"] == 2 and found["answers"][:2] == [[False, False, True, True]] * 2
    own, compiled = found["audits"]
    assert len(own) == len(compiled) == 1
    assert len({name for name, _, _, _ in own[0]}) == 4
    assert [row[1:] for row in own[0]] == [["none", False, None]] * 2 + [["flows", True, True]] * 2
    assert [row[1:] for row in compiled[0]] == [["none", False, False]] * 2 + [["flows", True, True]] * 2


@pytest.mark.parametrize("second_order", (True, False))
def test_an_outer_loss_on_inner_steps(second_order):
    w, rate, scale = variable(2.0, "w"), variable(0.1, "rate"), variable(1.5, "scale")

    def step(x, y):
        with TAPE() as outer:
            with TAPE() as inner:
                loss = tf.reduce_mean(tf.square(w * x * scale - y))
            slope = inner.gradient(loss, w)
            fast = w - rate * (slope if second_order else tf.stop_gradient(slope))
            outer_loss = tf.reduce_mean(tf.square(fast * y - x))
        return [[slope], outer.gradient(outer_loss, [w, rate, scale])]

    inner, outer = audited(step, [3], [3])
    assert words(inner) == ["flows"]
    assert words(outer) == ["flows", "flows", "flows" if second_order else "none: stop-gradient"]


def test_a_batch_jacobian_is_one_audit():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as tape:
            tape.watch(x)
            outputs = tf.sin(x * w) + tf.stop_gradient(x) * v
        return [[tape.batch_jacobian(outputs, x, experimental_use_pfor=False)]]

    (audit,) = audited(step, [2, 3])
    assert words(audit) == ["flows"] and "batch_jacobian" in audit.loss_source


def test_a_persistent_tape_is_asked_twice_inside_and_outside():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE(persistent=True) as tape:
            first = tf.reduce_sum(x * w * tf.stop_gradient(v))
            second = tf.reduce_sum(x * v)
        late = first * second
        return [tape.gradient(first, [w, v]), tape.gradient(second, [w, v]), tape.gradient(late, [w, v])]

    found = audited(step, [3])
    assert list(map(words, found)) == [["flows", "none: stop-gradient"], ["none", "flows"], ["none: outside-tape"] * 2]


def test_nested_tapes_each_see_what_was_made_while_they_recorded():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with TAPE() as outer:
            hidden = x * w
            with TAPE() as inner:
                loss = tf.reduce_sum(hidden * v)
        return [inner.gradient(loss, [w, v]), outer.gradient(loss, [w, v])]

    found = audited(step, [3])
    assert list(map(words, found)) == [["none: outside-tape", "flows"], ["flows", "flows"]]


def of_a_model():
    """Return a compiled model whose own ``train_step`` trains one of its two layers and leaves the other alone."""
    answers = []

    class Own(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.body, self.head = tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)

        def call(self, x, training=False):
            return self.head(tf.stop_gradient(self.body(x)))

        def train_step(self, data):
            x, y = data
            with TAPE() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
            gradients = tape.gradient(loss, self.trainable_variables)
            answers[:] = [each is not None for each in gradients]
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return {"loss": loss}

    model = Own()
    model(tf.zeros([2, 3]))
    model.compile(tf.keras.optimizers.SGD(0.1))
    return model, answers


@eager
@pytest.mark.skipif(not hasattr(tf.keras.Model, "train_step"), reason="from TensorFlow 2.2 on")
def test_the_train_step_that_a_model_overrides():
    model, answers = of_a_model()
    before = [np.array(each) for each in model.get_weights()]
    (audit,) = graphcut.audit_step(model, np.ones([8, 3], "float32"), np.ones([8, 1], "float32"))
    assert list(audit.recorded) == answers == [False, False, True, True]
    assert words(audit) == ["none: stop-gradient"] * 2 + ["flows"] * 2
    assert [each.is_updated for each in audit] == [False, False, True, True]
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights()))
    model.fit(np.ones([8, 3], "float32"), np.ones([8, 1], "float32"), verbose=0)
    changed = [not np.array_equal(old, new) for old, new in zip(before, model.get_weights())]
    assert changed == [each.is_updated for each in audit]


def built(optimizer):
    """A graph of TensorFlow 1 that trains: one variable behind a stop, one on its way, one that is fed zeros."""
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        shapes = ("w", [3, 2]), ("v", [2, 1]), ("u", [])
        w, v, u = (v1.get_variable(name, initializer=tf.ones(shape)) for name, shape in shapes)
        loss = tf.reduce_mean(tf.stop_gradient(x @ w) @ v + 0.0 * u, name="loss")
        train = optimizer().minimize(loss, var_list=[w, v, u], name="train")
    return graph, train


OPTIMIZERS = (
    lambda: v1.train.GradientDescentOptimizer(0.1),
    lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    lambda: v1.train.AdamOptimizer(0.1),
    lambda: v1.train.RMSPropOptimizer(0.1),
)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_meta_file_that_holds_optimizer_ops_tells_what_it_updates(optimizer, tmp_path):
    graph, train = built(optimizer)
    path = str(tmp_path / "model.meta")
    with graph.as_default(), v1.Session() as session:
        v1.train.export_meta_graph(path, graph=graph)
        session.run(v1.global_variables_initializer())
        trainable = v1.trainable_variables()
        before = session.run(trainable)
        session.run(train, {"x:0": np.ones([2, 3])})
        changed = [not np.array_equal(old, new) for old, new in zip(before, session.run(trainable))]
    for audit in (graphcut.audit(path), graphcut.audit(graph)):
        assert audit.loss == ("loss:0",)
        assert [(each.name, each.verdict.value, each.is_updated) for each in audit] == [
            ("w", "none", False), ("v", "flows", True), ("u", "zero", True),
        ]  # fmt: skip
        assert "written, but this gradient does not change it" in str(audit)
    assert changed == [False, True, False]
