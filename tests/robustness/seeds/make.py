"""Write the good graphs of this folder, whose changes a fuzz campaign asks about: python -m tests.robustness.seeds.make

Each is small and holds what the fixtures lack: loops, branches and nested calls of TensorFlow 2, and training files whose
backward parts read custom gradients, lists and arrays.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).parent
tf1 = tf.compat.v1


@tf.custom_gradient
def clipped(x, y):
    return x * y, lambda dy: (tf.clip_by_value(dy, -1.0, 1.0), None)


def loop_of_tf2(w, x):
    return tf.while_loop(lambda i, v: tf.reduce_sum(v) < 9.0, lambda i, v: (i + 1, clipped(v * w, x)), (0, x))[1]


def mapped(w, x):
    return tf.map_fn(lambda row: tf.cond(row[0] > 0.0, lambda: row * w, lambda: tf.stop_gradient(row)), tf.stack([x, x]))


def nested(w, x):
    inner = tf.function(lambda v: tf.nn.silu(v * w))
    outer = tf.function(lambda v: inner(v) + tf.switch_case(tf.cast(v[0], tf.int32), [lambda: inner(v), lambda: tf.round(v)]))
    return outer(x)


def looked_up(w, x):
    rows = tf.nn.embedding_lookup(tf1.get_variable("table", [4, 3]), tf.cast(tf.argsort(x), tf.int32))
    return tf.concat([tf.reduce_sum(rows, 0), tf.tensor_scatter_nd_update(x, [[0]], w[:1])], 0)


def training_file(name, body, is_v2):
    (tf1.enable_control_flow_v2 if is_v2 else tf1.disable_control_flow_v2)()
    with tf.Graph().as_default():
        w = tf1.get_variable("w", [3], use_resource=is_v2)
        x = tf1.placeholder(tf.float32, [3], name="x")
        loss = tf.reduce_sum(tf.square(body(w, x)), name="loss")
        tf1.summary.scalar("logged", loss)
        tf1.train.AdamOptimizer().minimize(loss, global_step=tf1.train.get_or_create_global_step())
        tf1.train.export_meta_graph(str(HERE / (name + ".meta")), clear_devices=True, clear_extraneous_savers=True)


class Model(tf.Module):
    """Variables in lists, shared, and frozen; a function with two results and one that only a signature calls."""

    def __init__(self):
        super().__init__()
        self.layers = [tf.Variable([1.0, 2.0, 3.0], name="w"), tf.Variable([1.0, 2.0, 3.0], name="w")]
        self.shared, self.frozen = self.layers[0], tf.Variable(1.0, trainable=False, name="frozen")

    @tf.function(input_signature=[tf.TensorSpec([3])])
    def both(self, x):
        return {
            "kept": tf.reduce_sum(x * self.layers[0]),
            "cut": tf.stop_gradient(loop_of_tf2(self.layers[1], x)) * self.frozen,
        }

    @tf.function(input_signature=[tf.TensorSpec([3])])
    def one(self, x):
        return tf.reduce_sum(self.both(x)["kept"])


def saved_model():
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, signatures={"both": model.both, "one": model.one})
        (HERE / "saved_model.pb").write_bytes((Path(folder) / "saved_model.pb").read_bytes())


if __name__ == "__main__":
    saved_model()
    for is_v2, ending in ((False, "v1"), (True, "v2")):
        training_file("loop_" + ending, loop_of_tf2, is_v2)
        training_file("mapped_" + ending, mapped, is_v2)
    training_file("nested", nested, True)
    training_file("looked_up", looked_up, False)
