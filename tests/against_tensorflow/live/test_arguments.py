"""Arguments in the forms that users give: iterators, arrays of names, a variable as the loss, the graph of a function."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError, Verdict, testing
from tests.against_tensorflow.live.building import EAGER, spec, v1


@pytest.fixture(scope="module")
def graph():
    with tf.Graph().as_default() as made:
        one, two = (v1.get_variable(name, [3], use_resource=True) for name in ("one", "two"))
        hidden = tf.multiply(one, 2.0, name="hidden")
        tf.reduce_sum(hidden * tf.stop_gradient(two, name="halt"), name="loss")
    return made


@pytest.fixture(scope="module")
def audit(graph):
    return graphcut.audit(graph, loss="loss", variables="*")


def names(rows):
    return [each.name for each in rows]


def test_variables_may_be_a_generator(graph):
    assert names(graphcut.audit(graph, loss="loss", variables=(each for each in ("one", "two")))) == ["one", "two"]


def test_variables_may_be_an_array_of_names(graph):
    assert names(graphcut.audit(graph, loss="loss", variables=np.array(["one", "two"]))) == ["one", "two"]


def test_the_loss_may_be_a_generator(graph):
    assert graphcut.audit(graph, loss=(each for each in ["loss", "hidden"])).loss == ("loss:0", "hidden:0")


def test_grad_ys_may_be_a_generator(graph):
    audit = graphcut.audit(graph, loss=["loss", "hidden"], grad_ys=(each for each in [0.0, None]))
    assert audit["one"].verdict is Verdict.FLOWS


def test_no_stop_gradients_may_be_said_by_none(graph):
    assert graphcut.audit(graph, loss="loss", stop_gradients=None)["one"].verdict is Verdict.FLOWS


@pytest.mark.parametrize(
    "ask",
    [
        lambda audit, keys: names(audit.select(keys)),
        lambda audit, keys: audit.explain(keys).count("gets"),
        lambda audit, keys: len(audit.reaches("one", through=keys).reached) + 1,
        lambda audit, keys: 2 * (keys in audit),
        lambda audit, keys: 2 * (audit.suggest_unblock(keys)[0].op == "halt"),
        lambda audit, keys: 2 * (testing.assert_only_trains(audit.what_if(remove="halt"), keys) is None),
    ],
    ids=["select", "explain", "through", "in", "suggest_unblock", "assert_only_trains"],
)
def test_a_generator_of_keys_is_as_good_as_a_list(audit, ask):
    assert ask(audit, (each for each in ["one", "two"])) == ask(audit, ["one", "two"])


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
def test_a_variable_as_the_loss_means_its_value(resource):
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", [3], use_resource=resource)
        v1.get_variable("other", [3], use_resource=resource)
        tf.reduce_sum(w * 2.0)
        given = tf.gradients(w, [w])
    audit = graphcut.audit(graph, loss=w)
    assert given[0] is not None and (audit["w"].verdict, audit["other"].verdict) == (Verdict.FLOWS, Verdict.NONE)


@pytest.mark.skipif(not EAGER, reason="about the graph of a tf.function")
def test_the_graph_of_a_function_knows_what_it_captured():
    w = tf.Variable([1.0, 2.0, 3.0], name="w")
    function = tf.function(lambda x: {"total": tf.reduce_sum(w * x), "aux": x * 2.0}).get_concrete_function(spec())
    audit = graphcut.audit(function.graph, loss="total")
    assert (audit[w].verdict, audit["w"].trainable) == (Verdict.FLOWS, True)


@pytest.mark.skipif(not EAGER, reason="about eager variables")
@pytest.mark.parametrize("asked", [None, "list"], ids=["default", "listed"])
def test_a_variable_may_be_an_argument_of_the_function(asked):
    w, b, captured = (tf.Variable(tf.ones([3]), name=name) for name in ("w", "b", "captured"))

    def loss(x, passed, structure):
        return tf.reduce_sum(x * passed * captured * tf.stop_gradient(structure["b"]))

    args = spec(3), w, {"b": b}
    audit = graphcut.audit(loss, *args, variables=asked and [w, b, captured])
    with tf.GradientTape() as tape:
        value = loss(tf.ones([3]), w, {"b": b})
    given = [each is not None for each in tape.gradient(value, [w, b, captured])]
    assert [audit[each].verdict is Verdict.FLOWS for each in (w, b, captured)] == given == [True, False, True]


@pytest.mark.skipif(not EAGER, reason="about eager variables")
def test_a_variable_that_is_passed_twice_is_one():
    w = tf.Variable([1.0, 2.0, 3.0], name="w")
    assert [each.name for each in graphcut.audit(lambda x, one, two: x * one + two, spec(3), w, w)] == ["w"]


@pytest.mark.skipif(not EAGER, reason="about eager tensors")
def test_a_tensor_that_was_passed_is_a_key():
    x, y = tf.constant([1.0, 2.0, 3.0]), tf.constant([4.0, 5.0, 6.0])
    audit = graphcut.audit(lambda one, two: one * tf.stop_gradient(two), x, y, variables=[y, x])
    assert [audit[each].verdict for each in (x, y)] == [Verdict.FLOWS, Verdict.NONE]
    assert audit.reaches(x, through=x) and names(audit) == ["two:0", "one:0"]


def keras_variables():
    """Two variables of a Keras layer, in Keras 3 of a class of its own."""
    layer = tf.keras.layers.Dense(3)
    layer.build((None, 3))
    return layer.kernel, layer.bias


def stopped_kernel(x, kernel, rest):
    return tf.reduce_sum(x + rest["bias"]) + tf.reduce_sum(tf.stop_gradient(kernel))


@pytest.mark.skipif(not EAGER, reason="about eager variables")
@pytest.mark.parametrize("asked", [False, True], ids=["default", "listed"])
def test_a_keras_variable_may_be_an_argument(asked):
    kernel, bias = keras_variables()
    audit = graphcut.audit(stopped_kernel, spec(3), kernel, {"bias": bias}, variables=[kernel, bias] if asked else None)
    assert [audit[each].verdict for each in (kernel, bias)] == [Verdict.NONE, Verdict.FLOWS]


@pytest.mark.skipif(not EAGER, reason="about eager variables")
def test_a_keras_variable_may_be_an_argument_of_a_step():
    def step(x, kernel, rest):
        with tf.GradientTape() as tape:
            loss = stopped_kernel(x, kernel, rest)
        return tape.gradient(loss, [kernel, rest["bias"]])

    kernel, bias = keras_variables()
    given = [each is not None for each in step(tf.ones([3]), kernel, {"bias": bias})]
    (audit,) = graphcut.audit_step(step, tf.ones([3]), kernel, {"bias": bias})
    assert list(audit.recorded) == given == [False, True]


@pytest.mark.skipif(not EAGER, reason="about eager variables")
def test_a_tf_function_that_a_keras_variable_is_passed_to():
    _, bias = keras_variables()
    assert (
        graphcut.audit(tf.function(lambda x, v: tf.reduce_sum(x * v)), spec(3), bias, variables=bias)[bias].verdict
        is Verdict.FLOWS
    )


def test_an_oracle_that_is_no_text_is_refused(graph):
    with pytest.raises(GraphcutError, match=r"oracle= was given a value of type float: 2\.15\nIt takes"):
        graphcut.audit(graph, loss="loss", oracle=2.15)


def test_a_comparison_with_no_audit_is_refused(audit):
    with pytest.raises(GraphcutError, match="compare was given a value of type str, which is not an audit"):
        audit.compare("other")


def test_one_audit_makes_a_table_and_a_page(audit, tmp_path):
    graphcut.page(audit, tmp_path / "cut.html", engine=None)
    assert str(graphcut.table(audit)) == str(graphcut.table([audit]))
    assert (tmp_path / "cut.html").stat().st_size > 0


def test_a_picture_s_path_may_be_bytes(audit, tmp_path):
    audit.draw(str(tmp_path / "cut.dot").encode())
    assert (tmp_path / "cut.dot").read_text().startswith("digraph cut")


@pytest.mark.parametrize("ask", [graphcut.audit, graphcut.trace])
def test_what_means_nothing_for_a_function_or_a_dag_is_refused(ask):
    w = tf.Variable([1.0, 2.0], name="w")
    dag = graphcut.trace(lambda x: tf.reduce_sum(w * x), tf.TensorSpec([2]))
    with pytest.raises(graphcut.GraphcutError, match="has no signatures"):
        ask(lambda x: tf.reduce_sum(w * x), tf.TensorSpec([2]), signature="serving_default")
    with pytest.raises(graphcut.GraphcutError, match="takes no arguments, but 1 was given"):
        ask(dag, tf.TensorSpec([2]))


def test_the_numbers_of_a_step_s_gradients_are_no_losses():
    w = tf.Variable([1.0, 2.0], name="w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x)
        return tape.gradient(loss, [w]), loss

    with pytest.raises(graphcut.GraphcutError) as error:
        graphcut.audit(step, tf.ones([2]), loss="totl")
    assert "'0'" not in str(error.value)
