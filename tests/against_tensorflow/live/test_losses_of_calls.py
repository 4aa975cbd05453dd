"""The default loss of graphs that take gradients in various ways is the tensor that was differentiated."""

from __future__ import annotations

import contextlib

import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError, Verdict
from tests.against_tensorflow.live.building import v1
from tests.against_tensorflow.live.test_default_loss import BACKWARD, chosen

CASES = {}


def case(build):
    CASES[build.__name__.replace("_", " ")] = build
    return build


def variable(name, *shape, **kwargs):
    return v1.get_variable(name, list(shape), use_resource=False, **kwargs)


def prediction():
    w = variable("w", 4, 3)
    return tf.matmul(v1.placeholder(tf.float32, [None, 4], "x"), w), w


def mean_square(value, name="the_loss"):
    return tf.reduce_mean(tf.square(value), name=name)


def sgd():
    return v1.train.GradientDescentOptimizer(0.1)


@contextlib.contextmanager
def control_flow(second):
    before = v1.control_flow_v2_enabled()
    (v1.enable_control_flow_v2 if second else v1.disable_control_flow_v2)()
    yield
    (v1.enable_control_flow_v2 if before else v1.disable_control_flow_v2)()


@case
def an_identity():
    loss = tf.identity(mean_square(prediction()[0], "inner"), name="loss")
    sgd().minimize(loss)
    return loss


@case
def an_identity_made_after_the_training_step():
    loss = mean_square(prediction()[0])
    with tf.control_dependencies([sgd().minimize(loss)]):
        tf.identity(loss, name="train_op")
    return loss


@case
def a_print():
    inner = mean_square(prediction()[0], "inner")
    loss = v1.Print(inner, [inner])
    sgd().minimize(loss)
    return loss


@case
def a_sum_with_a_constant():
    predicted, w = prediction()
    loss = tf.add(mean_square(predicted, "inner"), 3.0, name="total")
    v1.gradients(loss, [w])
    return loss


@case
def a_difference_with_a_constant():
    predicted, w = prediction()
    loss = tf.subtract(mean_square(predicted, "inner"), 3.0, name="total")
    v1.gradients(loss, [w])
    return loss


@case
def a_variable():
    single = variable("single")
    sgd().minimize(single)
    return v1.get_default_graph().get_tensor_by_name("single/read:0")


@case
def a_partitioned_variable():
    with v1.variable_scope("parts", partitioner=v1.fixed_size_partitioner(2)):
        whole = v1.get_variable("w", [4, 3], use_resource=False)
    loss = tf.convert_to_tensor(whole)
    v1.gradients(loss, list(whole))
    return loss


@case
def grad_ys():
    predicted, w = prediction()
    loss = tf.identity(predicted, name="output")
    v1.gradients(loss, [w], grad_ys=v1.placeholder(tf.float32, [None, 3]))
    return loss


@case
def gradients_in_one_vector():
    predicted, w = prediction()
    loss = mean_square(predicted)
    tf.concat([tf.reshape(gradient, [-1]) for gradient in v1.gradients(loss, [w])], 0)
    return loss


@case
def gradients_clipped_and_fetched():
    predicted, w = prediction()
    loss = mean_square(predicted)
    _, norm = tf.clip_by_global_norm(v1.gradients(loss, [w]), 1.0)
    v1.summary.scalar("norm", norm)
    return loss


@case
def gradients_accumulated():
    predicted, w = prediction()
    loss = mean_square(predicted)
    total = variable("total", 4, 3, trainable=False)
    v1.assign_add(total, v1.gradients(loss, [w])[0])
    sgd().apply_gradients([(tf.identity(total), w)])
    return loss


@case
def a_parameter_server():
    loss = mean_square(prediction()[0])
    optimizer = v1.train.SyncReplicasOptimizer(sgd(), 2, 2)
    optimizer.minimize(loss, global_step=v1.train.get_or_create_global_step())
    return loss


@case
def gradients_under_a_name():
    predicted, w = prediction()
    loss = mean_square(predicted)
    v1.gradients(loss, [w], name="backward")
    return loss


@case
def a_training_step_in_a_branch():
    loss = mean_square(prediction()[0])
    tf.cond(v1.placeholder(tf.bool, []), lambda: tf.group(sgd().minimize(loss)), tf.no_op)
    return loss


@case
def a_loss_in_a_branch():
    predicted, losses = prediction()[0], []

    def train():
        losses.append(mean_square(predicted, "inner"))
        with tf.control_dependencies([sgd().minimize(losses[0])]):
            return tf.constant(1)

    tf.cond(v1.placeholder(tf.bool, []), train, lambda: tf.constant(0))
    return losses[0]


