"""F8: graphs that were optimized or frozen have lost their stops, so that no audit of them certifies anything."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.grappler import tf_optimizer

import graphcut
from fixtures.scenarios.making import given

v1 = tf.compat.v1


def model():
    """Two layers, the first behind a stop; constants that can be folded."""
    w, u = (v1.Variable(tf.ones(shape), name=name, use_resource=name == "u") for name, shape in (("w", [4, 3]), ("u", [3, 1])))
    bias = tf.constant([1.0, 2.0, 3.0]) * tf.constant(2.0)
    hidden = tf.stop_gradient(tf.nn.relu(tf.nn.bias_add(tf.matmul(given("x", 2, 4), w), bias)), name="hidden")
    return tf.reduce_mean(tf.nn.relu(tf.nn.bias_add(tf.matmul(hidden, u), [0.5])), name="loss")


def built():
    with tf.Graph().as_default() as graph:
        model()
    return graph.as_graph_def()


def optimized():
    """What Grappler makes of it."""
    with tf.Graph().as_default() as graph:
        v1.add_to_collection("train_op", model())
        meta = v1.train.export_meta_graph(graph=graph)
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.min_graph_nodes = -1
    return tf_optimizer.OptimizeGraph(config, meta)


def executed():
    """What the runtime executes, ops fused."""
    with tf.Graph().as_default() as graph, v1.Session() as session:
        loss = model()
        session.run(v1.global_variables_initializer())
        kept = v1.RunMetadata()
        options = v1.RunOptions(output_partition_graphs=True)
        session.run(loss, {graph.get_tensor_by_name("x:0"): np.ones([2, 4])}, options=options, run_metadata=kept)
        return kept.partition_graphs[0]


def frozen():
    """Variables made constants as TensorFlow 1 does it."""
    with tf.Graph().as_default() as graph, v1.Session() as session:
        model()
        session.run(v1.global_variables_initializer())
        return v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["loss"])


def frozen_function():
    """The same as TensorFlow 2 does it."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    w = tf.Variable(tf.ones([4, 3]), name="w")
    concrete = tf.function(lambda x: tf.reduce_mean(tf.matmul(x, w), name="loss"), autograph=False)
    concrete = concrete.get_concrete_function(tf.TensorSpec([2, 4]))
    return convert_variables_to_constants_v2(concrete).graph.as_graph_def()


needs_eager = pytest.mark.skipif(not tf.executing_eagerly(), reason="a function is frozen eagerly")
CASES = [
    pytest.param(optimized, "optimized", id="optimized"),
    pytest.param(executed, "optimized", id="executed"),
    pytest.param(frozen, "frozen", id="frozen"),
    pytest.param(frozen_function, "frozen", id="frozen_function", marks=needs_eager),
]


@pytest.mark.parametrize("make, word", CASES)
def test_f8_nothing_can_be_certified_and_it_is_said_why(make, word):
    audit = graphcut.audit(make(), loss="loss")
    first = audit.assumptions[0]
    assert first.whole and word in first.reason and first.op in audit.graph
    assert str(audit).startswith("cannot certify anything: the graph was " + word)
    assert json.loads(audit.to_json())["assumptions"][0]["whole"] is True


def test_f8_the_stop_is_really_gone_and_the_verdict_with_it():
    assert graphcut.audit(built(), loss="loss")["w"].verdict is graphcut.Verdict.NONE
    stripped = graphcut.audit(optimized(), loss="loss")
    assert stripped.stops == () and stripped["w"].verdict is graphcut.Verdict.FLOWS


def test_the_graph_that_was_built_is_certified():
    assert graphcut.audit(built(), loss="loss").assumptions == ()


def test_the_command_line_says_it_first(tmp_path):
    path = tmp_path / "optimized.pb"
    path.write_bytes(optimized().SerializeToString())
    command = [sys.executable, "-m", "graphcut", "audit", str(path), "--loss", "loss"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
    assert printed.startswith("cannot certify anything: ")
