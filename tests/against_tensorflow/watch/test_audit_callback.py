"""``graphcut.keras.AuditCallback``: audit the gradients of ``fit`` in the graph that it traces anyway."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError
from graphcut.backend.record import gradient_calls
from graphcut.keras import AuditCallback

keras = tf.keras
layers = keras.layers
pytestmark = [
    pytest.mark.skipif(not hasattr(keras.Model, "train_step"), reason="a model has a train_step from 2.2 on"),
    pytest.mark.filterwarnings("ignore:Gradients do not exist"),
]
X, Y = np.linspace(0.0, 1.0, 24, dtype=np.float32).reshape(8, 3), np.ones((8, 1), np.float32)


def model(between=None, **kwargs):
    """Two layers with something between them."""
    listed = [layers.Lambda(between, output_shape=(4,))] if between else []
    made = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="a"), *listed, layers.Dense(1, name="b")])
    made.compile(keras.optimizers.SGD(0.1), "mse", **kwargs)
    return made


def told(made, callback, **kwargs):
    """What a callback warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made.fit(X, Y, batch_size=4, verbose=0, callbacks=[callback], **kwargs)
    return [str(each.message) for each in caught if str(each.message).startswith("graphcut")]


@pytest.mark.parametrize("eagerly", [False, True])
def test_every_variable_of_fit_must_train(eagerly):
    callback = AuditCallback()
    (text,) = told(model(tf.stop_gradient, run_eagerly=eagerly), callback)
    assert "a/kernel" in text and "cut by stop-gradient" in text and "What to do:" in text
    assert "b/kernel" not in text
    assert [each.verdict.value for each in callback.audits[0]] == ["none", "none", "flows", "flows"]


def test_nothing_is_said_where_all_is_well():
    assert told(model(), AuditCallback(must_train=["*a/*", "*b/kernel"])) == []


def test_what_is_frozen_must_get_no_gradient():
    (text,) = told(model(), AuditCallback(must_train="*b/*", frozen="*a/kernel"))
    assert "'*a/kernel' must get no gradient, but gets one" in text


def test_what_is_frozen_need_not_train():
    assert told(model(tf.stop_gradient), AuditCallback(frozen="*a/*")) == []


def test_a_layer_that_does_not_train_may_be_frozen():
    made = model()
    made.layers[0].trainable = False
    made.compile("sgd", "mse")
    assert told(made, AuditCallback(must_train="*b/*", frozen="*kernel")) != []
    assert told(made, AuditCallback(must_train="*b/*", frozen=made.layers[0].kernel)) == []


def test_names_that_mean_nothing_are_said():
    (text,) = told(model(), AuditCallback(must_train="*b/*", frozen="*typo*"))
    assert "frozen='*typo*' matches no variable of the model" in text
    (text,) = told(model(), AuditCallback(must_train="*typo*"))
    assert "must_train='*typo*' matches no variable of the model" in text
    (text,) = told(model(), AuditCallback(must_train="bb"))
    assert "must_train='bb' matches no variable of the model; did you mean" in text and "'b'" in text


def test_fit_ends_before_the_second_batch():
    made = model(tf.stop_gradient)
    with pytest.raises(GraphcutError, match="must get a gradient"):
        made.fit(X, Y, batch_size=2, verbose=0, callbacks=[AuditCallback(must_train="*a/*", on_problem="raise")])
    assert int(made.optimizer.iterations.numpy()) == 1


def test_a_problem_may_be_logged(caplog):
    with caplog.at_level(logging.WARNING, logger="graphcut"):
        model(tf.round).fit(X, Y, verbose=0, callbacks=[AuditCallback(on_problem="log")])
    assert "not-differentiable" in caplog.text


def test_an_unknown_way_is_refused():
    with pytest.raises(GraphcutError, match='on_problem must be "warn", "raise" or "log", not'):
        AuditCallback(on_problem="shout")


def test_fit_that_fails_is_audited_and_keeps_its_error():
    made = keras.Sequential([keras.Input((3,)), layers.Dense(1, name="a"), layers.Lambda(tf.round, output_shape=(1,))])
    made.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="not-differentiable"), pytest.raises(ValueError, match="No gradients provided"):
        made.fit(X, Y, verbose=0, callbacks=[AuditCallback()])
    assert not gradient_calls.WATCHES


