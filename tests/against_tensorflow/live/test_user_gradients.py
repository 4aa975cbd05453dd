"""Users' gradient functions: each is asked about its own op, and its answers are not cached."""

from __future__ import annotations

import functools
import itertools
import random
import types

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from graphcut.backend.gradient_oracle import ask
from tests.against_tensorflow.live.building import ones

LIVE = (Verdict.FLOWS, Verdict.CONDITIONAL)
_NAMES = itertools.count()


def registered(function):
    """The name under which a gradient function is registered, another at each call."""
    name = "GraphcutUserGradient%d" % next(_NAMES)
    tf.RegisterGradient(name)(function)
    return name


def built(body, size=3):
    """A graph, its loss, and the variable that ``body`` makes the loss of."""
    with tf.Graph().as_default() as graph:
        w = ones("w", size)
        return graph, tf.reduce_sum(tf.identity(body(w), name="loss")), w


def truth(body, size=3):
    """What ``tf.gradients`` answers: ``none``, ``zero``, ``live`` or the error that it raises."""
    graph, loss, w = built(body, size)
    with graph.as_default(), tf.compat.v1.Session() as session:
        try:
            (gradient,) = tf.gradients(loss, [w])
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises
            return type(error).__name__
        if gradient is None:
            return "none"
        session.run(tf.compat.v1.global_variables_initializer())
        return "live" if np.any(session.run(tf.convert_to_tensor(gradient))) else "zero"


def verdict(body, size=3):
    graph, loss, w = built(body, size)
    return graphcut.audit(graph, loss=loss)[w].verdict


def check(body, size=3):
    """The verdict is TensorFlow's answer; a zero that cannot be proven may flow."""
    real, found = truth(body, size), verdict(body, size)
    if real in ("none", "zero", "live"):
        allowed = {"none": (Verdict.NONE,), "zero": (Verdict.ZERO, *LIVE), "live": LIVE}[real]
        assert found in allowed, (real, found)
    else:
        assert found is Verdict.RAISES, (real, found)
    return found


def times(grad):
    """A custom gradient that answers what ``grad`` makes of what arrives."""

    @tf.custom_gradient
    def inner(x):
        return tf.identity(x), grad

    return inner


def override(name, op_type="Identity"):
    """The identity with a gradient that was registered under a name."""

    def body(w):
        with tf.compat.v1.get_default_graph().gradient_override_map({op_type: name}):
            return getattr(tf, op_type.lower())(w * 1.0)

    return body


class Layer:
    def __init__(self, rate):
        self.rate = rate

    def grad(self, dy):
        return dy * self.rate if self.rate else None


def _closure(value):
    return lambda dy: dy * value


def _nested(value):
    def middle():
        return lambda dy: dy * value

    return middle()


def _keyword(value):
    return lambda dy, *, scale=value: dy * scale


def _default(value):
    return lambda dy, scale=value: dy * scale


def _bound(value):
    return Layer(value).grad


def _in_object(value):
    layer = Layer(value)
    return lambda dy: dy * layer.rate


def _in_list(value):
    held = [[value]]
    return lambda dy: dy * held[0][0]


WAYS = [_closure, _nested, _keyword, _default, _bound, _in_object, _in_list]
VALUES = {
    "python": lambda value: value,
    "numpy": lambda value: np.float32(value),
    "array": lambda value: np.full(3, value, np.float32),
    "view": lambda value: np.full(3000, value, np.float32)[:3],
}


@pytest.mark.parametrize("order", [(0.0, 1.0), (1.0, 0.0)], ids=["zero first", "one first"])
@pytest.mark.parametrize("kind", sorted(VALUES))
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_a_gradient_refers_to_tells_it_from_others(way, kind, order):
    if way is _bound and kind == "array":
        pytest.skip("an array has no truth")
    for value in order:
        check(times(way(VALUES[kind](value))))


