"""Suggestions work: the graph is rebuilt with them, and TensorFlow takes its gradients."""

from __future__ import annotations

import importlib.util
import random
import sys

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from fixtures.scenarios.making import dense, given, weights
from graphcut import GraphcutError, Verdict
from tests.against_tensorflow.live.questions.question_graphs import rounded_choice
from tests.patching import applied

v1 = tf.compat.v1
ENDS = pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8")
GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)


class Network:
    """A graph built by ``build(mark, open)``: ``mark(name, tensor)`` names a tensor and stops those in ``stops``; a barrier
    is built as ``open(name, barrier, instead)``."""

    def __init__(self, build, stops=(), opened=()):
        self.stops, self.opened = stops, opened
        with tf.Graph().as_default() as self.graph:
            self.loss = build(self.mark, self.barrier)
            self.variables = {each.op.name: each for each in v1.global_variables()}
        self.audit = graphcut.audit(self.graph, loss=self.loss)

    def mark(self, name, tensor):
        named = tf.identity(tensor, name=name)
        return tf.stop_gradient(named) if named.name in self.stops else named

    def barrier(self, name, barrier, instead):
        return instead() if name in self.opened else barrier(name)

    def gradients(self):
        """For each variable ``None`` or the values of its gradient; without Grappler, which changes the last digits."""
        config = v1.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with self.graph.as_default(), v1.Session(config=config) as session:
            found = {name: v1.gradients(self.loss, [each])[0] for name, each in self.variables.items()}
            session.run(v1.global_variables_initializer())
            feeds = {op.outputs[0]: np.full(op.outputs[0].shape.as_list(), 0.7) for op in self.graph.get_operations()
                     if op.type == "Placeholder"}  # fmt: skip
            dense = {name: tf.convert_to_tensor(each) for name, each in found.items() if each is not None}
            return {**dict.fromkeys(found), **session.run(dense, feeds)}


def random_network(seed):
    """Layers of sums and products over five variables, some of them behind a stop or a rounding."""

    def build(mark, barrier):
        draw = random.Random(seed)
        known = [mark("r%d" % index, weights("v%d" % index, 3)) for index in range(5)]
        for index in range(10):
            a, b = draw.choice(known[-6:]), draw.choice(known)
            kind, name = draw.choice(["mul", "add", "tanh", "stop", "round"]), "b%d" % index
            made = {
                "mul": lambda a=a, b=b: a * b,
                "add": lambda a=a, b=b: a + b,
                "tanh": lambda a=a: tf.tanh(a),
                "stop": lambda a=a, name=name: barrier(name, lambda name: tf.stop_gradient(a, name), lambda: a + 0.0),
                "round": lambda a=a, name=name: barrier(name, lambda name: tf.round(3.0 * a, name), lambda: 3.0 * a),
            }[kind]()
            known.append(mark("t%d" % index, made))
        return mark("loss", mark("sum", tf.reduce_sum(mark("mul", known[-1] * known[-2]) + known[-3])))

    return build


def assert_it_works(build, block, keep=None):
    """Apply the suggested stops and check them: ``block`` gets nothing, ``keep`` the same as before."""
    before = Network(build)
    found = [each for each in before.audit.suggest_stops(block=block, keep=keep) if each.alternative == 0]
    after = Network(build, stops=[each.tensor for each in found])
    assert len(after.audit.stops) == len(before.audit.stops) + len(found)
    old, new = before.gradients(), after.gradients()
    for name in keep or [each for each in old if each not in block]:
        assert (old[name] is None) is (new[name] is None), name
        assert old[name] is None or np.array_equal(old[name], new[name]), name
    assert all(new[name] is None or not new[name].any() for name in block)
    return found


@pytest.mark.parametrize("seed", range(10))
def test_stops_that_are_written_block_and_keep(seed):
    draw, names = random.Random(seed), ["v%d" % index for index in range(5)]
    block = draw.sample(names, draw.randint(1, 3))
    keep = [name for name in names if name not in block][: draw.randint(1, 4)]
    try:
        assert_it_works(random_network(seed), block, keep)
    except GraphcutError as error:
        assert "also serves a variable to keep" in str(error)