def test_a_second_fit_is_not_audited_again_and_one_that_was_traced_before_is():
    made, callback = model(tf.stop_gradient), AuditCallback()
    made.fit(X, Y, verbose=0)
    assert len(told(made, callback)) == 1
    assert told(made, callback) == []
    made.compile("sgd", "mse")
    assert len(told(made, callback)) == 1


def test_the_model_is_left_as_it_was_and_trains_as_without():
    with_callback, without = model(), model()
    without.set_weights(with_callback.get_weights())
    with_callback.fit(X, Y, verbose=0, shuffle=False, epochs=2, callbacks=[AuditCallback()])
    without.fit(X, Y, verbose=0, shuffle=False, epochs=2)
    for own, other in zip(with_callback.get_weights(), without.get_weights()):
        np.testing.assert_allclose(own, other, rtol=1e-5)
    assert "AuditCallback" not in repr(with_callback.train_function)
    assert not gradient_calls.WATCHES


def test_a_step_with_two_gradients_is_judged_by_both():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(1)

        def call(self, x):
            return self.b(self.a(x))

        def train_step(self, data):
            x, y = data
            with tf.GradientTape(persistent=True) as tape:
                first = tf.reduce_mean(self.a(x))
                second = tf.reduce_mean((self.b(tf.stop_gradient(self.a(x))) - y) ** 2)
            known = self.trainable_variables
            for loss in (first, second):
                pairs = [(each, var) for each, var in zip(tape.gradient(loss, known), known) if each is not None]
                self.optimizer.apply_gradients([(each, var) for each, var in pairs])
            return {"loss": second}

    made = Two()
    made(X)
    made.compile(keras.optimizers.SGD(0.1))
    made.optimizer.build(made.trainable_variables) if hasattr(made.optimizer, "build") else None
    callback = AuditCallback()
    assert told(made, callback) == []
    assert len(callback.audits) == 2 and isinstance(callback.audits[0], graphcut.Audit)


def test_a_watch_around_fit_has_what_the_callback_audits():
    callback, made = AuditCallback(on_problem="log"), model(tf.stop_gradient)
    with graphcut.watch() as watched:
        made.fit(X, Y, batch_size=4, verbose=0, callbacks=[callback])
    assert [[each.verdict.value for each in audit] for audit in watched.audits] == [["none", "none", "flows", "flows"]]
    assert len(callback.audits) == 1


def test_a_model_without_trainable_weights_is_the_reason_that_fit_took_no_gradient():
    made = model()
    made.trainable = False
    made.compile("sgd", "mse")
    (text,) = told(made, AuditCallback())
    assert text.endswith("took no gradient: the model has no trainable weights")


def test_a_watch_trains_what_fit_trains_without_it():
    made, audited = [model(), model()], []
    for each, watch in zip(made, (False, True)):
        keras.backend.clear_session()
        each.set_weights([np.full(value.shape, 0.1, np.float32) for value in each.get_weights()])
        each.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
        each.layers[0].trainable = False
        with graphcut.watch() if watch else warnings.catch_warnings() as watched:
            each.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
        audited.append(watched)
    for plain, seen in zip(*(each.get_weights() for each in made)):
        np.testing.assert_allclose(plain, seen, rtol=1e-5)
    (audit,) = audited[1].audits
    moved = not np.allclose(made[0].layers[0].get_weights()[1], 0.1)
    assert ("a/kernel" in " ".join(each.name for each in audit)) or not moved


@pytest.mark.parametrize("key", ["*a/*", "layer", "kernel"])
def test_a_frozen_layer_that_must_train_is_advised_to_become_trainable(key):
    made = model()
    made.get_layer("a").trainable = False
    made.compile("sgd", "mse")
    keys = {"layer": made.get_layer("a"), "kernel": made.get_layer("a").kernel}
    (text,) = told(made, AuditCallback(must_train=keys.get(key, key)))
    assert "fit takes no gradient of it: set trainable = True on its layer before compile()" in text


def test_a_printed_watch_shows_its_audits():
    with graphcut.watch() as seen:
        assert str(seen) == "graphcut.watch(): no gradient yet"
        model().fit(X, Y, batch_size=4, verbose=0)
    assert str(seen).startswith("graphcut.watch(): 1 gradient\n")
    assert str(seen.audits[0]) in str(seen)