@pytest.mark.skipif(not tf.executing_eagerly(), reason="eager tensors")
@pytest.mark.parametrize("shape", [(), (3,), (3000,)])
@pytest.mark.parametrize("order", [(0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("way", [_closure, _nested, _keyword, _default, _in_object, _in_list])
def test_eager_tensors_of_other_values_are_others(way, order, shape):
    w = ones("w", *shape)

    def audited(value):
        body = times(way(tf.fill(shape, value)))
        function = tf.function(lambda: tf.reduce_sum(body(w * 1.0)), autograph=False)
        with tf.GradientTape() as tape:
            loss = function()
        assert bool(np.any(tape.gradient(loss, w))) == bool(value)
        return graphcut.audit(function)[w].verdict

    verdicts = {value: audited(value) for value in order}
    assert verdicts[1.0] in LIVE and (verdicts[0.0] is Verdict.ZERO or shape == (3000,))


@pytest.mark.parametrize("order", [(0.0, 1.0), (1.0, 0.0)])
def test_a_partial_is_known_by_its_arguments(order):
    def scaled(scale, dy):
        return dy * scale if scale else None

    for value in order:
        check(times(functools.partial(scaled, value)))


RATE = 1.0


def test_a_global_that_changes(monkeypatch):
    body = times(lambda dy: dy * RATE if RATE else None)
    assert check(body) is Verdict.FLOWS
    monkeypatch.setitem(globals(), "RATE", 0.0)
    assert check(body) is Verdict.NONE


def test_an_attribute_that_changes():
    layer = Layer(1.0)
    body = times(layer.grad)
    assert check(body) is Verdict.FLOWS
    layer.rate = 0.0
    assert check(body) is Verdict.NONE


def test_an_array_that_is_edited_in_place():
    mask = np.zeros(3, np.float32)
    body = times(lambda dy: dy * mask if mask.any() else None)
    assert check(body) is Verdict.NONE
    mask[1] = 1
    assert check(body) is Verdict.FLOWS


def test_closed_over_tensors_of_other_shapes_are_others():
    def body(w):
        y = tf.reshape(w, [-1])
        return times(lambda dy: dy if y.shape.as_list() == [3] else None)(y)

    assert [check(body, size) for size in (3, 4, 3)] == [Verdict.FLOWS, Verdict.NONE, Verdict.FLOWS]


def test_closed_over_variables_that_are_trained_or_not():
    def body(trainable):
        def inner(w):
            other = types.SimpleNamespace(trainable=trainable)
            return times(lambda dy: dy if other.trainable else None)(w * 1.0)

        return inner

    assert [check(body(each)) for each in (True, False, True)] == [Verdict.FLOWS, Verdict.NONE, Verdict.FLOWS]


def test_two_ops_of_one_graph_are_asked_one_by_one():
    name = registered(lambda op, dy: dy if "keep" in op.name else None)
    with tf.Graph().as_default() as graph:
        w, u = ones("w", 3), ones("u", 3)
        with graph.gradient_override_map({"Identity": name}):
            loss = tf.reduce_sum(tf.identity(w * 1.0, name="keep") + tf.identity(u * 1.0, name="drop"))
    audit = graphcut.audit(graph, loss=loss)
    assert [audit[each].verdict for each in (w, u)] == [Verdict.FLOWS, Verdict.NONE]


def _consumed(op, dy):
    return dy if len(op.inputs[0].consumers()) > 1 else None


def _collected(op, dy):
    return dy if tf.compat.v1.get_collection("graphcut_marks") else None


LOOKS = {
    "shape": lambda op, dy: dy if op.inputs[0].shape.as_list() == [3] else None,
    "rank": lambda op, dy: dy * (1.0 if op.inputs[0].shape.ndims == 1 else 0.0),
    "shape of what arrives": lambda op, dy: dy if dy.shape.as_list() == [3] else None,
    "name": lambda op, dy: dy if op.name.startswith("Identity") else None,
    "input's name": lambda op, dy: dy if "mul" in op.inputs[0].op.name.lower() else None,
    "input's type": lambda op, dy: dy if op.inputs[0].op.type == "Mul" else None,
    "device": lambda op, dy: dy if op.device else None,
    "no device": lambda op, dy: None if op.device else dy,
    "attribute": lambda op, dy: dy if op.get_attr("T") == tf.float32 else None,
    "consumers": _consumed,
    "collection": _collected,
    "constant": lambda op, dy: dy if tf.get_static_value(op.inputs[0].op.inputs[1]) == 1.0 else None,
}


@pytest.mark.parametrize("look", sorted(LOOKS))
@pytest.mark.parametrize("surrounded", [False, True])
def test_a_gradient_that_looks_around(look, surrounded):
    body = override(registered(LOOKS[look]))

    def inner(w):
        if not surrounded:
            return body(w)
        tf.compat.v1.add_to_collection("graphcut_marks", w)
        with tf.device("/cpu:0"):
            return body(w)

    check(inner)


def test_a_gradient_that_looks_at_the_graph_is_an_assumption():
    name = registered(lambda op, dy: dy if dy.graph is op.inputs[0].graph else None)
    graph, loss, w = built(override(name))
    audit = graphcut.audit(graph, loss=loss)
    assert audit[w].verdict is Verdict.FLOWS and len(audit.assumptions) == 1
    assert "looks at the graph" in audit.assumptions[0].reason


def test_a_failure_of_the_scratch_graph_is_an_assumption():
    @tf.custom_gradient
    def constant(x):
        return tf.constant(2.0), lambda dy: dy

    def grad(dy):
        assert dy.graph is tf.compat.v1.get_default_graph()
        return dy * constant(dy)

    def body(w):
        y = w * 1.0

        def inner(dy):
            assert dy.graph is y.graph
            return dy

        return times(inner)(y)

    assert check(times(grad)) is Verdict.FLOWS
    assert check(body) is Verdict.FLOWS


def _refusing(dy):
    raise NotImplementedError("no gradient of mine")


def test_a_gradient_that_refuses_raises():
    assert check(times(_refusing)) is Verdict.RAISES


@pytest.mark.parametrize("keep", [True, False])
def test_a_user_in_a_module_named_like_tensorflow(keep):
    module = types.ModuleType("tensorflow_myproject")
    exec("def make(keep):\n    return lambda op, dy: dy if keep else None\n", vars(module))
    made = module.make(keep)
    made.__module__ = "tensorflow_myproject"
    graph, loss, w = built(override(registered(made)))
    (row,) = graphcut.audit(graph, loss=loss)
    assert row.verdict is (Verdict.FLOWS if keep else Verdict.NONE)
    assert keep or row.cut[0].kind is graphcut.BarrierKind.CUSTOM_GRADIENT


@pytest.mark.parametrize("place", [0, 1, 40, 79])
def test_a_wide_op_whose_gradient_goes_by_position(place):
    name = registered(lambda op, dy: [dy if index == place else None for index in range(len(op.inputs))])
    with tf.Graph().as_default() as graph:
        each = [ones("w%d" % index, 3) for index in range(80)]
        with graph.gradient_override_map({"AddN": name}):
            loss = tf.reduce_sum(tf.add_n([w * 1.0 for w in each]))
    verdicts = [row.verdict for row in graphcut.audit(graph, loss=loss)]
    assert verdicts == [Verdict.FLOWS if index == place else Verdict.NONE for index in range(80)]


SLICES = {
    "times": lambda dy: dy * 2.0,
    "by type": lambda dy: dy if isinstance(dy, tf.Tensor) else None,
    "multiply": lambda dy: tf.multiply(dy, 2.0),
    "as it is": lambda dy: dy,
    "values": lambda dy: tf.IndexedSlices(dy.values * 2.0, dy.indices, dy.dense_shape),
}


@pytest.mark.parametrize("way", sorted(SLICES))
@pytest.mark.parametrize("custom", [True, False])
def test_a_gradient_that_is_handed_indexed_slices(way, custom):
    function = SLICES[way]

    def body(w):
        inner = times(function) if custom else override(registered(lambda op, dy: function(dy)))
        return tf.gather(inner(w), [0, 1])

    check(body)


@pytest.mark.parametrize("way", sorted(SLICES))
def test_indexed_slices_and_a_dense_gradient_are_dense(way):
    def body(w):
        y = times(SLICES[way])(w * 1.0)
        return tf.gather(y, [0, 1]) + tf.reduce_sum(y)

    graph, loss, w = built(body)
    if truth(body) in ("none", "live"):
        check(body)
    else:
        assert graphcut.audit(graph, loss=loss)[w].verdict in (Verdict.RAISES, Verdict.FLOWS)


def test_slices_through_two_gradients_of_the_user():
    first, second = times(lambda dy: dy), times(lambda dy: dy if isinstance(dy, tf.Tensor) else None)
    check(lambda w: tf.gather(first(second(w)), [0]))


CACHE = {}


@functools.lru_cache(maxsize=None)
def _cached(scale):
    return tf.constant(scale) * 1.0


def two():
    return tf.constant(2.0) * 1.0


def _in_dict():
    held = {}
    return lambda dy: dy * (held.get("scale") if "scale" in held else held.setdefault("scale", two()))


def _in_a_list():
    box = []
    return lambda dy: dy * (box or box.append(two()) or box)[0]


def _in_attribute():
    layer = Layer(None)

    def grad(dy):
        if layer.rate is None:
            layer.rate = two()
        return dy * layer.rate

    return grad


def _in_cell():
    last = None

    def grad(dy):
        nonlocal last
        last = two() if last is None else last
        return dy * last

    return grad


def _in_global():
    return lambda dy: dy * (CACHE["scale"] if "scale" in CACHE else CACHE.setdefault("scale", two()))


def _in_own_attribute():
    def grad(dy):
        if not hasattr(grad, "scale"):
            grad.scale = two()  # type: ignore[attr-defined]
        return dy * grad.scale  # type: ignore[attr-defined]

    return grad


def _in_lru_cache():
    return lambda dy: dy * _cached(2.0)


def _in_class():
    def grad(dy):
        if not hasattr(Layer, "shared"):
            Layer.shared = two()  # type: ignore[attr-defined]
        return dy * Layer.shared  # type: ignore[attr-defined]

    return grad


MEMOIZERS = [_in_dict, _in_a_list, _in_attribute, _in_cell, _in_global, _in_own_attribute, _in_lru_cache, _in_class]


@pytest.fixture
def forgotten():
    yield
    CACHE.clear()
    _cached.cache_clear()
    if hasattr(Layer, "shared"):
        del Layer.shared


@pytest.mark.parametrize("memoizer", MEMOIZERS, ids=lambda each: each.__name__)
def test_a_gradient_that_remembers_tensors_still_works(memoizer, forgotten):
    graph, loss, w = built(times(memoizer()))
    assert graphcut.audit(graph, loss=loss)[w].verdict is Verdict.FLOWS
    with graph.as_default(), tf.compat.v1.Session() as session:
        (gradient,) = tf.gradients(loss, [w])
        session.run(tf.compat.v1.global_variables_initializer())
        assert session.run(gradient).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.skipif(not tf.executing_eagerly(), reason="the step executes eagerly")
@pytest.mark.parametrize("memoizer", MEMOIZERS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
def test_a_step_whose_gradient_remembers_tensors_still_works(memoizer, traced, forgotten):
    w, calls = tf.Variable(1.0), []
    through = times(memoizer())

    def step():
        calls.append(1)
        with tf.GradientTape() as tape:
            loss = through(w * 1.0)
        return tape.gradient(loss, w)

    step = tf.function(step) if traced else step
    assert graphcut.audit_step(step)[0][w].verdict is Verdict.FLOWS
    assert calls  # what code counts stays
    assert float(step()) == 2.0


def test_a_gradient_that_counts_its_calls_answers_as_at_its_first():
    calls = []

    def grad(dy):
        calls.append(1)
        return dy if len(calls) == 1 else None

    graph, loss, w = built(times(grad))
    assert [graphcut.audit(graph, loss=loss)[w].verdict for _ in range(2)] == [Verdict.FLOWS] * 2
    assert calls == []


def test_random_numbers_are_those_that_would_have_come():
    def grad(dy):
        return dy * (1.0 + random.random() + np.random.rand())

    graph, loss, w = built(times(grad))
    random.seed(7), np.random.seed(7)
    graphcut.audit(graph, loss=loss)
    found = random.random(), np.random.rand()
    random.seed(7), np.random.seed(7)
    assert found == (random.random(), np.random.rand())


def test_the_graph_of_the_user_is_not_changed():
    name = registered(lambda op, dy: dy * tf.reduce_sum(op.inputs[0]) * tf.constant(2.0))
    graph, loss, w = built(override(name))
    before, count = graph.as_graph_def(), graph.version
    assert graphcut.audit(graph, loss=loss)[w].verdict is Verdict.FLOWS
    assert graph.as_graph_def() == before and graph.version == count


def test_nothing_of_the_user_is_remembered():
    before = len(ask._ANSWERS)
    for scale in (1.0, 2.0):
        body = times(lambda dy, scale=scale: dy * scale)
        verdict(body)
    verdict(lambda w: w)
    once = len(ask._ANSWERS)
    verdict(times(lambda dy: dy * 3.0))
    assert len(ask._ANSWERS) == once >= before


def test_all_that_tensorflow_registers_is_its_own():
    from graphcut.backend.live.function_identity import identity
    from graphcut.backend.live.gradient_registry import REGISTRY

    known = {name: entry["type"] for name, entry in REGISTRY._registry.items()}
    known = {name: each for name, each in known.items() if each is not None and "-" not in name}
    own = {name: each for name, each in known.items() if not ask.is_custom(each, name)}
    assert len(own) > 200 and [name for name, each in own.items() if identity(each) is None] == []
