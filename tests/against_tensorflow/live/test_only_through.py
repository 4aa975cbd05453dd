"""The term of a loss that a gradient comes only through: what ``tf.gradients`` of each term alone says."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut

v1 = tf.compat.v1


def added(terms):
    """The terms as ``tf.add_n`` sums them."""
    return tf.add_n(terms, name="loss")


def stacked(terms):
    """The terms as Keras 3 sums the losses of a model."""
    return tf.reduce_sum(tf.stack(terms), name="loss")


def terms(total=added):
    """A loss of three terms, and variables that some of them hand a gradient."""
    with tf.Graph().as_default() as graph:
        a, b, c = [v1.get_variable(name, initializer=[1.0, 2.0], use_resource=True) for name in "abc"]
        x = v1.placeholder(tf.float32, [2], "x")
        data = tf.reduce_sum(tf.stop_gradient(a) * b * x, name="data")
        other = tf.reduce_sum(c * x * b, name="other")
        weights = tf.reduce_sum(a * a, name="weights")
        loss = total([data, other, 0.1 * weights])
    return graph, loss, [data, other, weights], [a, b, c]


@pytest.mark.parametrize("total", [added, stacked])
def test_a_variable_comes_through_the_one_term_that_has_a_gradient_of_it(total):
    graph, loss, each, variables = terms(total)
    audit = graphcut.audit(graph, loss=loss)
    with graph.as_default():
        carrying = [[term.op.name for term in each if tf.gradients(term, [variable])[0] is not None] for variable in variables]
    assert carrying == [["weights"], ["data", "other"], ["other"]]
    assert [audit[variable].only_through for variable in variables] == [("weights",), (), ("other",)]


def test_a_loss_of_one_term_has_none():
    graph, _, (data, *_), variables = terms()
    audit = graphcut.audit(graph, loss=data)
    assert [row.only_through for row in audit] == [(), (), ()]
