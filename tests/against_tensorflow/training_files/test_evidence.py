"""What a graph's own backward part shows, and what it does not."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.training_files import graphs
from tests.against_tensorflow.training_files.graphs import Build, v1
from tests.against_tensorflow.training_files.random_training_graphs import custom

needs_tensorflow_2 = pytest.mark.skipif(tf.__version__.startswith("1."), reason="TensorFlow 1.15 fails to differentiate these")


ANSWERS_FOR_TWO = [("tensor", "tensor"), ("tensor", "none"), ("none", "passed"), ("zeros", "tensor"), ("none", "zeros")]


def towers(answers, trained=None, optimizer=True, **kwargs):
    """A graph whose loss joins two towers by a custom gradient, and has a head; trained for some variables."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        x = made.batch()
        left, right = (tf.matmul(x, made.variable(name, 4, 3)) for name in ("left", "right"))
        (joined,) = custom(answers, 1)(left, right)
        loss = tf.reduce_mean(tf.square(tf.matmul(joined, made.variable("head", 3, 2))), name="loss")
        variables = [each for each in v1.trainable_variables() if trained is None or each.op.name in trained]
        if optimizer:
            v1.train.AdamOptimizer().minimize(loss, var_list=variables)
        else:
            v1.gradients(loss, variables, **kwargs)
    return graph.as_graph_def()


def said(graph):
    audit = graphcut.audit(graph, loss="loss", variables=["left", "right", "head"])
    return [each.verdict.value for each in audit], bool(audit.assumptions)


@pytest.mark.parametrize(
    "answers, verdicts",
    [
        (("tensor", "tensor"), ["flows", "flows", "flows"]),
        (("tensor", "none"), ["flows", "none", "flows"]),
        (("none", "passed"), ["none", "flows", "flows"]),
        (("zeros", "tensor"), ["zero", "flows", "flows"]),
        (("none", "zeros"), ["none", "zero", "flows"]),
        (("zero product", "passed"), ["zero", "flows", "flows"]),
    ],
)
def test_each_answer_of_a_custom_gradient_is_read_off_a_training_file(answers, verdicts):
    assert said(towers(answers)) == (verdicts, False)


def test_two_answers_are_known_though_one_variable_was_asked_for():
    assert said(towers(("tensor", "passed"), ["left"])) == (["flows", "flows", "flows"], False)


def test_a_variable_that_was_not_asked_for_is_not_none():
    """Without gating (tf.gradients) the answer for the other argument may be the gradient that came in."""
    assert said(towers(("tensor", "passed"), ["left"], optimizer=False)) == (["flows", "flows", "flows"], True)


def test_without_gating_a_none_is_not_told_from_a_variable_that_was_not_asked_for():
    assert said(towers(("tensor", "none"), optimizer=False)) == (["flows", "flows", "flows"], True)


def test_only_the_head_was_trained():
    assert said(towers(("tensor", "none"), ["head"])) == (["flows", "flows", "flows"], True)


def test_a_custom_gradient_that_answers_none_alone_in_front_of_a_layer():
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        (hidden,) = custom(("none",), 1)(tf.matmul(made.batch(), made.variable("hidden", 4, 3)))
        loss = tf.reduce_mean(tf.square(tf.matmul(hidden, made.variable("head", 3, 2))), name="loss")
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    audit = graphcut.audit(graph.as_graph_def())
    assert audit["hidden"].verdict is Verdict.NONE and audit.assumptions == ()


LAYERS = {
    "bias": lambda made, x: tf.matmul(x, made.variable("hidden", 4, 3)) + made.variable("bias", 3),
    "reshaped": lambda made, x: tf.reshape(tf.matmul(x, made.variable("hidden", 4, 3)), [-1, 3]),
    "square": lambda made, x: tf.square(tf.matmul(x, made.variable("hidden", 4, 3))),
}


