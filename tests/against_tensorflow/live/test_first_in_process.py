"""What graphcut does first in a process leaves its devices as the user would have them, who can still choose them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import tensorflow as tf

BEGIN = """
import os, sys
import tensorflow as tf
from tensorflow.python.eager import context
import graphcut

v1 = tf.compat.v1

def graph(condition):
    with tf.Graph().as_default() as made:
        w = v1.get_variable("w", [3], use_resource=True)
        x = v1.placeholder(tf.float32, [], name="x")
        tf.reduce_sum(tf.cond(x > 0, lambda: w, lambda: 2 * w) if condition else w, name="loss")
    return made
"""
END = """
with tf.device("/CPU:1"):  # missing: TensorFlow places softly
    assert float(tf.constant(1.0) + 1.0) == 2.0
"""
CHOOSE = """
assert not context.context()._initialized
tf.config.threading.set_inter_op_parallelism_threads(3)
cpu = tf.config.experimental.list_physical_devices("CPU")[0]
device = tf.config.experimental.VirtualDeviceConfiguration()
tf.config.experimental.set_virtual_device_configuration(cpu, [device, device])
"""
LIVE = "print(graphcut.audit(graph(False), loss='loss:0'))"
FILE = "print(graphcut.audit(graph(False).as_graph_def(), loss='loss', oracle='installed'))"
VERIFIED = "graphcut.audit(graph(False).as_graph_def(), loss='loss', oracle='installed').verify()"
SPEC = "graphcut.audit(tf.function(lambda x: tf.cond(x > 0, lambda: x, lambda: 2 * x)), tf.TensorSpec([]))"
STEP = """
def step(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.cond(x > 0, lambda: x, lambda: 2 * x)
    return tape.gradient(y, x)

graphcut.audit_step(step, tf.TensorSpec([]))
"""

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="graphs place as the session says")


def run(*parts):
    """The errors of a process of its own that runs some lines; empty where it goes through."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), TF_CPP_MIN_LOG_LEVEL="3")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((BEGIN, *parts))],
        capture_output=True,
        text=True,
        env=environment,
    )
    return done.stderr if done.returncode else ""


def test_devices_can_be_chosen_after_audits_of_graphs():
    assert run(LIVE, FILE, CHOOSE, "assert float(tf.constant(1.0) + 1.0) == 2.0") == ""


@pytest.mark.parametrize("asked", [VERIFIED, SPEC, STEP], ids=["verified", "function", "step"])
def test_ops_are_placed_softly_after_what_graphcut_did_first(asked):
    found = run(asked, END)
    assert found == "" or run(END)  # TensorFlow 2.1 places eager ops where it is told, or not at all
