"""``audit_step`` on compiled models leaves the model, the optimizer and the process unchanged."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests import guest

keras = tf.keras
layers = keras.layers
KERAS_3 = not hasattr(keras.Model, "_get_trainable_state")
X, Y = np.linspace(0.0, 1.0, 24, dtype=np.float32).reshape(8, 3), np.ones((8, 1), np.float32)
pytestmark = pytest.mark.skipif(not hasattr(keras.Model, "train_step"), reason="a model has a train_step from 2.2 on")


class Counting(keras.Model):
    """A model whose own step counts, with losses of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4, activity_regularizer="l2"), layers.Dense(1)
        self.calls = 0

    def call(self, x):
        return self.second(self.first(x))

    def train_step(self, data):
        self.calls += 1
        return super().train_step(data)


class Nested(keras.Model):
    """A model that cannot be called, as a GAN: it makes its variables in its step."""

    def __init__(self):
        super().__init__()
        self.inner = keras.Sequential([layers.Dense(4), layers.Dense(1)])

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.inner(x) - y) ** 2)
        gradients = tape.gradient(loss, self.inner.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.inner.trainable_variables))
        return {"loss": loss}


def sequential(built):
    first = [keras.Input((3,))] if built else []
    made = [layers.Dense(4, name="d1", activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3)]
    return keras.Sequential([*first, *made, layers.Dense(1, name="d2")])


def functional():
    inputs = keras.Input((3,))
    hidden = layers.Dense(4, name="d1", kernel_regularizer="l2")(inputs)
    return keras.Model(inputs, layers.Dense(1, name="d2")(hidden))


def mirrored():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        return compiled(sequential(built=False))


def compiled(model, metrics=("mae",)):
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=metrics and list(metrics))
    return model


MODELS = {
    "built": lambda: compiled(sequential(built=True)),
    "unbuilt": lambda: compiled(sequential(built=False)),
    "functional": lambda: compiled(functional()),
    "subclass": lambda: compiled(Counting()),
    "nested": lambda: compiled(Nested(), metrics=None),
    "mirrored": mirrored,
}
every_model = pytest.mark.parametrize("name", MODELS)


def model_state(model):
    """The fields that an audit could change."""
    optimizer = model.optimizer
    loss, metrics = ("_compile_loss", "_compile_metrics") if KERAS_3 else ("compiled_loss", "compiled_metrics")
    listed = optimizer.variables
    return {
        "optimizer fields": sorted(vars(optimizer)),
        "optimizer variables": [str(each.name) for each in (listed() if callable(listed) else listed)],
        "optimizer built": getattr(optimizer, "built", getattr(optimizer, "_built", None)),
        "loss built": getattr(getattr(model, loss), "built", None),
        "metrics built": getattr(getattr(model, metrics), "built", None),
        "metrics": [each.name for each in model.metrics],
        "functions": (getattr(model, "train_function", None), getattr(model, "test_function", None)),
        "trainable": [(layer.name, layer.trainable) for layer in model.layers],
    }


@every_model
def test_the_model_and_the_process_are_as_before(name):
    model = MODELS[name]()
    before, process = model_state(model), guest.process_state()
    (audit,) = graphcut.audit_step(model, X[:4], Y[:4])
    assert guest.changed(before, model_state(model)) == []
    guest.ask_everything(audit)
    assert {each.verdict for each in audit} == {Verdict.FLOWS} and all(each.is_updated for each in audit)
    assert guest.changed(before, model_state(model)) == []
    assert (
        guest.changed({**process, "gradients registered": None}, {**guest.process_state(), "gradients registered": None}) == []
    )
    assert all(not hasattr(each, "graph") for each in model.losses)


@every_model
def test_fit_and_save_go_on(name, tmp_path):
    model = MODELS[name]()
    graphcut.audit_step(model, X[:4], Y[:4])
    model.fit(X, Y, batch_size=3, verbose=0)
    assert all(np.all(np.isfinite(each)) for each in model.get_weights())
    if name != "nested":
        model.save_weights(str(tmp_path / "kept.weights.h5"))


def test_the_size_of_the_batch_stays_open():
    model = MODELS["unbuilt"]()
    graphcut.audit_step(model, X[:4], Y[:4])
    assert model.input_shape == (None, 3)


def test_the_step_of_a_fresh_model_is_traced_once():
    model = MODELS["subclass"]()
    graphcut.audit_step(model, X[:4], Y[:4])
    assert model.calls == 1


def test_an_audit_that_fails_leaves_nothing_either():
    model = MODELS["functional"]()
    before = model_state(model)
    with pytest.raises(graphcut.GraphcutError):
        graphcut.audit_step(model, X[:4], Y[:3, :0])
    assert guest.changed(before, model_state(model)) == []


