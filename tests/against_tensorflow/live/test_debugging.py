"""A SavedModel that was saved with debug information says where its ops were made."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut

SAVES_PLACES = pytest.mark.skipif(
    not hasattr(tf.saved_model, "SaveOptions"), reason="this TensorFlow saves no debug information"
)


class Model(tf.Module):
    def __init__(self):
        self.w = tf.Variable(tf.ones([3, 3]), name="w")

    @tf.function
    def inner(self, x):
        return tf.stop_gradient(x @ self.w)

    @tf.function
    def loss(self, x):
        return tf.reduce_sum(self.inner(x))


@SAVES_PLACES
def test_places_in_functions_that_functions_call(tmp_path):
    model = Model()
    signatures = model.loss.get_concrete_function(tf.TensorSpec([None, 3]))
    options = tf.saved_model.SaveOptions(save_debug_info=True)
    tf.saved_model.save(model, str(tmp_path), signatures=signatures, options=options)
    (cut,) = graphcut.audit(str(tmp_path))["w"].cut
    assert cut.where.endswith("test_debugging.py:%d" % (Model.inner.python_function.__code__.co_firstlineno + 2))
