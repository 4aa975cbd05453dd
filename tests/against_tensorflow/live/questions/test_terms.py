"""Texts and pictures about variables that learn from several terms of a loss."""

from __future__ import annotations

import tensorflow as tf

import graphcut
from tests.against_tensorflow.live.building import v1


def regularized():
    """A table with a regularizer and a position without one, summed; a stop cuts off a third variable."""
    with tf.Graph().as_default() as graph:
        table, position = v1.get_variable("embed/table", [3]), v1.get_variable("embed/position", [3])
        gate = v1.get_variable("gate", [3])
        hidden = (table + position) * tf.stop_gradient(tf.square(gate))
        fit = tf.reduce_mean(tf.square(hidden - v1.placeholder(tf.float32, [3])), name="fit")
        tf.add(fit, 0.1 * tf.nn.l2_loss(table, name="decay"), name="loss")
    return graphcut.audit(graph, loss="loss")


def test_a_variable_whose_route_passes_a_regularizer_is_said_to_learn_from_the_other_terms():
    audit = regularized()
    text = audit.explain("embed/table")
    assert "It comes through 2 of 2 terms of the loss: the loss term fit" in text and "the regularizer decay" in text
    assert "It comes only through the loss term fit" in audit.explain("embed/position")


def test_a_box_holds_variables_of_the_same_terms_alone():
    dot = regularized().to_dot()
    assert "both variables" not in dot and '"position' in dot and '"table' in dot


def test_the_title_is_about_what_is_drawn(tmp_path):
    audit = regularized()
    for of, words in (("gate", "the variable gets no gradient"), ("embed/*", "both variables get a gradient")):
        audit.draw(tmp_path / "cut.dot", of=of)
        assert words in (tmp_path / "cut.dot").read_text(encoding="utf-8")
