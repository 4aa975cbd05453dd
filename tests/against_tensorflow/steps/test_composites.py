"""Tensors made of others: ragged, sparse, slices and types of the user, as arguments, watched, as target or source."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.steps.judge import VERSION, audited, variable, words

TAPE = tf.GradientTape
ROWS = [1, 2]
PLACES = [[0, 0], [0, 1], [1, 1]]
SHAPES = [[2, None], [None, None], None]
GRADIENTS = hasattr(tf.RaggedTensor, "__composite_gradient__")
gradients = pytest.mark.skipif(not GRADIENTS, reason="this TensorFlow takes no gradient of a composite tensor")
watching = pytest.mark.skipif(VERSION < (2, 2), reason="a tape watches no composite tensor before TensorFlow 2.2")

KINDS = {
    "ragged": (lambda ids: tf.RaggedTensor.from_row_lengths(ids, ROWS), tf.RaggedTensor, lambda x: x.flat_values),
    "sparse": (lambda ids: tf.SparseTensor(PLACES, ids, [2, 2]), tf.SparseTensor, lambda x: x.values),
    "slices": (lambda ids: tf.IndexedSlices(ids, tf.constant([0, 1, 2])), tf.IndexedSlices, lambda x: x.values),
}
SPECS = {
    "ragged": lambda: tf.RaggedTensorSpec([2, None], tf.int32),
    "sparse": lambda: tf.SparseTensorSpec([2, 2], tf.int32),
    "slices": lambda: tf.IndexedSlicesSpec([3], tf.int32, indices_dtype=tf.int32),
}

if hasattr(getattr(tf, "experimental", None), "ExtensionType"):

    class Masked(tf.experimental.ExtensionType):
        """Ids with a mask; it has a shape and a dtype, as an array has."""

        ids: tf.Tensor
        mask: tf.Tensor

        @property
        def shape(self):
            return self.ids.shape

        @property
        def dtype(self):
            return self.ids.dtype

    KINDS["extension type"] = (lambda ids: Masked(ids, [True, False, True]), Masked, lambda x: x.ids)
    SPECS["extension type"] = lambda: Masked.Spec(tf.TensorSpec([3], tf.int32), tf.TensorSpec([3], tf.bool))

WRAPPINGS = {"plain": (lambda x: x, lambda x: x), "dict": (lambda x: {"a": [x, x]}, lambda x: x["a"][1])}


def lookup(kind, unwrapped):
    """Return a step that looks ids up in one of two tables, by their type, and its loss."""
    _, cls, ids_of = KINDS[kind]
    table, other = variable(np.ones([4], np.float32), "table"), variable(np.ones([4], np.float32), "other")

    def loss(batch):
        given = unwrapped(batch)
        known = isinstance(given, cls)
        return tf.reduce_sum(tf.gather(table if known else other, ids_of(given) if known else tf.zeros([1], tf.int32)))

    def step(batch):
        with TAPE() as tape:
            value = loss(batch)
        return tape.gradient(value, [table, other])

    return step, loss, [table, other]


@pytest.mark.parametrize("traced", (False, True), ids=["fresh", "traced before"])
@pytest.mark.parametrize("form", ("value", "spec"))
@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_argument_stays_what_it_is(kind, wrapping, form, traced):
    wrapped, unwrapped = WRAPPINGS[wrapping]
    value = KINDS[kind][0](tf.constant([0, 1, 2]))
    step, loss, variables = lookup(kind, unwrapped)
    function, stepped = tf.function(loss), tf.function(step)
    real = [each is not None for each in tf.function(step)(wrapped(value))]
    assert real == [True, False]
    if traced:
        function(wrapped(value)), stepped(wrapped(value))
    given = wrapped(value if form == "value" else SPECS[kind]())
    for each in (function, loss):
        audit = graphcut.audit(each, given, variables=variables)
        assert [row.verdict is not Verdict.NONE for row in audit] == real
        assert graphcut.trace(each, given).number_of_nodes() > 3
    for each in (stepped, step):
        (audit,) = graphcut.audit_step(each, given)
        assert [row.verdict is not Verdict.NONE for row in audit] == real
        assert audit.recorded == tuple(real) and not audit.disagreements


def test_an_argument_by_name_stays_what_it_is():
    step, _, _ = lookup("ragged", lambda x: x)
    (audit,) = graphcut.audit_step(step, batch=KINDS["ragged"][0](tf.constant([0, 1, 2])))
    assert words(audit) == ["flows", "none"] and audit.variables[1].unused


def test_a_ragged_value_of_numpy_is_no_dense_array():
    value = tf.compat.v1.ragged.constant_value([[1.0, 2.0], [3.0]])
    seen = []
    graphcut.trace(lambda x, y: seen.append(type(x)) or y, value, tf.TensorSpec([3]))
    assert seen == [type(value)]


def ragged(values):
    """A ragged tensor of three numbers."""
    return tf.RaggedTensor.from_row_lengths(values, ROWS)


def sparse(values):
    """A sparse tensor of three numbers."""
    return tf.SparseTensor(PLACES, values, [2, 2])


def slices(values):
    """Slices of three numbers."""
    return tf.IndexedSlices(values, tf.constant([0, 1, 2]))


@watching
@pytest.mark.parametrize(
    "made, values_of", [(ragged, lambda r: r.flat_values), (sparse, lambda s: s.values), (slices, lambda s: s.values)]
)
def test_a_composite_tensor_is_watched_with_all_it_is_made_of(made, values_of):
    v = variable(2.0, "v")

    def step(x):
        whole = made(x)
        with TAPE() as tape:
            tape.watch({"batch": [whole]})
            loss = tf.reduce_sum(values_of(whole) * v)
        return [tape.gradient(loss, [values_of(whole), v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "flows"]


def test_a_watched_type_of_the_user_s_own():
    if "extension type" not in KINDS:
        pytest.skip("this TensorFlow has no ExtensionType")

    def step(x):
        masked = Masked(x, [True, False, True])
        with TAPE() as tape:
            tape.watch(masked)
            loss = tf.reduce_sum(masked.ids * 2.0)
        return [tape.gradient(loss, [masked.ids])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows"]


@gradients
def test_a_ragged_target():
    w, v = variable([1.0, 2.0, 3.0], "w"), variable(2.0, "v")

    def step(x):
        with TAPE() as tape:
            whole = ragged(x * w + tf.stop_gradient(v))
        return [tape.gradient(whole, [w, v])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "none: stop-gradient"]


@gradients
def test_a_ragged_target_with_gradients_handed_in():
    w, v = variable([1.0, 2.0, 3.0], "w"), variable([1.0, 2.0, 3.0], "v")

    def step(x):
        with TAPE() as tape:
            whole, plain = ragged(x * w), w * v
        zeros = ragged(tf.zeros([3]))
        return [tape.gradient([whole, plain], [w, v], output_gradients=[zeros, x])]

    (audit,) = audited(step, [3])
    assert words(audit) == ["flows", "flows"]


@gradients
def test_a_ragged_source_answers_for_itself_and_for_its_values():
    v = variable(2.0, "v")
    made = []

    def step(x):
        whole = ragged(x * 2.0)
        made.append(whole)
        with TAPE() as tape:
            tape.watch(whole)
            loss = tf.reduce_sum(tf.reduce_sum(whole, 1) * v)
        return tape.gradient(loss, [whole, v])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert words(audit) == ["flows", "flows"] and audit.recorded == (True, True) and not audit.disagreements
    assert audit[made[-1]] is audit[made[-1].flat_values] is audit.variables[0]


@gradients
def test_a_source_of_several_components_has_a_row_for_each():
    v = variable(2.0, "v")

    def step(x):
        whole = Pair(x, x * 2.0)
        with TAPE() as tape:
            tape.watch(whole)
            loss = tf.reduce_sum(whole.one * v)
        return tape.gradient(loss, [whole, v])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert words(audit) == ["flows", "none", "flows"] and audit.recorded == (True, False, True)
    assert not audit.disagreements


@pytest.mark.skipif(not hasattr(tf.linalg.LinearOperator, "__composite_gradient__"), reason="from TensorFlow 2.14 on")
def test_a_linear_operator_as_target_and_source():
    w, v = variable([1.0, 2.0, 3.0], "w"), variable(2.0, "v")

    def step(x):
        with TAPE(persistent=True) as tape:
            operator = tf.linalg.LinearOperatorDiag(w * x)
            loss = tf.reduce_sum(operator.matvec(x))
        return tape.gradient(loss, [operator, w]), tape.gradient(operator, [w, v])

    first, second = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert words(first) == ["flows", "flows"] and words(second) == ["flows", "none"]
    assert not first.disagreements + second.disagreements


@gradients
def test_tf_gradients_of_ragged_tensors():
    w, v = variable([1.0, 2.0, 3.0], "w"), variable(2.0, "v")

    def step(x):
        whole = ragged(x * w)
        return tf.gradients(whole * v, [whole, w, v])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert words(audit) == ["flows"] * 3 and not audit.disagreements


def in_a_graph(made):
    """A graph of one variable, a composite tensor of it, and a loss that reads its values."""
    with tf.Graph().as_default() as graph:
        w = tf.compat.v1.get_variable("w", initializer=tf.constant([1.0, 2.0, 3.0]), use_resource=True)
        whole = made(w * 2.0)
        values = whole.flat_values if made is ragged else whole.values
        return graph, w, whole, tf.reduce_sum(tf.exp(values))


@pytest.mark.parametrize("made", (ragged, sparse, slices))
def test_an_audit_takes_composite_tensors(made):
    graph, w, whole, loss = in_a_graph(made)
    assert words(graphcut.audit(graph, loss=whole)) == ["flows"]
    audit = graphcut.audit(graph, loss=loss, variables=[whole, w])
    assert words(audit) == ["flows", "flows"] and audit[whole] is audit.variables[0]
    assert words(graphcut.audit(graph, loss=loss, stop_gradients=whole)) == ["none: stop-argument"]
    assert graphcut.audit(graph, loss=loss).what_if(stop=whole)[w].verdict is Verdict.NONE
    assert audit.reaches(w, through=whole) and not audit.reaches(w, avoiding=whole)


def outputs(x):
    """A dense output between composite ones."""
    return {"a": ragged(x * 2.0), "b": tf.cast(x, tf.int32), "c": sparse(x * 3.0)}


@pytest.mark.parametrize("key, op", [("a", "Mul"), ("b", "Cast"), ("c", "Mul")])
def test_a_composite_output_is_one_output(key, op):
    dag = graphcut.trace(outputs, tf.TensorSpec([3]))
    name = dag.graph["outputs"][key].partition(":")[0]
    read = [dag.nodes[each]["type"] for each in dag.predecessors(name) if dag.edges[each, name]["tensors"]]
    assert dag.nodes[name]["type"] == "Identity" and read == [op]


if GRADIENTS:
    from tensorflow.python.framework.composite_tensor_gradient import CompositeTensorGradient

    class Both(CompositeTensorGradient):
        """Two components, as TensorFlow's documentation has it."""

        def get_gradient_components(self, value):
            return value.one, value.other

        def replace_gradient_components(self, value, component_grads):
            return None if any(each is None for each in component_grads) else Pair(*component_grads)

    class Pair(tf.experimental.ExtensionType):
        """Two tensors."""

        one: tf.Tensor
        other: tf.Tensor
        __composite_gradient__ = Both()