def branched():
    predicted, _ = prediction()
    loss = tf.cond(tf.reduce_sum(predicted) > 0.0, lambda: mean_square(predicted), lambda: tf.reduce_sum(predicted))
    sgd().minimize(loss)
    return loss


def looped():
    predicted, _ = prediction()
    loss = tf.while_loop(lambda i, total: i < 3, lambda i, total: (i + 1, total + tf.reduce_sum(predicted * total)), [0, 1.0])[
        1
    ]
    sgd().minimize(loss)
    return loss


case(branched), case(looped)


@case
def a_step_of_a_step():
    predicted, w = prediction()
    moved = w - 0.1 * v1.gradients(mean_square(predicted, "inner"), [w])[0]
    loss = mean_square(tf.matmul(v1.placeholder(tf.float32, [None, 4]), moved), "outer")
    sgd().minimize(loss)
    return loss


@case
def a_product_with_the_hessian():
    predicted, w = prediction()
    loss = mean_square(predicted)
    product = tf.reduce_sum(v1.gradients(loss, [w])[0] * v1.placeholder(tf.float32, [4, 3]))
    v1.gradients(product, [w])
    return loss


@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_the_loss_is_what_was_differentiated(build):
    with control_flow(False), tf.Graph().as_default() as graph:
        loss = build()
    assert chosen(graph) == ((loss.name,), BACKWARD)


@pytest.mark.parametrize("build", [branched, looped])
def test_the_same_under_control_flow_v2(build):
    with control_flow(True), tf.Graph().as_default() as graph:
        loss = build()
    assert chosen(graph) == ((loss.name,), BACKWARD)


def test_a_product_with_the_hessian_is_no_loss_beside_others():
    """As TRPO has them: a divergence, its product with a vector, a gain, an error of the value."""
    with tf.Graph().as_default() as graph:
        predicted, w = prediction()
        slope = v1.gradients(mean_square(predicted, "divergence"), [w])[0]
        v1.gradients(tf.reduce_sum(slope * v1.placeholder(tf.float32, [4, 3]), name="product"), [w])
        v1.gradients(tf.reduce_mean(predicted, name="gain"), [w])
        v1.gradients(mean_square(predicted, "error"), [w])
    with pytest.raises(GraphcutError, match="of 2 losses: 'gain:0', 'error:0'"):
        graphcut.audit(graph)


def actor_and_critic():
    x = v1.placeholder(tf.float32, [None, 4])
    actor, critic = variable("actor", 4, 3), variable("critic", 4, 1)
    policy = tf.reduce_mean(tf.matmul(x, actor), name="policy")
    value = tf.reduce_mean(tf.matmul(x, critic), name="value")
    for loss, each in ((policy, actor), (value, critic)):
        sgd().minimize(loss, var_list=[each])


def test_what_another_loss_trains_is_told_by_that_loss():
    with tf.Graph().as_default() as graph:
        actor_and_critic()
    audit = graphcut.audit(graph, loss="policy:0")
    assert (audit["critic"].verdict, audit["critic"].is_updated) == (Verdict.NONE, True)
    assert (audit["critic"].trained_by, audit["actor"].trained_by) == (("value:0",), ())
    assert "trained by value:0" in str(audit) and "It is trained by value:0." in audit.explain("critic")


def test_a_gradient_that_flows_and_trains_nothing_is_told_by_the_loss_that_trains():
    """The discriminator's loss of a GAN reaches the generator, and only the generator's optimizer updates that."""
    with tf.Graph().as_default() as graph:
        generator, discriminator = variable("generator", 4, 4), variable("discriminator", 4, 1)
        score = tf.matmul(tf.matmul(v1.placeholder(tf.float32, [None, 4]), generator), discriminator)
        losses = [(mean_square(score, "d_loss"), discriminator), (tf.reduce_mean(score, name="g_loss"), generator)]
        for loss, each in losses:
            sgd().minimize(loss, var_list=[each])
    audits = [graphcut.audit(graph, loss=name) for name in ("d_loss:0", "g_loss:0")]
    assert [[row.is_trained for row in audit.select("*or")] for audit in audits] == [[False, True], [True, False]]
    assert {row.verdict for audit in audits for row in audit} == {Verdict.FLOWS}
    assert "trained by g_loss:0, not by this loss" in str(audits[0])
    assert "But g_loss:0 trains it" in audits[0].explain("generator") and "trains it" not in audits[1].explain("generator")
    assert "flows: trained by g_loss:0" in str(graphcut.table(audits))


def test_a_table_of_both_losses_is_offered():
    with tf.Graph().as_default() as graph:
        actor_and_critic()
    with pytest.raises(GraphcutError, match="'policy:0', 'value:0'\n.*graphcut.table"):
        graphcut.audit(graph)