@pytest.mark.parametrize("resource", [True, False])
@pytest.mark.parametrize("answer", ["none", "passed", "tensor"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_custom_gradient_in_front_of_a_whole_layer_answers_none_or_not(layer, answer, resource):
    with tf.Graph().as_default() as graph:
        made = Build(resource=resource)
        (hidden,) = custom((answer,), 1)(LAYERS[layer](made, made.batch()))
        loss = tf.reduce_mean(tf.square(tf.matmul(hidden, made.variable("head", 3, 2))), name="loss")
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    audit = graphcut.audit(graph.as_graph_def())
    assert audit["hidden"].verdict is (Verdict.NONE if answer == "none" else Verdict.FLOWS) and audit.assumptions == ()


@pytest.mark.parametrize("first, second", ANSWERS_FOR_TWO)
def test_what_a_custom_gradient_answered_for_one_loss_it_answers_for_another(first, second):
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        x = made.batch()
        left, right = (tf.matmul(x, made.variable(name, 4, 3)) for name in ("left", "right"))
        (joined,) = custom((first, second), 1)(left, right)
        loss = tf.reduce_mean(tf.tanh(joined), name="loss")
        v1.train.AdamOptimizer().minimize(tf.add(loss, tf.reduce_mean(tf.square(joined)), name="total"))
        kept = graph.as_graph_def()
        gradients = v1.gradients(loss, v1.trainable_variables())
    audit = graphcut.audit(kept, loss="loss", variables=["left", "right"])
    assert [each.verdict is Verdict.NONE for each in audit] == [each is None for each in gradients]
    assert [each.verdict is Verdict.ZERO for each in audit] == ["zero" in each for each in (first, second)]
    assert audit.assumptions == () and audit.recorded == ()


def test_the_ungated_gradients_of_another_loss_show_no_none():
    """They may have been taken with ``stop_gradients=``."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        hidden = tf.matmul(made.batch(), made.variable("hidden", 4, 3))
        (answered,) = custom(("passed",), 1)(hidden)
        total = tf.reduce_mean(tf.square(tf.matmul(answered, made.variable("head", 3, 2))))
        variables = v1.trainable_variables()
        gradients = v1.gradients(total, variables, stop_gradients=[hidden])
        v1.train.GradientDescentOptimizer(0.1).apply_gradients(zip(gradients, variables))
        tf.reduce_mean(tf.tanh(answered), name="loss")
    audit = graphcut.audit(graph.as_graph_def(), loss="loss")
    assert audit["hidden"].verdict is Verdict.FLOWS and audit.assumptions


def test_the_gradients_of_a_loss_by_another_result_show_nothing():
    """A custom gradient of two results answers each argument from one of them."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        x = made.batch()
        left, right = (tf.matmul(x, made.variable(name, 4, 3)) for name in ("left", "right"))
        one, other = custom(("tensor", "tensor"), 2)(left, right)
        v1.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(tf.square(one), name="trained"))
        tf.reduce_mean(tf.square(other), name="loss")
    audit = graphcut.audit(graph.as_graph_def(), loss="loss")
    assert audit.recorded == () and audit.assumptions
    assert [each.verdict for each in audit] == [Verdict.FLOWS, Verdict.FLOWS]


def test_a_gradient_of_a_tensor_between_says_nothing_of_what_is_behind_it():
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        hidden = tf.matmul(made.batch(), made.variable("hidden", 4, 3))
        (answered,) = custom(("passed",), 1)(hidden)
        loss = tf.reduce_mean(tf.square(answered), name="loss")
        v1.gradients(loss, [hidden])
    assert graphcut.audit(graph.as_graph_def(), loss="loss")["hidden"].verdict is Verdict.FLOWS


def test_stop_gradients_of_a_file_are_no_answer_of_the_custom_gradient():
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        hidden = tf.matmul(made.batch(), made.variable("hidden", 4, 3))
        (answered,) = custom(("passed",), 1)(hidden)
        loss = tf.reduce_mean(tf.square(tf.matmul(answered, made.variable("head", 3, 2))), name="loss")
        v1.gradients(loss, v1.trainable_variables(), stop_gradients=[hidden])
    assert graphcut.audit(graph.as_graph_def(), loss="loss")["hidden"].verdict is Verdict.FLOWS


def test_a_gradient_penalty_s_first_gradients_do_not_use_the_arguments():
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        x = made.batch()
        hidden = tf.nn.swish(tf.matmul(x, made.variable("hidden", 4, 3)))
        critic = tf.matmul(hidden, made.variable("head", 3, 1))
        penalty = tf.reduce_mean(tf.square(v1.gradients(critic, [x])[0]))
        v1.train.AdamOptimizer().minimize(tf.add(tf.reduce_mean(critic), penalty, name="loss"))
    audit = graphcut.audit(graph.as_graph_def(), loss="loss", variables=["hidden", "head"])
    assert [each.verdict for each in audit] == [Verdict.FLOWS, Verdict.FLOWS]


def test_the_gradients_of_a_live_graph_are_recorded():
    with tf.Graph().as_default() as graph:
        made = Build(resource=False)
        loss = tf.reduce_mean(tf.matmul(made.batch(), made.variable("w", 4, 3)), name="loss")
        made.variable("unused", 2)
        v1.train.AdamOptimizer().minimize(loss)
    audit = graphcut.audit(graph)
    assert audit.recorded == (True, None) and audit.disagreements == ()


def test_a_verdict_that_the_file_contradicts_is_a_disagreement():
    """The file was written by a program whose Floor has a gradient."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        w = made.variable("w", 4, 3)
        with graph.gradient_override_map({"Floor": "Square"}):
            loss = tf.reduce_mean(tf.square(tf.floor(w)), name="trained")
        v1.train.AdamOptimizer().minimize(loss)
    file = graph.as_graph_def()
    for node in file.node:
        if "_gradient_op_type" in node.attr:
            del node.attr["_gradient_op_type"]
    audit = graphcut.audit(file, loss="trained", variables="w")
    (disagreement,) = audit.disagreements
    assert (disagreement.verdict, disagreement.answer) == (Verdict.NONE, "gradient")
    assert audit["w"].verdict is Verdict.FLOWS and "updated nevertheless" not in str(audit)


def joined_in_a_body(kind, answers):
    """A custom gradient of two layers inside of a function, a branch or a loop; what TensorFlow answered for each variable."""
    with graphs.control_flow(True), tf.Graph().as_default() as graph:
        made = Build(resource=True)
        x = made.batch()
        left, right = (made.variable(name, 4, 4) for name in ("left", "right"))

        def joined(value):
            return custom(answers, 1)(tf.matmul(value, left), tf.matmul(value, right))[0]

        if kind == "call":
            hidden = tf.function(lambda: joined(x), autograph=False)()
        elif kind == "branch":
            hidden = tf.cond(tf.reduce_sum(x) > 0.0, lambda: joined(x), lambda: x)
        else:
            hidden = tf.while_loop(lambda i, _: i < 2, lambda i, value: (i + 1, joined(value)), [tf.constant(0), x])[1]
        loss = tf.reduce_mean(tf.square(tf.matmul(hidden, made.variable("head", 4, 2))), name="loss")
        optimizer = v1.train.AdamOptimizer()
        pairs = optimizer.compute_gradients(loss)
        optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
    return graph.as_graph_def(), {variable.op.name: gradient is not None for gradient, variable in pairs}


@needs_tensorflow_2
@pytest.mark.parametrize("answers", [("tensor", "none"), ("none", "tensor"), ("zeros", "tensor"), ("tensor", "tensor")])
@pytest.mark.parametrize("kind", ["call", "branch", "loop"])
def test_a_custom_gradient_in_a_body_is_read_off_the_gradient_of_the_body(kind, answers):
    graph, truth = joined_in_a_body(kind, answers)
    audit = graphcut.audit(graph, loss="loss", variables=sorted(truth))
    assert {each.name: each.verdict is not Verdict.NONE for each in audit} == truth
    assert audit.disagreements == () and (kind == "loop" or audit.assumptions == ())


@pytest.mark.parametrize("trained", [True, False])
def test_a_gradient_that_another_program_registered_is_no_error(trained):
    """``gradient_override_map`` names a gradient that is registered where the file was made, and not here."""
    with tf.Graph().as_default() as graph:
        made = Build(resource=True)
        with graph.gradient_override_map({"Floor": "Square"}):
            hidden = tf.floor(tf.matmul(made.batch(), made.variable("hidden", 4, 3)))
        loss = tf.reduce_mean(tf.square(tf.matmul(hidden, made.variable("head", 3, 2))), name="loss")
        if trained:
            v1.train.AdamOptimizer().minimize(loss)
    file = graph.as_graph_def()
    for node in file.node:
        if "_gradient_op_type" in node.attr:
            node.attr["_gradient_op_type"].s = b"RegisteredElsewhere"
    audit = graphcut.audit(file, loss="loss", variables=["hidden", "head"])
    assert [each.verdict for each in audit] == [Verdict.FLOWS, Verdict.FLOWS]
    assert bool(audit.assumptions) is not trained


def test_an_edit_of_a_training_file_keeps_what_the_file_shows():
    audit = graphcut.audit(towers(("tensor", "none")), loss="loss", variables=["left", "right", "head"])
    edited = audit.what_if(stop="MatMul")
    assert [each.verdict for each in edited] == [Verdict.NONE, Verdict.NONE, Verdict.FLOWS]
    assert edited.disagreements == () and edited.recorded == ()
