"""What a watched ``fit`` says of a model whose layers are built by the first step, and of variables that it does not track."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut

keras3 = pytest.mark.skipif(not hasattr(tf.keras, "version"), reason="Keras 2 tracks each tf.Variable")
pytestmark = pytest.mark.skipif(not hasattr(tf.keras.Model, "train_step"), reason="this Keras has no train_step")
X, Y = np.ones([4, 3], "float32"), np.ones([4, 1], "float32")


class Scaled(tf.keras.Model):
    """Two layers with a stop between them; plain variables are factors on both sides of it."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = tf.keras.layers.Dense(3), tf.keras.layers.Dense(1)
        self.scales = [tf.Variable(tf.ones([3]), name=name) for name in ("scale_a", "scale_b")]

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            z = tf.stop_gradient(self.encoder(x) * self.scales[0])
            loss = tf.reduce_mean(tf.square(self.decoder(z * self.scales[1]) - y))
        weights = self.encoder.trainable_weights + self.decoder.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}


def watched_fit():
    model = Scaled()
    model.compile("adam")
    with graphcut.watch() as watched:
        model.fit(X, Y, verbose=0)
    (audit,) = watched.audits
    return model, audit


def test_first_values_are_no_updates():
    model, audit = watched_fit()
    kernels = [layer.kernel for layer in (model.encoder, model.decoder)]
    assert [(audit[each].verdict.value, audit[each].is_updated) for each in kernels] == [("none", False), ("flows", True)]
    before = kernels[0].numpy()
    model.fit(X, Y, verbose=0)
    assert (kernels[0].numpy() == before).all() and "updated nevertheless" not in str(audit)


@keras3
def test_a_variable_that_the_model_does_not_track_is_forgotten_behind_a_stop_too():
    model, watched = watched_fit()
    (traced,) = graphcut.audit_step(model, X, Y)
    for audit in (watched, traced):
        rows = {each.name: each for each in audit.left_out}
        assert {name: (each.reason.value, each.is_stopped) for name, each in rows.items()} == {
            "scale_a": ("forgotten", True),
            "scale_b": ("forgotten", False),
        }
        assert "in Keras 3 create scale_a, scale_b with self.add_weight" in str(audit)
        assert "behind a stop: scale_a" in str(audit)
        text = audit.explain("scale_a")
        assert "create it with self.add_weight" in text and "remove the stop as well" in text


@keras3
def test_a_copy_that_the_model_does_not_track_is_frozen():
    class Averaged(Scaled):
        def train_step(self, data):
            logs = super().train_step(data)
            self.scales[0].assign(0.9 * self.scales[0])
            return logs

    model = Averaged()
    model.compile("adam")
    (audit,) = graphcut.audit_step(model, X, Y)
    reasons = {each.name: each.reason.value for each in audit.left_out}
    assert reasons == {"scale_a": "frozen", "scale_b": "forgotten"}
