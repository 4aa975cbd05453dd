"""A lookup in a table without a straight-through estimator: the edit that adds it, applied and run in TensorFlow."""

from __future__ import annotations

import sys

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.live.questions.test_edits import edit, loaded

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8"),
    pytest.mark.skipif(not tf.executing_eagerly(), reason="the file makes its variables eagerly"),
]
HEAD = """
import tensorflow as tf

encoder = tf.Variable(tf.random.normal([8, 4]), name="encoder")
decoder = tf.Variable(tf.random.normal([4, 8]), name="decoder")
codebook = tf.Variable(tf.random.normal([16, 4]), name="codebook")
variables = [encoder, decoder, codebook]


def distances(z):
    return tf.reduce_sum((z[:, None] - codebook[None]) ** 2, -1)


def choose(flat):
    return tf.argmin(distances(flat), axis=1)


def nearest(z):
    return tf.gather(codebook, choose(z))


def looked_up(z):
    index = choose(z)
    codebook.assign_add(0.0 * tf.gather(tf.one_hot(index, 4), tf.zeros([16], tf.int32)))
    return tf.nn.embedding_lookup(codebook, index)


def layer(z):
    shape = tf.shape(z)
    flat = tf.reshape(z, [-1, 4])
    code = tf.reshape(tf.matmul(tf.one_hot(choose(flat), 16), codebook), shape)
    return code, tf.reduce_mean((code - tf.stop_gradient(z)) ** 2)


def step(x):
    with tf.GradientTape() as tape:
        z = tf.matmul(x, encoder)
"""
TAIL = """
        loss += tf.reduce_mean((tf.matmul(q, decoder) - x) ** 2)
    return loss, tape.gradient(loss, variables), variables
"""
BODIES = {
    "the loss is the only one of the table": (
        "q = tf.gather(codebook, tf.argmin(distances(z), -1))\nloss = 0.0",
        "        q = q + (z - tf.stop_gradient(z))\n",
    ),
    "the table has a loss of its own": (
        "q = tf.gather(codebook, tf.argmin(distances(z), -1))\nloss = tf.reduce_mean((tf.stop_gradient(z) - q) ** 2)",
        "tf.matmul(z + tf.stop_gradient(q - z), decoder)",
    ),
    "a function returns the code": (
        "q = nearest(z)\nloss = tf.reduce_mean((tf.stop_gradient(z) - nearest(z)) ** 2)",
        "        q = z + tf.stop_gradient(q - z)\n",
    ),
    "a function returns what it looks up": (
        "q = looked_up(z)\nloss = tf.reduce_mean((tf.stop_gradient(z) - nearest(z)) ** 2)",
        "    code_2 = tf.nn.embedding_lookup(codebook, index)\n    return z + tf.stop_gradient(code_2 - z)\n",
    ),
    "a function returns the code and its loss": (
        "q, loss = layer(z)",
        "    return z + tf.stop_gradient(code - z), tf.reduce_mean(",
    ),
}


def text_of(body):
    return HEAD + "".join("        %s\n" % line for line in body.split("\n")).rstrip("\n") + TAIL


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_lookup_has_a_gradient_once_the_estimator_is_added(name, tmp_path):
    body, line = BODIES[name]
    text, x = text_of(body), tf.random.normal([6, 8])
    module = loaded(tmp_path / "before.py", text)
    (audit,) = graphcut.audit_step(lambda x: module.step(x), tf.TensorSpec([None, 8]))
    first = audit.suggest_unblock("encoder")[0]
    assert first.confirmed and "stop_gradient" in first.code
    changed = edit(text, [first])
    assert line in changed
    after = loaded(tmp_path / "after.py", changed)
    for one, other in zip(module.variables, after.variables):
        other.assign(one)
    before, now = module.step(x), after.step(x)
    assert before[1][0] is None and all(each is not None for each in now[1])
    assert abs(float(before[0] - now[0])) < 1e-5


def test_an_encoder_that_asks_without_the_table_gets_the_plain_estimator(tmp_path):
    body = BODIES["the loss is the only one of the table"][0]
    text = text_of(body).replace("variables = [encoder, decoder, codebook]", "variables = [encoder, decoder]")
    module = loaded(tmp_path / "before.py", text)
    (audit,) = graphcut.audit_step(module.step, tf.TensorSpec([None, 8]))
    first = audit.suggest_unblock("encoder")[0]
    assert first.code == "q = z + tf.stop_gradient(q - z)"


def test_a_choice_from_no_table_of_what_is_compared_gets_soft_weights(tmp_path):
    body = "scores = tf.matmul(z, tf.ones([4, 16]))\nq = tf.gather(codebook, tf.argmax(scores, -1))\nloss = 0.0"
    module = loaded(tmp_path / "before.py", text_of(body))
    (audit,) = graphcut.audit_step(module.step, tf.TensorSpec([None, 8]))
    first = audit.suggest_unblock("encoder")[0]
    assert "tf.nn.softmax" in first.code and "stop_gradient" not in first.code
