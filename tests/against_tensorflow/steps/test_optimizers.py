"""The gradients that optimizers receive, compared with those that variables get."""

from __future__ import annotations

import warnings

import pytest
import tensorflow as tf

import graphcut
from graphcut.backend.record import optimizers
from tests.against_tensorflow.steps.judge import EAGER, variable, words

eager = pytest.mark.skipif(not EAGER, reason="Keras optimizers of TensorFlow 1.15 want a session")
v1 = tf.compat.v1


def sgd():
    """A Keras optimizer, whatever Keras there is."""
    return tf.keras.optimizers.SGD(0.1, momentum=0.9)


def stepped(optimizer, variables, hand):
    """Return a step whose first variable gets a gradient and whose second gets none; ``hand`` receives the gradients."""
    w, v = variables

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x * tf.stop_gradient(v))
        hand(optimizer, tape.gradient(loss, [w, v]), [w, v])

    return graphcut.audit_step(step, tf.TensorSpec([3]))


def zipped(optimizer, gradients, variables):
    optimizer.apply_gradients(zip(gradients, variables))


def named(optimizer, gradients, variables):
    optimizer.apply_gradients(grads_and_vars=list(zip(gradients, variables)))


@eager
@pytest.mark.parametrize("hand", (zipped, named))
def test_what_keras_warns_of_is_a_reason(hand):
    w, v = variable(2.0, "w"), variable(3.0, "v")
    (audit,) = stepped(sgd(), [w, v], hand)
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (False, False)]
    assert "Gradients do not exist" in audit.explain(v) and "handed" not in audit.explain(w)
    assert len(audit.explain(v).splitlines()) <= 12


@eager
@pytest.mark.skipif(not hasattr(tf.keras.optimizers.Optimizer, "apply"), reason="from Keras 3 on")
def test_apply_is_recorded_too():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    (audit,) = stepped(sgd(), [w, v], lambda optimizer, gradients, variables: optimizer.apply(gradients, variables))
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (False, False)]
    built = sgd()
    built.build([w])
    (audit,) = stepped(built, [w, v], lambda optimizer, gradients, variables: optimizer.apply(gradients[:1]))
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (None, False)]


def test_the_optimizers_of_tensorflow_1():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    (audit,) = stepped(v1.train.GradientDescentOptimizer(0.1), [w, v], zipped)
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (False, False)]


def test_minimize_hands_over_what_it_computed():
    def build():
        w, v = (v1.get_variable(name, initializer=2.0, use_resource=True) for name in "wv")
        return v1.train.AdamOptimizer(0.1).minimize(w * tf.stop_gradient(v), var_list=[w, v])

    (audit,) = graphcut.audit_step(build)
    assert words(audit) == ["flows", "none: stop-gradient"]
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (False, False)]


@eager
def test_a_gradient_that_was_thrown_away_is_told():
    w, v = variable(2.0, "w"), variable(3.0, "v")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * x * v)
        gradients = tape.gradient(loss, [w, v])
        optimizer.apply_gradients([(None, w), (gradients[1], v)])

    optimizer = sgd()
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(False, False), (True, True)]
    assert "receives None instead" in audit.explain(w) and "never updated" in str(audit)


@eager
def test_zeros_in_the_place_of_none_are_an_update():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    filled = lambda optimizer, gradients, variables: zipped(  # noqa: E731
        optimizer, [tf.zeros([]) if each is None else each for each in gradients], variables
    )
    (audit,) = stepped(sgd(), [w, v], filled)
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (True, True)]
    assert words(audit)[1] == "none: stop-gradient" and "updates it nevertheless" in audit.explain(v)


@eager
def test_an_optimizer_that_is_handed_nothing_but_none_raises_and_is_audited():
    w = variable(2.0, "w")
    optimizer = sgd()

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.stop_gradient(w) * x)
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([3]))
    assert (audit[w].optimizer_got_gradient, audit[w].is_updated) == (False, None)
    assert "the step raises ValueError: No gradients provided" in audit.loss_source


@eager
def test_the_warning_of_keras_is_left_to_the_audit():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (audit,) = stepped(sgd(), [w, v], zipped)
    assert not [each for each in caught if "Gradients do not exist" in str(each.message)] and warnings.filters == filters
    assert audit[v].optimizer_got_gradient is False and "Gradients do not exist" in audit.explain(v)


@eager
def test_an_optimizer_around_another_is_one_call():
    w, v = variable(2.0, "w"), variable(3.0, "v")
    scaled = getattr(tf.keras.mixed_precision, "LossScaleOptimizer", None)
    if scaled is None or not hasattr(tf.keras.optimizers.Optimizer, "apply"):
        pytest.skip("written for Keras 3")
    (audit,) = stepped(scaled(sgd()), [w, v], lambda optimizer, gradients, both: zipped(optimizer, gradients[:1], both[:1]))
    assert [(each.optimizer_got_gradient, each.is_updated) for each in audit] == [(True, True), (None, False)]


@eager
def test_every_optimizer_is_as_it_was_afterwards():
    patched = [(each.owner, each.name) for each in optimizers.patches(lambda: None)]
    before = [vars(owner)[name] for owner, name in patched]
    stepped(sgd(), [variable(2.0, "w"), variable(3.0, "v")], zipped)
    both = [variable(2.0, "w"), variable(3.0, "v")]
    (audit,) = stepped(sgd(), both, lambda *given: zipped(*given) or given[1][0].numpy())
    assert "after it the step raises" in audit.loss_source
    assert len(before) >= 2 and [vars(owner)[name] for owner, name in patched] == before
