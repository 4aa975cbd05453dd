"""The default loss."""

from __future__ import annotations

import pytest
import tensorflow as tf
from google.protobuf import text_format

import graphcut
from graphcut import GraphcutError
from tests.against_tensorflow.live.building import Pair, anywhere, ones, placeholder_graph, spec, v1

OPTIMIZERS = {
    "gradient descent": lambda: v1.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: v1.train.AdamOptimizer(0.1),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.1),
    "ftrl": lambda: v1.train.FtrlOptimizer(0.1),
}


def network(batch, size=None):
    """A prediction of static or dynamic shape, and the weights behind it."""
    w = ones("w", 4, 3)
    return tf.matmul(v1.placeholder(tf.float32, [batch, 4], "x"), w), w


def scalar(predicted):
    return tf.reduce_mean(tf.square(predicted), name="the_loss")


def vector(predicted):
    return tf.reduce_sum(tf.square(predicted), 1, name="the_loss")


def matrix(predicted):
    return tf.subtract(predicted, 1.0, name="the_loss")


def chosen(graph):
    """The default loss of a live graph, which must be that of its bare GraphDef too."""
    live, bare = graphcut.audit(graph), graphcut.audit(graph.as_graph_def())
    assert (live.loss, live.loss_source) == (bare.loss, bare.loss_source)
    return live.loss, live.loss_source


BACKWARD = "the graph's own backward part"
ONLY_END = "the only float tensor that nothing reads"


def test_a_function_s_one_float_output():
    with anywhere():
        pair = Pair()
        audit = graphcut.audit(lambda x: (pair.loss(x), tf.constant(3)), spec(3))
    assert audit.loss_source == "the only float output"


def test_a_function_s_only_output_though_it_is_an_integer():
    with anywhere():
        w = ones("w", 3)
        audit = graphcut.audit(lambda: tf.cast(tf.reduce_sum(w), tf.int32))
    assert audit.loss_source == "the only output"


def test_two_float_outputs_are_candidates():
    with anywhere():
        pair = Pair()
        with pytest.raises(GraphcutError, match="candidates: 'one' .*, 'other' "):
            graphcut.audit(lambda x: {"one": pair.loss(x), "other": tf.reduce_sum(pair.u)}, spec(3))


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("batch", [5, None], ids=["static", "dynamic"])
@pytest.mark.parametrize("loss", [scalar, vector, matrix])
def test_a_training_graph_s_loss(loss, batch, optimizer):
    with tf.Graph().as_default() as graph:
        OPTIMIZERS[optimizer]().minimize(loss(network(batch)[0]))
    assert chosen(graph) == (("the_loss:0",), BACKWARD)


def test_a_training_step_in_a_name_scope():
    with tf.Graph().as_default() as graph:
        loss = scalar(network(5)[0])
        with tf.name_scope("train"):
            v1.train.AdamOptimizer().minimize(loss)
    assert chosen(graph) == (("the_loss:0",), BACKWARD)


def test_a_whole_network_in_a_name_scope():
    with tf.Graph().as_default() as graph, tf.name_scope("tower"):
        v1.train.AdamOptimizer().minimize(scalar(network(None)[0]))
    assert chosen(graph) == (("tower/the_loss:0",), BACKWARD)


def test_gradients_taken_by_name_of_the_function():
    with tf.Graph().as_default() as graph:
        predicted, w = network(None)
        v1.gradients(scalar(predicted), [w])
    assert chosen(graph) == (("the_loss:0",), BACKWARD)


def test_clipped_gradients():
    with tf.Graph().as_default() as graph:
        optimizer = v1.train.AdamOptimizer()
        gradients, variables = zip(*optimizer.compute_gradients(scalar(network(5)[0])))
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(clipped, variables))
    assert chosen(graph) == (("the_loss:0",), BACKWARD)


def test_a_sum_of_losses_is_the_sum():
    with tf.Graph().as_default() as graph:
        predicted, w = network(5)
        loss = tf.add(scalar(predicted), 0.1 * tf.nn.l2_loss(w), name="total")
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    assert chosen(graph) == (("total:0",), BACKWARD)


def test_several_losses_of_one_call():
    with tf.Graph().as_default() as graph:
        predicted, w = network(None)
        v1.gradients([scalar(predicted), tf.nn.l2_loss(w, name="decay")], [w])
    assert chosen(graph) == (("the_loss:0", "decay:0"), BACKWARD)


def test_a_loss_that_a_conditional_makes():
    """No op of the backward part has the name of an op that passes its gradient on."""
    with tf.Graph().as_default() as graph:
        predicted, _ = network(None)
        loss = tf.cond(tf.reduce_sum(predicted) > 0.0, lambda: tf.reduce_sum(predicted), lambda: tf.reduce_mean(predicted))
        v1.train.GradientDescentOptimizer(0.1).minimize(tf.identity(loss, name="the_loss"))
    audit = graphcut.audit(graph)
    assert audit.loss == ("the_loss:0",) and audit["w"].verdict is graphcut.Verdict.FLOWS


