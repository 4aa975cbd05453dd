"""The idioms of stops, and graphs that only look like one."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from graphcut.analysis.idioms import Idiom, Idioms
from graphcut.render.picture.writers.dot import title

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="needs eager TensorFlow")

DATA = (tf.TensorSpec([4, 3]), tf.TensorSpec([4, 3]))
stop = tf.stop_gradient


@pytest.fixture(scope="module")
def nets():
    """Weights of one shape, and a head and a second layer."""
    made = {name: tf.Variable(tf.random.normal([3, 3]), name=name) for name in ("online", "target", "predictor", "second")}
    return {**made, "head": tf.Variable(tf.random.normal([3, 1]), name="head")}


def squared(a, b):
    return tf.reduce_mean(tf.square(a - b))


def quantize(z, codes):
    return tf.gather(codes, tf.argmin(tf.reduce_sum(tf.square(z[:, None] - codes[None]), -1), 1))


def inverted(z, codes, y):
    q = quantize(z, codes)
    return squared(q + stop(z - q), y)


def log_probability(x, y, weights):
    return tf.reduce_sum(y * tf.nn.log_softmax(x @ weights), 1)


def first(x):
    return tf.reduce_sum(x, 1)


IDIOMS = {
    Idiom.STRAIGHT_THROUGH: lambda n, x, y: (lambda h: tf.reduce_mean((h + stop(tf.round(h) - h)) @ n["head"]))(
        x @ n["online"]
    ),
    Idiom.INVERTED_STRAIGHT_THROUGH: lambda n, x, y: inverted(x @ n["online"], n["second"], y),
    Idiom.CODEBOOK: lambda n, x, y: (lambda z: squared(stop(z), quantize(z, n["second"])))(x @ n["online"]),
    Idiom.COMMITMENT: lambda n, x, y: (lambda z: squared(z, stop(quantize(z, n["second"]))))(x @ n["online"]),
    Idiom.TARGET_NETWORK: lambda n, x, y: squared(first(x @ n["online"]), stop(first(x) + 0.9 * first(y @ n["target"]))),
    Idiom.DETACHED_FAKES: lambda n, x, y: (
        tf.reduce_mean(tf.nn.softplus(stop(y @ n["online"]) @ n["head"])) + tf.reduce_mean(tf.nn.softplus(-(x @ n["head"])))
    ),
    Idiom.SCORE_FUNCTION: lambda n, x, y: (
        -tf.reduce_mean(stop(first(y) - first(x @ n["head"])) * log_probability(x, y, n["online"]))
    ),
    Idiom.SHARED_SCORE_FUNCTION: lambda n, x, y: (
        lambda advantage: tf.reduce_mean(advantage**2) - tf.reduce_mean(advantage * log_probability(x, y, n["online"]))
    )(stop(first(y) - first(x @ n["head"]))),
    Idiom.SIMSIAM: lambda n, x, y: squared(x @ n["online"] @ n["predictor"], stop(y @ n["online"])),
}

NONE = {
    "a product of two values": lambda n, x, y: tf.reduce_sum(n["online"] * n["online"] + stop(n["target"]) * n["online"]),
    "a product inside of a network": lambda n, x, y: tf.reduce_mean((x @ n["online"]) * stop(x @ n["target"]) @ n["head"]),
    "a gate": lambda n, x, y: tf.reduce_mean((x @ n["online"] * stop(tf.sigmoid(x @ n["online"] @ n["target"]))) @ n["head"]),
    "two towers": lambda n, x, y: squared(x @ n["online"], stop(y @ n["target"])),
    "one network and a later layer of it": lambda n, x, y: squared(x @ n["online"] @ n["predictor"], stop(x @ n["online"])),
    "the predictor stopped": lambda n, x, y: squared(y @ n["online"], stop(x @ n["online"] @ n["predictor"])),
    "a weighted log probability": lambda n, x, y: (lambda p: -tf.reduce_mean(stop((1.0 - p) ** 2) * tf.math.log(p)))(
        tf.nn.softmax(x @ n["online"])
    ),
    "soft answers of a teacher": lambda n, x, y: (
        -tf.reduce_mean(stop(tf.nn.softmax(y @ n["target"])) * tf.nn.log_softmax(x @ n["online"]))
    ),
    "a choice that is no entry of a table": lambda n, x, y: (
        lambda z: squared(stop(z), tf.one_hot(tf.argmax(z, 1), 3)) + tf.reduce_sum(n["head"])
    )(x @ n["online"]),
    "a head on stopped features and on others": lambda n, x, y: tf.reduce_mean(
        stop(x @ n["online"]) @ n["head"] + x @ n["head"]
    ),
    "a value put in place of another": lambda n, x, y: (lambda a, b: tf.reduce_mean((a + stop(b - a)) @ n["head"]))(
        x @ n["online"], y @ n["target"]
    ),
    "attention": lambda n, x, y: tf.reduce_mean(tf.nn.softmax((x @ n["online"]) @ tf.transpose(stop(x @ n["target"]))) @ x),
}


def named(loss, nets):
    audit = graphcut.audit(lambda x, y: loss(nets, x, y), *DATA)
    (op,) = audit._traced.names.ops("StopGradient")
    return Idioms(audit._traced, audit._findings.flow.losses).of(op)


@pytest.mark.parametrize("idiom", sorted(IDIOMS, key=str), ids=str)
def test_an_idiom_is_named(idiom, nets):
    assert named(IDIOMS[idiom], nets) is idiom


@pytest.mark.parametrize("case", sorted(NONE))
def test_what_only_looks_like_one_has_no_name(case, nets):
    assert named(NONE[case], nets) is None


def test_detached_fakes_are_named_in_the_loss_of_the_discriminator_alone(nets):
    @tf.function
    def both(x, z):
        fake = stop(z @ nets["online"]) @ nets["head"]
        return tf.reduce_mean(tf.nn.softplus(-fake)), tf.reduce_mean(
            tf.nn.softplus(fake) + tf.nn.softplus(-(x @ nets["head"]))
        )

    traced = both.get_concrete_function(*DATA).graph
    generator, discriminator = (graphcut.audit(traced, loss=loss) for loss in traced.structured_outputs)
    (stopped,) = generator.stops
    found = [Idioms(each._traced, each._findings.flow.losses).of(each._traced.names.op(stopped.op))
             for each in (generator, discriminator)]  # fmt: skip
    assert found == [None, Idiom.DETACHED_FAKES]


def test_an_explanation_says_to_keep_the_stop(nets):
    text = graphcut.audit(lambda x, y: IDIOMS[Idiom.TARGET_NETWORK](nets, x, y), *DATA).explain("target")
    assert "this stop belongs to a target network; keep it." in text
    assert "What to do: nothing, if the step copies" in text and "Remove it" not in text


def test_an_explanation_of_another_stop_names_no_idiom(nets):
    text = graphcut.audit(lambda x, y: NONE["two towers"](nets, x, y), *DATA).explain("target")
    assert "belongs to" not in text and "keep it" not in text and "Remove it and the gradient gets through" in text


def test_stops_to_keep_come_last_in_an_explanation_and_in_a_title(nets):
    def loss(x, y):
        predicted = stop(x @ nets["online"]) @ nets["predictor"]
        return squared(predicted, stop(y @ nets["online"]))

    audit = graphcut.audit(loss, *DATA)
    first_line = loss.__code__.co_firstlineno
    lines = [line for line in audit.explain("online").splitlines() if line.startswith("It is cut by")]
    assert f":{first_line + 1}: tf.stop_gradient was put there" in lines[0] and "keep it" in lines[1]
    assert title(audit).endswith(f"stop_gradient, test_idioms.py:{first_line + 1}")


def test_the_loss_of_a_critic_that_reads_a_stopped_advantage_is_no_idiom_to_keep(nets):
    text = graphcut.audit(lambda x, y: IDIOMS[Idiom.SHARED_SCORE_FUNCTION](nets, x, y), *DATA).explain("head")
    assert "but a loss term of its own reads it as well, and trains nothing" in text
    assert "What to do: let the loss term that learns the estimate" in text and "keep it" not in text


def test_a_mistaken_idiom_comes_first(nets):
    def loss(x, y):
        z = stop(x @ nets["online"]) + 0.0
        other = inverted(x @ nets["online"], nets["second"], y)
        return other + tf.reduce_sum(z @ nets["predictor"])

    audit = graphcut.audit(loss, *DATA)
    first = next(line for line in audit.explain("online").splitlines() if line.startswith("It is cut by"))
    assert "inverted straight-through" in first
    assert f"test_idioms.py:{inverted.__code__.co_firstlineno + 2}" in title(audit)
