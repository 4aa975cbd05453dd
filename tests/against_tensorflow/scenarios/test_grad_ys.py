"""Initial gradients: ``grad_ys=``, compared with ``tf.gradients``."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from graphcut.errors import GraphcutError
from graphcut.render.text import advice

v1 = tf.compat.v1


@pytest.fixture(scope="module")
def graph():
    with tf.Graph().as_default() as made:
        w, u = (v1.placeholder(tf.float32, [3], name) for name in "wu")
        tf.reduce_sum(w * u, name="a")
        tf.reduce_sum(u * u, name="b")
        tf.multiply(w, u, name="vector")
        tf.reduce_sum(tf.complex(w, u), name="wave")
        tf.as_string(w, name="text")
        tf.zeros([], name="zeros")
        v1.placeholder(tf.float32, [], "seed")
    return made


def asked(graph, loss, grad_ys, source=None):
    return graphcut.audit(graph if source is None else source, loss=loss, variables=["w:0", "u:0"], grad_ys=grad_ys)


def real(graph, loss, grad_ys):
    """What ``tf.gradients`` makes of the same, in the graph itself."""
    tensors = [graph.get_tensor_by_name(each + ":0") for each in ([loss] if isinstance(loss, str) else loss)]
    given = grad_ys if isinstance(grad_ys, (list, type(None))) else [grad_ys]
    starts = given and [graph.get_tensor_by_name(each) if isinstance(each, str) else each for each in given]
    with graph.as_default():
        return v1.gradients(tensors, [graph.get_tensor_by_name(each) for each in ("w:0", "u:0")], grad_ys=starts)


LIVE = [
    ("a", None),
    ("a", 0.5),
    ("a", "seed:0"),
    ("b", 2.0),
    ("vector", np.float32([1, 0, 0])),
    ("wave", 1j),
    (["a", "b"], [None, 0.0]),
]
ZEROS = [("a", 0.0), ("a", "zeros:0"), ("vector", np.zeros(3, np.float32)), ("wave", 0j), (["a", "b"], ["zeros:0", 0.0])]


@pytest.mark.parametrize("loss, grad_ys", LIVE)
def test_what_is_not_zero_gives_what_it_always_gives(graph, loss, grad_ys):
    found = asked(graph, loss, grad_ys)
    assert [each.verdict is not Verdict.NONE for each in found] == [each is not None for each in real(graph, loss, grad_ys)]
    assert Verdict.ZERO not in [each.verdict for each in found] and found.verify() == ()


@pytest.mark.parametrize("loss, grad_ys", ZEROS)
def test_what_starts_from_zeros_is_zero(graph, loss, grad_ys):
    found = asked(graph, loss, grad_ys)
    assert {each.verdict for each in found} == {Verdict.ZERO} and found.verify(numbers=True) == ()
    assert advice.FROM_ZEROS in found.explain("u:0")


@pytest.mark.parametrize("loss, grad_ys", LIVE + ZEROS)
def test_a_file_is_asked_the_same(graph, loss, grad_ys):
    live, file = asked(graph, loss, grad_ys), asked(graph, loss, grad_ys, graph.as_graph_def(add_shapes=True))
    assert [each.verdict for each in live] == [each.verdict for each in file] and file.verify() == ()


def test_a_loss_that_is_named_twice_may_start_from_two_things(graph):
    assert asked(graph, ["a", "a"], [0.0, 1.0])["w:0"].verdict is Verdict.FLOWS


def test_a_function_takes_an_eager_tensor():
    @tf.function
    def wave(x):
        return tf.complex(x, x)

    if not tf.executing_eagerly():
        pytest.skip("values are computed: needs eager execution")
    for start, verdict in (([1j, 0j], Verdict.FLOWS), ([0j, 0j], Verdict.ZERO)):
        found = graphcut.audit(wave, tf.TensorSpec([2]), variables="x", grad_ys=tf.constant(start, tf.complex64))
        assert found["x"].verdict is verdict and found.verify() == ()


@pytest.mark.parametrize(
    "loss, grad_ys, kind",
    [
        ("a", [1.0, 1.0], ValueError),
        ("a", [], ValueError),
        ("a", np.ones(3, np.float32), ValueError),
        ("vector", np.ones(2, np.float32), ValueError),
        ("a", True, TypeError),
        ("a", 1j, TypeError),
        ("a", np.float64(1.0), TypeError),
        ("wave", None, TypeError),
        ("wave", 1.0, TypeError),
        ("text", None, TypeError),
        ("text", 1.0, TypeError),
    ],
)
def test_what_tensorflow_refuses_is_refused_in_our_words(graph, loss, grad_ys, kind):
    with pytest.raises(kind):
        real(graph, loss, grad_ys)
    with pytest.raises(kind) as error:
        asked(graph, loss, grad_ys)
    assert isinstance(error.value, GraphcutError) and loss in str(error.value) or "grad_ys=" in str(error.value)


def test_a_name_that_is_not_there_has_a_near_one(graph):
    with pytest.raises(GraphcutError, match="seed"):
        asked(graph, "a", "sed:0")
