"""The order of alternatives, the loss terms that each opens, and code that cannot be traced again, which gets no edit."""

from __future__ import annotations

import tensorflow as tf

import graphcut
from graphcut import Role
from graphcut.cli import main
from tests.against_tensorflow.live.building import v1

CONSISTENCY = """
import tensorflow as tf


def build():
    with tf.Graph().as_default() as graph:
        w = tf.compat.v1.get_variable("w", [3])
        z = tf.square(w)
        target = tf.stop_gradient(z)
        z = tf.stop_gradient(z) * 2.0
        fit = tf.reduce_mean(tf.square(z - 1.0), name="fit")
        near = tf.reduce_mean(tf.square(z - target), name="near")
        tf.add(fit, 0.1 * near, name="loss")
    return graph
"""
CHOICE = """
import tensorflow as tf

with tf.Graph().as_default() as graph:
    logits = tf.compat.v1.get_variable("logits", [2, 3])
    table = tf.compat.v1.get_variable("table", [3, 4])
    choice = tf.argmax(logits, 1)
    tf.reduce_sum(tf.gather(table, choice), name="loss")
"""


def suggested(tmp_path, monkeypatch, text, *asked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(text, encoding="utf-8")
    return main(["suggest", *asked])


def test_the_alternative_that_opens_more_terms_of_the_loss_comes_first(tmp_path, monkeypatch, capfd):
    assert suggested(tmp_path, monkeypatch, CONSISTENCY, "model.py:build", "--loss", "loss", "--unblock", "w") == 0
    first, second = capfd.readouterr().out.split("\n\nalternative 2 of 2:\n")
    assert first.startswith("alternative 1 of 2:\n")
    assert "both terms of the loss: fit (model.py:11), near (model.py:12)" in first
    assert "1 of 2 terms of the loss: near (model.py:12)" in second


def test_an_edit_that_changes_dtypes_is_no_diff_where_it_was_not_traced(tmp_path, monkeypatch, capfd):
    asked = ["model.py:graph", "--loss", "loss", "--unblock", "logits", "--apply", "fix.patch"]
    assert suggested(tmp_path, monkeypatch, CHOICE, *asked) == 2
    shown = capfd.readouterr()
    assert "---" not in shown.out and "both of these changes are needed" in shown.out
    assert "embedding.embeddings" in shown.out and "input 1 (indices) at " in shown.out
    assert "no edit was traced and audited again" in shown.err and not (tmp_path / "fix.patch").exists()


def test_the_weights_in_place_of_an_embedding_s_indices_bring_a_gradient():
    with tf.Graph().as_default() as graph:
        logits, table = v1.get_variable("logits", [2, 3]), v1.get_variable("table", [3, 4])
        loss = tf.reduce_sum(tf.matmul(tf.nn.softmax(logits), table))
        assert None not in v1.gradients(loss, [logits, table])
    assert graphcut.audit(graph, loss=loss)["logits"].verdict.value == "flows"


def test_a_stop_that_some_variables_bypass_is_not_said_to_stop_nothing_more():
    with tf.Graph().as_default() as graph:
        w, gate = v1.get_variable("w", [3]), v1.get_variable("gate", [3])
        h = w * tf.round(gate)
        loss = tf.reduce_sum(tf.square(h) + tf.stop_gradient(h))
        assert [each is None for each in v1.gradients(loss, [w, gate])] == [False, True]
    (stop,) = graphcut.audit(graph, loss=loss).stops
    assert stop.role is Role.SHADOWED
    assert str(stop).endswith("is shadowed: another barrier cuts off the variables behind it that get no gradient")