def test_a_loss_that_a_function_returns():
    with tf.Graph().as_default() as graph:
        loss = tf.function(scalar, autograph=False)(network(None)[0])
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    audit = graphcut.audit(graph)
    assert audit.loss_source == BACKWARD and audit["w"].verdict is graphcut.Verdict.FLOWS


def test_a_loss_with_a_second_output():
    with tf.Graph().as_default() as graph:
        predicted, _ = network(5)
        labels = tf.one_hot([0, 1, 2, 0, 1], 3)
        loss = v1.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=predicted, name="the_loss")
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
    assert graphcut.audit(graph)["w"].verdict is graphcut.Verdict.FLOWS


def adversaries():
    """Two losses, each with a training step of its own."""
    generator, discriminator = ones("generator", 4, 3), ones("discriminator", 3, 1)
    verdict = tf.matmul(tf.matmul(v1.placeholder(tf.float32, [5, 4]), generator), discriminator)
    losses = tf.reduce_mean(verdict, name="d_loss"), tf.negative(tf.reduce_mean(verdict), name="g_loss")
    for loss, variable in zip(losses, (discriminator, generator)):
        v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=[variable])


def test_several_training_steps_are_candidates():
    with tf.Graph().as_default() as graph:
        adversaries()
    with pytest.raises(GraphcutError, match="the gradients of 2 losses: 'd_loss:0', 'g_loss:0'"):
        graphcut.audit(graph)


def test_two_training_steps_of_one_loss_are_one_loss():
    with tf.Graph().as_default() as graph:
        predicted, w = network(None)
        loss = scalar(predicted + ones("b", 3))
        for variable in v1.trainable_variables():
            v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=[variable])
    assert chosen(graph) == (("the_loss:0",), BACKWARD)


def test_a_gradient_penalty_is_part_of_the_loss():
    with tf.Graph().as_default() as graph:
        predicted, w = network(5)
        slope = v1.gradients(tf.reduce_sum(tf.tanh(predicted), name="inner"), [graph.get_tensor_by_name("x:0")])[0]
        v1.train.GradientDescentOptimizer(0.1).minimize(scalar(predicted) + tf.nn.l2_loss(slope))
    assert graphcut.audit(graph).loss != ("inner:0",)


def test_what_a_gradient_penalty_is_added_to_is_the_loss():
    with tf.Graph().as_default() as graph:
        predicted, w = network(5)
        slope = v1.gradients(tf.reduce_sum(tf.tanh(predicted), name="inner"), [graph.get_tensor_by_name("x:0")])[0]
        tf.add(scalar(predicted), tf.nn.l2_loss(slope), name="total")
    assert chosen(graph) == (("total:0",), ONLY_END)


def test_gradients_before_tensorflow_1_6_had_other_names():
    with tf.Graph().as_default() as graph:
        v1.train.GradientDescentOptimizer(0.1).minimize(scalar(network(5)[0]))
    names = [("gradients/grad_ys_0/Const", "gradients/Const"), ("gradients/grad_ys_0", "gradients/Fill")]
    text = str(graph.as_graph_def())
    for new, old in names if names[0][0] in text else [("gradients/grad_ys_0", "gradients/Const")]:
        text = text.replace(new, old)
    assert graphcut.audit(text_format.Parse(text, v1.GraphDef())).loss == ("the_loss:0",)


def test_a_gradient_function_that_takes_gradients_is_no_other_loss():
    recompute = tf.recompute_grad if hasattr(tf, "recompute_grad") else tf.contrib.layers.recompute_grad
    with tf.Graph().as_default() as graph, v1.variable_scope("", use_resource=True):
        predicted, w = network(5)
        v1.train.GradientDescentOptimizer(0.1).minimize(scalar(recompute(tf.tanh)(predicted)))
    assert chosen(graph) == (("the_loss:0",), BACKWARD)


def test_the_backward_part_goes_before_the_losses_collection():
    with tf.Graph().as_default() as graph:
        predicted, w = network(5)
        v1.losses.add_loss(tf.nn.l2_loss(w, name="decay"))
        v1.train.GradientDescentOptimizer(0.1).minimize(scalar(predicted))
    assert graphcut.audit(graph).loss == ("the_loss:0",)


def test_the_losses_collection():
    with tf.Graph().as_default() as graph:
        predicted, w = network(5)
        v1.losses.add_loss(scalar(predicted))
        v1.losses.add_loss(tf.nn.l2_loss(w, name="decay"))
    audit = graphcut.audit(graph)
    assert (audit.loss, audit.loss_source) == (("the_loss:0", "decay:0"), "the losses collection")


def test_the_losses_collection_of_a_meta_graph():
    with tf.Graph().as_default() as graph:
        v1.losses.mean_squared_error(tf.ones([5, 3]), network(5)[0])
        message = v1.train.export_meta_graph(graph=graph)
    assert graphcut.audit(message).loss == graphcut.audit(graph).loss


def test_the_one_float_that_nothing_reads_is_the_loss():
    assert chosen(placeholder_graph()[0]) == (("loss:0",), ONLY_END)