def actor_critic(mark, barrier):
    actor, critic, states = weights("actor", 4, 3), weights("critic", 4, 1), given("states", 6, 4)
    advantage = mark("advantage", given("returns", 6, 1) - mark("value", tf.matmul(states, critic)))
    return -tf.reduce_mean(tf.nn.log_softmax(tf.matmul(states, actor))[:, :1] * advantage)


def q_learning(mark, barrier):
    online, target, states = weights("online", 4, 3), weights("target", 4, 3), given("states", 6, 4)
    best = mark("best", given("rewards", 6) + 0.9 * tf.reduce_max(mark("next", tf.matmul(given("then", 6, 4), target)), 1))
    return tf.reduce_mean(tf.square(tf.matmul(states, online)[:, 0] - best))


def two_heads(mark, barrier):
    encoder, head, projection = weights("encoder", 4, 5), weights("head", 5, 3), weights("projection", 5, 2)
    features = mark("features", dense(given("x", 6, 4), encoder, "hidden"))
    supervised = tf.reduce_mean(tf.matmul(mark("for_head", features), head))
    return supervised + tf.reduce_mean(tf.matmul(mark("for_projection", features), projection))


def branch(mark, barrier):
    w, u = weights("w", 3), weights("u", 3)
    hidden = mark("hidden", tf.tanh(w))
    return tf.reduce_sum(tf.cond(given("flag", dtype=tf.bool), lambda: hidden * u, lambda: hidden + u))


def loop(mark, barrier):
    w, u = weights("w", 3), weights("u", 3)
    step = mark("step", tf.tanh(w))
    _, last = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * u + step), [tf.constant(0), tf.ones([3])])
    return tf.reduce_sum(last)


@pytest.mark.parametrize(
    "build, block, tensors",
    [
        (actor_critic, "critic", {"advantage:0"}),
        (q_learning, "target", {"best:0"}),
        (two_heads, "encoder", {"features:0"}),
        (loop, "w", {"step:0"}),
        (branch, "w", {"hidden:0"}),
    ],
)
def test_the_place_that_a_person_would_stop_is_found(build, block, tensors):
    assert {each.tensor for each in assert_it_works(build, [block])} == tensors


def test_what_a_kept_variable_passes_cannot_be_blocked():
    with pytest.raises(GraphcutError, match="leave 'best:0' out of the optimizer's list"):
        Network(q_learning).audit.suggest_stops(block="best:0", keep="target")


def test_what_is_blocked_cannot_be_kept():
    with pytest.raises(GraphcutError, match="cannot be both blocked and kept"):
        Network(q_learning).audit.suggest_stops(block="*", keep="online")


def test_a_name_that_is_not_there_has_near_names():
    with pytest.raises(GraphcutError, match="did you mean"):
        Network(q_learning).audit.suggest_stops(block="targett")


@pytest.mark.parametrize("seed", range(10))
def test_barriers_that_are_taken_out_let_the_gradient_through(seed):
    before = Network(random_network(seed))
    for name in (each.name for each in before.audit if each.verdict not in GETS):
        found = before.audit.suggest_unblock(name)
        if before.audit[name].unused:
            assert not found and "is unused" in str(found)
            continue
        found = [each for each in found if each.alternative == 0]
        after = Network(random_network(seed), opened=[each.op for each in found])
        gradient = after.gradients()[name]
        assert gradient is not None and gradient.any()
        assert not any(
            Network(random_network(seed), opened=[each.op for each in found if each is not left]).audit[name].verdict in GETS
            for left in found
        )


def test_what_gets_its_gradient_needs_nothing():
    assert Network(q_learning).audit.suggest_unblock("online") == ()


