"""Keys: the object that was passed in, a name with or without ``:0``, an op or a tensor."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError, Verdict
from graphcut.render.text.source_quotes import quote_lines
from tests.against_tensorflow.live.building import EAGER, anywhere, keras_model, ones, placeholder_graph, spec, v1

needs_eager = pytest.mark.skipif(not EAGER, reason="about eager variables")


@needs_eager
def test_an_eager_variable():
    w = tf.Variable(1.0)
    assert graphcut.audit(lambda x: x * w, spec())[w].verdict is Verdict.FLOWS


@needs_eager
def test_two_eager_variables_of_one_name_are_told_apart():
    one, other = tf.Variable(1.0), tf.Variable(2.0)
    audit = graphcut.audit(lambda x: x * one + tf.stop_gradient(other), spec())
    assert (audit[one].verdict, audit[other].verdict) == (Verdict.FLOWS, Verdict.NONE)


@needs_eager
def test_two_variables_of_one_name_have_two_names():
    one, other = tf.Variable(1.0), tf.Variable(2.0)
    names = [each.name for each in graphcut.audit(lambda x: x * one + other, spec())]
    assert names == ["Variable", "Variable_1"]


@needs_eager
def test_variables_of_one_name_can_be_asked_for_in_any_order():
    one, other = tf.Variable(1.0), tf.Variable(2.0)
    audit = graphcut.audit(lambda x: x * one + tf.stop_gradient(other), spec(), variables=[other, one])
    assert [each.verdict for each in audit] == [Verdict.NONE, Verdict.FLOWS]


@needs_eager
def test_an_eager_variable_that_the_function_never_saw_is_unused():
    w, other = tf.Variable(1.0), tf.Variable(1.0)
    assert graphcut.audit(lambda x: x * w, spec(), variables=[w, other])[other].unused


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
def test_a_graph_s_variable(resource):
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", [3], use_resource=resource)
        loss = tf.reduce_sum(w * 2.0)
    assert graphcut.audit(graph, loss=loss)[w].name == "w"


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
def test_a_partitioned_variable(resource):
    with tf.Graph().as_default() as graph:
        partitioner = v1.fixed_size_partitioner(3)
        w = v1.get_variable("w", [6, 2], partitioner=partitioner, use_resource=resource)
        loss = tf.reduce_sum(tf.convert_to_tensor(w) * 2.0)
    audit = graphcut.audit(graph, loss=loss, variables=w)
    assert audit[w].verdict is Verdict.FLOWS and audit[w].shape == (6, 2)


def test_a_partitioned_variable_in_a_meta_graph_is_one_row():
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", [6, 2], partitioner=v1.fixed_size_partitioner(3), use_resource=False)
        tf.reduce_sum(tf.convert_to_tensor(w), name="loss")
        message = v1.train.export_meta_graph(graph=graph)
    assert [(each.name, each.shape) for each in graphcut.audit(message, loss="loss")] == [("w", (6, 2))]


def test_a_ref_variable_whose_value_a_function_captured():
    with tf.Graph().as_default():
        w = v1.get_variable("w", [3], use_resource=False)
        audit = graphcut.audit(lambda x: tf.reduce_sum(x * w), spec(3))
    assert audit[w].verdict is Verdict.FLOWS


def test_a_keras_variable():
    with anywhere():
        model, first, second = keras_model()
        audit = graphcut.audit(model, spec(5, 3), variables=[second.kernel, first.kernel])
    assert (audit[first.kernel].verdict, audit[second.kernel].verdict) == (Verdict.NONE, Verdict.FLOWS)


@pytest.mark.skipif(not hasattr(tf.keras, "ops"), reason="Keras 3 wraps the variables of TensorFlow")
def test_the_variable_inside_of_a_keras_3_variable():
    model, _, second = keras_model()
    audit = graphcut.audit(model, spec(5, 3))
    assert audit[second.kernel.value] == audit[second.kernel]


@pytest.mark.parametrize("key", ["w", "w:0"])
def test_a_name(key):
    graph, loss, _ = placeholder_graph()
    assert graphcut.audit(graph, loss=loss)[key].name == "w"


def test_a_tensor_of_the_graph():
    graph, loss, _ = placeholder_graph()
    product = graph.get_tensor_by_name("mul:0")
    assert graphcut.audit(graph, loss=loss, variables=[product])[product].tensor == "mul:0"


@pytest.mark.parametrize("key", ["mul", "mul:0"])
def test_an_op_or_a_tensor_name(key):
    graph, loss, _ = placeholder_graph()
    assert graphcut.audit(graph, loss=loss, variables=[key])[key].verdict is Verdict.FLOWS


def test_a_placeholder():
    graph, loss, _ = placeholder_graph()
    assert graphcut.audit(graph, loss=loss, variables="x")["x"].verdict is Verdict.FLOWS


def test_a_pattern():
    graph, loss, _ = placeholder_graph()
    assert [each.name for each in graphcut.audit(graph, loss=loss, variables="[wu]")] == ["w", "u"]


def test_select_takes_a_pattern():
    graph, loss, _ = placeholder_graph()
    assert [each.name for each in graphcut.audit(graph, loss=loss).select("u*")] == ["u"]


def test_an_unknown_key_names_what_is_near():
    with tf.Graph().as_default() as graph:
        loss = tf.reduce_sum(ones("encoder", 3))
    with pytest.raises(GraphcutError, match="did you mean 'encoder'"):
        graphcut.audit(graph, loss=loss)["encode"]


def test_a_variable_of_another_graph_is_unused():
    graph, loss, _ = placeholder_graph()
    _, _, other = placeholder_graph()
    assert graphcut.audit(graph, loss=loss, variables=[other.w])[other.w].unused


def test_a_shared_variable_is_one_row():
    with tf.Graph().as_default() as graph:
        with v1.variable_scope("net", use_resource=True):
            one = v1.get_variable("w", [3])
        with v1.variable_scope("net", reuse=True, use_resource=True):
            again = v1.get_variable("w", [3])
        loss = tf.reduce_sum(one * tf.stop_gradient(again))
    audit = graphcut.audit(graph, loss=loss)
    assert [each.name for each in audit] == ["net/w"] and audit[again].verdict is Verdict.FLOWS


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
def test_a_gathered_variable_gets_rows(resource):
    with tf.Graph().as_default() as graph:
        table = v1.get_variable("table", [9, 2], use_resource=resource)
        rows = v1.nn.embedding_lookup(table, v1.placeholder(tf.int32, [4], "ids"))
        loss = tf.reduce_sum(rows)
    assert graphcut.audit(graph, loss=loss)[table].sparse


def test_a_multiplied_variable_gets_a_dense_gradient():
    graph, loss, pair = placeholder_graph()
    assert not graphcut.audit(graph, loss=loss)[pair.w].sparse


def test_gathered_and_multiplied_is_sparse_as_tensorflow_says():
    with tf.Graph().as_default() as graph:
        table = v1.get_variable("table", [9, 2], use_resource=True)
        rows = v1.nn.embedding_lookup(table, v1.placeholder(tf.int32, [4], "ids"))
        loss = tf.reduce_sum(rows) + tf.reduce_sum(table)
    sparse = graphcut.audit(graph, loss=loss)[table].sparse
    with graph.as_default():
        assert sparse == isinstance(v1.gradients(loss, [table])[0], tf.IndexedSlices)


def test_a_variable_that_was_not_asked_for():
    w, frozen = tf.Variable(1.0, name="w"), tf.Variable(1.0, name="frozen", trainable=False)
    audit = graphcut.audit(lambda x: x * w * frozen, 1.0)
    for key in (frozen, "frozen"):
        with pytest.raises(graphcut.GraphcutError, match="variable 'frozen' was not audited"):
            audit[key]


@pytest.mark.skipif(not tf.executing_eagerly(), reason="layers that are built by name")
def test_layers_are_variables_to_audit_and_keys():
    encoder, decoder, plain = (tf.keras.layers.Dense(2, name=name) for name in ("encoder", "decoder", "plain"))
    audit = graphcut.audit(lambda x: encoder(x) * tf.stop_gradient(decoder(x)), spec(3, 2), variables=[encoder, [decoder]])
    verdicts = [each.verdict for each in audit]
    assert verdicts == [Verdict.FLOWS, Verdict.FLOWS, Verdict.NONE, Verdict.NONE]
    rows = graphcut.audit(lambda x: encoder(x), spec(3, 2), variables=list(audit.select(encoder)))
    assert [each.name for each in rows] == [each.name for each in audit.select(encoder)]
    alone = graphcut.audit(lambda x: encoder(x) * decoder(x), spec(3, 2), variables=encoder)
    for key, message in [
        (decoder, "none of the variables of 'decoder' was audited .it has 2."),
        (plain, "'plain' has no var"),
    ]:
        with pytest.raises(graphcut.GraphcutError, match=message):
            alone[key]
    with pytest.raises(graphcut.GraphcutError, match="'encoder' means 2 variables: "):
        alone[encoder]
    with pytest.raises(graphcut.GraphcutError, match="'plain' has no variables"):
        graphcut.audit(lambda x: encoder(x), spec(3, 2), variables=plain)


def test_names_that_an_error_of_a_key_suggests_are_keys():
    """The ops of the graph are none: they would have to be asked for first."""
    kernel = tf.Variable(1.0, name="kernel")
    audit = graphcut.audit(lambda x: tf.identity(x * kernel, name="kernels"), spec())
    with pytest.raises(graphcut.GraphcutError) as raised:
        audit["kernelz"]
    (suggested,) = re.findall("'(\\w+)'", str(raised.value).partition("did you mean")[2])
    assert audit[suggested].verdict is Verdict.FLOWS
    with pytest.raises(graphcut.GraphcutError, match="is not among the audited variables\nThe only variable is '"):
        audit["an/unknown/name"]


def test_variables_stand_in_the_order_of_their_use():
    variables = [tf.Variable(1.0, name="v%d" % index) for index in range(12)]
    audit = graphcut.audit(lambda x: x * tf.add_n(variables[::-1]), 1.0)
    assert [each.name for each in audit.variables] == ["v%d" % index for index in range(12)][::-1]


def test_names_patterns_tensors_and_objects_can_be_looked_for():
    graph, loss, pair = placeholder_graph()
    _, _, other = placeholder_graph()
    audit = graphcut.audit(graph, loss=loss)
    for key in ("w", "w:0", "[wu]", pair.w, pair.w.handle, audit["u"], ["w", pair.u]):
        assert key in audit, key
    for key in ("v", "mul", "v*", other.w, loss, 5, None, [], ["w", "v"]):
        assert key not in audit, key


def test_a_row_of_another_audit_is_not_in_an_audit():
    graph, loss, _ = placeholder_graph()
    audit = graphcut.audit(graph, loss=loss)
    assert audit["u"] not in audit.what_if(remove=audit.stops[0])


@needs_eager
def test_eager_variables_can_be_looked_for():
    w, other = tf.Variable(1.0), tf.Variable(1.0)
    audit = graphcut.audit(lambda x: x * w, spec())
    assert w in audit and other not in audit


def test_a_variable_asked_for_by_object_and_name_is_one_row():
    graph, loss, pair = placeholder_graph()
    audit = graphcut.audit(graph, loss=loss, variables=[pair.w, "w", "w:0", pair.u])
    assert [each.name for each in audit] == ["w", "u"]


@needs_eager
def test_every_kind_of_key_names_the_same_variables_everywhere():
    model, _, layer = keras_model()
    audit = graphcut.audit(model, spec(2, 3))
    names = [row.name for row in audit.select(layer)]
    scope = names[0].rpartition("/")[0]
    keys = [layer, scope, scope + "/*", names, layer.trainable_variables, {"any": layer}.values()]
    assert names and [[row.name for row in audit.select(key)] for key in keys] == [names] * len(keys)
    for key in keys:
        assert audit.reaches(names[0], through=key)
        graphcut.testing.assert_reaches(audit, key)
        assert [audit.what_if(stop=key)[name].verdict for name in names] == [Verdict.NONE] * len(names)


@pytest.mark.parametrize(
    "ask",
    [
        lambda audit, key: audit[key],
        lambda audit, key: audit.explain(key),
        lambda audit, key: audit.explain(["kernel", key]),
        lambda audit, key: audit.reaches(key),
        lambda audit, key: audit.reaches("kernel", through=key),
        lambda audit, key: audit.reaches("kernel", avoiding=key),
        lambda audit, key: audit.suggest_unblock(key),
        lambda audit, key: audit.suggest_stops(block=key),
        lambda audit, key: audit.suggest_stops(block="kernel", keep=key),
        lambda audit, key: audit.what_if(stop=key),
        lambda audit, key: audit.what_if(remove=key),
        lambda audit, key: graphcut.testing.assert_reaches(audit, key),
        lambda audit, key: graphcut.testing.assert_blocked(audit, [key]),
    ],
)
def test_every_question_has_near_names_for_a_variable_that_is_not_there(ask):
    with tf.Graph().as_default() as graph:
        loss = tf.reduce_sum(v1.get_variable("kernel", [3]) * v1.get_variable("bias", [3]))
    with pytest.raises(GraphcutError, match="kernl.*did you mean 'kernel'"):
        ask(graphcut.audit(graph, loss=loss), "kernl")


def test_a_tensor_that_is_not_in_the_audit_is_refused():
    audit = graphcut.audit(placeholder_graph()[0], loss="loss")
    with pytest.raises(GraphcutError, match="is not a variable, nor a tensor of this audit\nName a"):
        audit.explain(SimpleNamespace(dtype=tf.float32, shape=()))  # as an eager tensor, which has no name


@pytest.mark.parametrize("key", [3, None, b"w"])
def test_a_value_that_can_be_no_key_is_refused_by_its_type(key):
    audit = graphcut.audit(placeholder_graph()[0], loss="loss")
    for ask in (audit.explain, audit.reaches, audit.suggest_unblock):
        with pytest.raises(GraphcutError, match=f"a value of type {type(key).__name__} names no variable"):
            ask(key)


def test_a_question_about_no_variable_is_refused():
    audit = graphcut.audit(placeholder_graph()[0], loss="loss")
    for ask in (audit.explain, audit.reaches, audit.suggest_unblock, lambda key: audit.suggest_stops(block=key)):
        with pytest.raises(GraphcutError, match="an empty list means no variable"):
            ask([])


def test_no_variable_at_all_is_no_assertion_that_holds():
    audit = graphcut.audit(placeholder_graph()[0], loss="loss")
    with pytest.raises(GraphcutError, match="an empty list means no variable"):
        graphcut.testing.assert_reaches(audit, [])


def scoped_graph():
    """Three variables in scopes: two named ``kernel``, one of them behind a stop, and one average that is not trained."""
    with tf.Graph().as_default() as graph:
        made = [v1.get_variable(name, [3]) for name in ("gate/encoder/kernel", "gate/decoder/kernel", "gate/scale")]
        mean = v1.get_variable("bn/moving_mean", [3], trainable=False)
        tf.reduce_sum(tf.stop_gradient(made[0]) * made[1] * made[2] * mean, name="loss")
    return graphcut.audit(graph, loss="loss")


def test_the_end_of_a_name_stands_for_it_where_no_other_has_that_end():
    audit = scoped_graph()
    assert audit["encoder/kernel"].name == "gate/encoder/kernel" and audit["scale:0"].name == "gate/scale"
    assert "kernel" not in audit and "coder/kernel" not in audit
    assert audit.explain("moving_mean").startswith("bn/moving_mean is frozen")


@pytest.mark.parametrize("ask", ["explain", "reaches", "suggest_unblock"])
def test_the_end_of_several_names_is_answered_with_them(ask):
    with pytest.raises(GraphcutError, match=r"did you mean 'gate/encoder/kernel' or 'gate/decoder/kernel'"):
        getattr(scoped_graph(), ask)("kernel")


def test_variables_may_be_asked_for_by_the_end_of_their_names():
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("gate/encoder/kernel", [3])
        tf.reduce_sum(tf.square(w), name="loss")
    assert [each.name for each in graphcut.audit(graph, loss="loss", variables="encoder/kernel")] == ["gate/encoder/kernel"]


UNNAMED = """
import tensorflow as tf

first, rest = tf.Variable(1.0), [tf.Variable(2.0), tf.Variable(3.0)]
named = tf.Variable(4.0, name="named")


class Scale:
    def __init__(self):
        self.by = tf.Variable(5.0)

    def step(self, x):
        with tf.GradientTape() as tape:
            loss = x * tf.stop_gradient(first) + self.by * rest[0] + rest[1] * named
        return tape.gradient(loss, [first, *rest, named, self.by])


step = Scale().step
"""


def test_variables_without_a_name_are_named_as_in_the_code():
    if not tf.executing_eagerly():
        pytest.skip("a tape of TensorFlow 1 does not watch these variables")
    program = {}
    exec(compile(UNNAMED, "unnamed.py", "exec"), program)
    (audit,) = graphcut.audit_step(program["step"], tf.TensorSpec([]))
    assert list(audit.code_names.values()) == ["first", "rest[0]", "rest[1]", "self.by"]
    assert "named" not in audit.code_names
    assert "\nIn your code it is first.\n" in audit.explain(program["first"])
    (line, *_) = quote_lines(audit)
    assert line.startswith("in your code, Variable is first, Variable_1 is rest[0], ")