def test_of_several_floats_that_nothing_reads_those_called_a_loss_are_offered_first():
    graph, loss, pair = placeholder_graph()
    with graph.as_default():
        tf.reduce_max(tf.convert_to_tensor(pair.w), name="largest")
    with pytest.raises(GraphcutError, match="no loss was named.*\n.*candidates: 'loss:0', 'largest:0'"):
        graphcut.audit(graph)


def test_who_audits_a_step_as_if_it_were_a_loss_is_told_of_audit_step():
    def step(x, y):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            loss = tf.reduce_sum(x * y)
        return tape.gradient(loss, [x, y])

    with pytest.raises(GraphcutError, match=r"no loss was named.*\n.*candidates: '0'.*\n.*for graphcut.audit_step\."):
        graphcut.audit(step, *[tf.TensorSpec([2])] * 2)


def test_it_is_printed_which_loss_was_chosen():
    with tf.Graph().as_default() as graph:
        v1.train.GradientDescentOptimizer(0.1).minimize(scalar(network(5)[0]))
    assert "loss: the_loss:0 (the graph's own backward part)" in str(graphcut.audit(graph))


@pytest.mark.parametrize("dtype", [tf.complex64, tf.string])
def test_a_loss_without_an_order_is_tensorflow_s_type_error(dtype):
    with tf.Graph().as_default() as graph:
        loss = v1.placeholder(dtype, [], "loss")
    with pytest.raises(TypeError, match=dtype.name):
        graphcut.audit(graph, loss=loss)


def actor_critic(combine):
    """A graph that trains with a sum of a policy's, an entropy's and a value's loss."""
    with tf.Graph().as_default() as graph:
        predicted, w = network(None)
        value, c = network(None)
        policy, entropy = tf.reduce_mean(predicted, name="policy"), tf.reduce_mean(tf.square(predicted), name="entropy")
        loss = combine(policy, entropy, tf.reduce_mean(tf.square(value), name="value"))
        optimizer = v1.train.RMSPropOptimizer(0.1)
        optimizer.apply_gradients(zip(v1.gradients(loss, [w, c]), [w, c]))
    return graph, loss


@pytest.mark.parametrize(
    "combine",
    [
        lambda policy, entropy, value: tf.add(policy - entropy * 0.01, value * 0.25, name="loss"),
        lambda policy, entropy, value: tf.add_n([policy, entropy, value], name="loss"),
        lambda policy, entropy, value: tf.identity(policy + entropy, name="two") + value,
        lambda policy, entropy, value: tf.add(3.0 - entropy, value, name="loss"),
    ],
)
def test_a_sum_is_named_where_only_its_terms_take_a_gradient(combine):
    graph, loss = actor_critic(combine)
    assert graphcut.audit(graph).loss == (loss.name,)


def test_where_two_sums_could_be_meant_the_terms_are_named():
    graph, loss = actor_critic(lambda policy, entropy, value: tf.add(entropy, value, name="loss"))
    with graph.as_default():
        tf.add(graph.get_tensor_by_name("value:0"), graph.get_tensor_by_name("entropy:0"), name="shown")
    assert set(graphcut.audit(graph).loss) == {"entropy:0", "value:0"}


@pytest.mark.skipif(tf.__version__.startswith("1."), reason="a function of TensorFlow 1.15 captures references")
def test_the_graph_of_a_function_has_its_captured_handles_as_variables():
    weight, scale = tf.Variable([1.0, 2.0], name="weight"), tf.constant(3.0)

    def loss(x):
        tf.identity(x * scale, name="of_no_variable")
        return tf.reduce_sum(x * weight)

    function = tf.function(loss).get_concrete_function(tf.TensorSpec([2]))  # whose graph is gone with it in TensorFlow 2.1
    audit = graphcut.audit(function.graph.as_graph_def())
    assert len(audit) == 1 and audit.loss == ("Identity:0",)


def test_an_event_file_holds_the_graph_that_a_writer_was_given(tmp_path):
    with tf.Graph().as_default() as graph:
        weight = tf.compat.v1.get_variable("weight", [2], use_resource=True)
        left = tf.compat.v1.get_variable("left", [2], use_resource=True)
        loss = tf.reduce_sum(weight * tf.stop_gradient(left), name="loss")
        tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        tf.compat.v1.summary.FileWriter(str(tmp_path), graph).close()
    (path,) = tmp_path.iterdir()
    audit = graphcut.audit(str(path))
    assert audit.loss == ("loss:0",)
    assert {each.name: each.verdict.value for each in audit} == {"weight": "flows", "left": "none"}


def test_a_loss_that_only_an_assignment_reads_is_a_candidate():
    with tf.Graph().as_default() as graph:
        w, best = (v1.get_variable(name, shape) for name, shape in (("w", [3]), ("best", [])))
        loss = tf.reduce_sum(tf.square(w), name="loss")
        v1.assign(best, tf.minimum(best, loss, name="smaller"))
    with pytest.raises(graphcut.GraphcutError, match="candidates: 'loss:0', 'smaller:0'"):
        graphcut.audit(graph.as_graph_def())