def test_a_frozen_layer_can_be_unfrozen_and_trained():
    model = functional()
    model.layers[1].trainable = False
    compiled(model)
    (audit,) = graphcut.audit_step(model, X, Y)
    assert len(audit) == 2
    model.layers[1].trainable = True
    if not KERAS_3:
        model.compile(model.optimizer, "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert moved(model, before) == [True] * 4


def test_a_layer_can_be_added_and_the_optimizer_shared():
    model, other = MODELS["built"](), functional()
    graphcut.audit_step(model, X, Y)
    other.compile(model.optimizer, "mse")
    other.fit(X, Y, verbose=0)
    model.add(layers.Dense(1))
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.fit(X, Y, verbose=0)


@pytest.mark.skipif(not KERAS_3, reason="from Keras 3 on")
def test_lora_can_be_enabled():
    model = MODELS["built"]()
    graphcut.audit_step(model, X, Y)
    model.layers[0].enable_lora(2)
    model.fit(X, Y, verbose=0)


def test_a_model_with_nothing_to_train_says_so():
    model = sequential(built=True)
    model.trainable = False
    compiled(model)
    with pytest.raises(graphcut.GraphcutError, match="no variable of this model is trainable: .*d1/kernel"):
        graphcut.audit_step(model, X, Y)


def moved(model, before):
    return [not np.allclose(now, then) for now, then in zip(model.get_weights(), before)]


@pytest.mark.parametrize("ran", (False, True), ids=("compiled", "fitted"))
@pytest.mark.parametrize("frozen", (False, True), ids=("thawed", "frozen"))
def test_what_fit_will_really_run_decides(ran, frozen):
    """Keras 2 keeps the state of ``compile``, and every Keras its first trace; ``fit`` itself is the judge."""
    model = functional()
    model.layers[1].trainable = not frozen
    compiled(model)
    if ran:
        model.fit(X, Y, verbose=0)
    model.layers[1].trainable = frozen
    (audit,) = graphcut.audit_step(model, X, Y)
    assert model.layers[1].trainable is frozen
    updated = {each.name.rpartition("/")[2] + each.name.rpartition("/")[0][-2:] for each in audit if each.is_updated}
    told = "`trainable` changed for " in audit.loss_source
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert len(updated) == sum(moved(model, before))
    assert told == (ran or not KERAS_3)
    assert not told or "d1/* since; call compile() again" in audit.loss_source


@pytest.mark.skipif(not hasattr(keras.optimizers.Optimizer, "build"), reason="before 2.11 no optimizer lists its variables")
def test_a_function_that_was_traced_goes_on_as_it_was():
    model, optimizer = functional(), keras.optimizers.SGD(0.1)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    model.layers[1].trainable = False
    step(tf.constant(X), tf.constant(Y))
    model.layers[1].trainable = True
    (audit,) = graphcut.audit_step(step, X, Y)
    assert len(audit) == 2 and "d1/* since; the trace of then goes on" in audit.loss_source
    before = model.get_weights()
    step(tf.constant(X), tf.constant(Y))
    assert moved(model, before) == [False, False, True, True]


def test_an_optimizer_of_an_own_step_is_not_built():
    model, optimizer = functional(), keras.optimizers.SGD(0.1, momentum=0.9)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    before = sorted(vars(optimizer))
    graphcut.audit_step(step, X, Y)
    with pytest.raises(graphcut.GraphcutError, match="it is a training step"):
        graphcut.audit(step, X, Y)
    graphcut.trace(tf.function(step), X, Y)
    assert sorted(vars(optimizer)) == before and "momentum" not in str(optimizer.variables)


@pytest.mark.parametrize("ask", [graphcut.audit, graphcut.trace], ids=["audit", "trace"])
def test_a_model_keeps_its_losses_and_the_process_its_random_states(ask):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1, kernel_regularizer="l2", activity_regularizer="l2")])
    model(X)
    gc.collect()  # gradients that earlier audits registered disappear with these audits, at any time
    process = guest.process_state()
    ask(lambda x: tf.reduce_sum(model(x) * np.random.rand()) + tf.add_n(model.losses), X)
    assert guest.changed(process, guest.process_state()) == []
    assert all(not hasattr(each, "graph") for each in model.losses)


def test_a_function_that_was_never_traced_gets_no_trace():
    traces = []

    @tf.function
    def loss(x):
        traces.append(x.shape)
        return tf.reduce_sum(x)

    graphcut.audit(loss, tf.TensorSpec([None, 3]))
    loss(tf.constant(X))
    assert traces[-1] == (8, 3)


def test_variables_made_in_a_replica_have_a_value():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model, optimizer = sequential(built=False), keras.optimizers.SGD(0.1)

    def replica(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))

    step = tf.function(lambda x, y: strategy.run(replica, args=(x, y)))
    collections = guest.process_state()["collections"]
    graphcut.audit_step(step, X, Y)
    assert guest.process_state()["collections"] == collections
    before = model.get_weights()
    assert [each.shape for each in before][:2] == [(3, 4), (4,)]
    step(tf.constant(X), tf.constant(Y))
    assert moved(model, before)[0]


@pytest.mark.parametrize("goes_on", [lambda model: None, lambda model: model.fit(X, Y, verbose=0)])
def test_an_audited_model_can_be_saved_with_its_optimizer(goes_on, tmp_path):
    model = sequential(built=True)
    model.compile("adam", "mse")
    graphcut.audit_step(model, X, Y)
    goes_on(model)
    tf.saved_model.save(model, str(tmp_path / "saved"))
    assert (tmp_path / "saved" / "saved_model.pb").exists()