def test_a_saved_training_session_is_audited_for_what_it_trains(tmp_path):
    with tf.Graph().as_default() as graph, v1.Session() as session:
        predicted, _ = prediction()
        sgd().minimize(mean_square(predicted))
        session.run(v1.global_variables_initializer())
        inputs, outputs = {"x": graph.get_tensor_by_name("x:0")}, {"prediction": predicted}
        v1.saved_model.simple_save(session, str(tmp_path / "saved"), inputs, outputs)
    assert graphcut.audit(str(tmp_path / "saved")).loss == ("the_loss:0",)
    assert graphcut.audit(str(tmp_path / "saved"), signature="serving_default").loss == (predicted.name,)


@pytest.mark.parametrize(
    "what, loss", [("prediction", "the_loss:0"), ("gradient", "gradients/MatMul_grad/MatMul_1:0"), ("distance", "Neg:0")]
)
def test_a_saved_graph_whose_gradients_are_fetched_is_audited_for_their_loss_unless_its_output_is_computed_from_it(
    what, loss, tmp_path
):
    with tf.Graph().as_default() as graph, v1.Session() as session:
        predicted, w = prediction()
        error = mean_square(predicted)
        gradient = v1.gradients(error, w)[0]
        output = {"prediction": predicted, "gradient": gradient, "distance": tf.negative(error)}[what]
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(tmp_path / "saved"), {"x": graph.get_tensor_by_name("x:0")}, {what: output})
    assert graphcut.audit(str(tmp_path / "saved")).loss == (loss,)


def test_a_logged_loss_is_found_where_nothing_is_differentiated():
    with tf.Graph().as_default() as graph:
        predicted, _ = prediction()
        v1.summary.scalar("loss", mean_square(predicted))
        v1.summary.scalar("rate", variable("rate", trainable=False))
        v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(predicted > 0.0, tf.float32)))
        tf.nn.softmax(predicted)
    assert chosen(graph) == (("the_loss:0",), "the only logged float")


def test_a_loss_that_is_only_checked_is_found_before_the_guard_of_the_check():
    with tf.Graph().as_default() as graph:
        predicted, _ = prediction()
        loss = mean_square(predicted)
        with tf.control_dependencies([v1.Assert(loss < 10.0, [loss])]):
            tf.identity(predicted)
        v1.Print(loss, [loss])
    assert chosen(graph) == (("the_loss:0",), "the only logged float")


def test_gradients_and_slots_are_no_candidates():
    with tf.Graph().as_default() as graph:
        predicted, w = prediction()
        v1.train.MomentumOptimizer(0.1, 0.9).apply_gradients([(v1.placeholder(tf.float32, [4, 3]), w)])
        mean_square(predicted, "one"), mean_square(predicted, "two")
    with pytest.raises(GraphcutError, match="candidates: 'two:0', 'one:0'$"):
        graphcut.audit(graph.as_graph_def())


def test_a_graph_without_variables_is_told():
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [3])
        tf.square(x), tf.tanh(x)
    with pytest.raises(GraphcutError, match="'tf.Graph' holds no variables"):
        graphcut.audit(graph)


def test_a_misspelt_output_is_answered_with_near_ones():
    with pytest.raises(GraphcutError, match=r"no tensor or output named 'totl'; did you mean 'total'\?\n.*: 'other', 'total'"):
        graphcut.audit(lambda x: {"total": tf.reduce_sum(x), "other": tf.reduce_max(x)}, tf.TensorSpec([3]), loss="totl")


class Heads(tf.Module):
    """A function with two outputs of its own variable each, called by its signature."""

    def __init__(self):
        self.contour, self.note = (tf.Variable(tf.ones([4, 3]), name=name) for name in ("contour_w", "note_w"))

    @tf.function(input_signature=[tf.TensorSpec([2, 4])])
    def __call__(self, x):
        return {"contour": tf.matmul(x, self.contour), "note": tf.matmul(x, self.note)}


@pytest.mark.skipif(not tf.executing_eagerly(), reason="a SavedModel of a function is saved eagerly")
def test_zeros_filled_in_name_the_output_that_the_variable_feeds_by_its_key(tmp_path):
    heads = Heads()
    tf.saved_model.save(heads, str(tmp_path), signatures={"serving_default": heads.__call__.get_concrete_function()})
    audit = graphcut.audit(str(tmp_path), loss="contour")
    said = audit.explain("note_w")
    assert audit["note_w"].verdict is Verdict.ZERO and "it feeds only note of this call" in said
    assert "output 1" not in said