def test_a_choice_that_becomes_a_number_is_one_barrier():
    with tf.Graph().as_default() as graph:
        audit = graphcut.audit(graph, loss=rounded_choice())
    assert [each.op for each in audit.suggest_unblock("logits")] == ["choice"]


SOURCE = """
import tensorflow as tf


def features(x, encoder):
    return tf.tanh(tf.matmul(x, encoder))


def loss(x, encoder, head):
    hidden = features(x, encoder)
    scores = tf.matmul(hidden, head)
    return tf.reduce_sum(scores * hidden[:, :1])


def cut(x, encoder, head):
    hidden = tf.tanh(tf.stop_gradient(tf.matmul(x, encoder)))
    return tf.reduce_sum(tf.matmul(hidden, head))
"""


def written(path, name, text=SOURCE):
    """The audit and the gradients of one function of a source as it stands in a file."""
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tf.Graph().as_default() as graph:
        encoder, head = weights("encoder", 4, 3), weights("head", 3, 1)
        made = getattr(module, name)(given("x", 2, 4), encoder, head)
        return graphcut.audit(graph, loss=made), dict(zip(["encoder", "head"], v1.gradients(made, [encoder, head])))


@ENDS
def test_the_edit_that_stops_can_be_applied_as_it_stands(tmp_path):
    audit, gradients = written(tmp_path / "before.py", "loss")
    assert None not in gradients.values()
    (found,) = audit.suggest_stops(block="encoder")
    assert found.code == "return tf.stop_gradient(tf.tanh(tf.matmul(x, encoder)))" and not found.confirmed
    _, after = written(tmp_path / "after.py", "loss", applied(SOURCE, found.diff))
    assert after["encoder"] is None and after["head"] is not None


@ENDS
def test_the_edit_that_takes_a_stop_out_can_be_applied_as_it_stands(tmp_path):
    audit, gradients = written(tmp_path / "stopped.py", "cut")
    assert gradients["encoder"] is None
    (found,) = audit.suggest_unblock("encoder")
    assert found.code == "hidden = tf.tanh(tf.matmul(x, encoder))"
    _, after = written(tmp_path / "open.py", "cut", applied(SOURCE, found.diff))
    assert after["encoder"] is not None


INDICES = {
    "top_k": (lambda x: tf.cast(tf.nn.top_k(x, 2)[1], tf.float32), "TopKV2", "softmax"),
    "shifted": (lambda x: tf.cast(tf.nn.top_k(x, 2)[1] + 1, tf.float32), "TopKV2", "softmax"),
    "pooled": (lambda x: tf.cast(tf.nn.max_pool_with_argmax(x[None, None, :, None], [1] * 4, [1] * 4, "SAME")[1], tf.float32),
               "MaxPoolWithArgmax", "softmax"),
    "in_top_k": (lambda x: tf.cast(v1.math.in_top_k(x[None], [0], 1), tf.float32), "InTopKV2", "cross-entropy"),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_explanation_and_suggestion_agree_where_an_op_makes_integers_of_floats(name):
    index, maker, advice = INDICES[name]
    with tf.Graph().as_default() as graph:
        w = weights("w", 3)
        loss = tf.reduce_sum(index(w * given("x", 3)))
    audit = graphcut.audit(graph, loss=loss)
    (suggestion,) = audit.suggest_unblock("w")
    assert all(maker in told and advice in told for told in (audit.explain("w"), str(suggestion)))


def test_an_unused_variable_is_answered_in_words():
    used, unused = tf.Variable(1.0, name="used"), tf.Variable(1.0, name="unused")

    def step(x):
        with tf.GradientTape() as tape:
            loss = used * x
        return tape.gradient(loss, [used, unused])

    if not tf.executing_eagerly():
        pytest.skip("a tape of TensorFlow 1 does not watch these variables")
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([]))
    found = audit.suggest_unblock(unused)
    assert not found and str(found).startswith("unused is unused: nothing leads")
    assert "What to do: let the loss read something that is computed from it." in str(found)
