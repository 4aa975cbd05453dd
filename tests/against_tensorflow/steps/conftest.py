"""Give each test a graph of its own in TensorFlow 1.15, where a session takes the whole default graph."""

from __future__ import annotations

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True)
def own_graph():
    """Without it, each session is slower than the one before, because it holds the ops of all earlier tests."""
    if tf.executing_eagerly():
        yield
        return
    with tf.Graph().as_default():
        yield
