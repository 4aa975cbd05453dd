"""What a random graph sets for the process is taken back: other tests build their conditionals as TensorFlow does."""
from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def control_flow_as_before():
    import tensorflow.compat.v1 as tf

    second = tf.control_flow_v2_enabled()
    yield
    (tf.enable_control_flow_v2 if second else tf.disable_control_flow_v2)()
