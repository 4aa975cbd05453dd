"""Gradients that users wrote: ``custom_gradient``, ``RegisterGradient``, ``gradient_override_map``, ``recompute_grad``."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, outlined, total

v1 = tf.compat.v1


@tf.RegisterGradient("OracleTwice")
def twice(op, dy):
    return dy * 2.0


@tf.RegisterGradient("OracleNone")
def nothing(op, dy):
    return None


@tf.RegisterGradient("OracleZeros")
def zeros(op, dy):
    return tf.zeros_like(dy)


@tf.RegisterGradient("OracleSecondOnly")
def second_only(op, dy):
    return None, dy


@tf.RegisterGradient("OracleFirstOnly")
def first_only(op, dy):
    return dy, None


@tf.RegisterGradient("OracleRaises")
def refuses(op, dy):
    raise ValueError("this gradient was refused by its author")


def overridden(name, build, op="Identity"):
    """What ``build`` makes, with another gradient for one type of op."""
    with v1.get_default_graph().gradient_override_map({op: name}):
        return build()


@case()
def override_twice(make):
    w = make.variable("w", 3)
    return total(overridden("OracleTwice", lambda: tf.identity(w)))


@case()
def override_with_none(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(overridden("OracleNone", lambda: tf.identity(w * 1.0)) + u)


@case()
def override_with_zeros(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(overridden("OracleZeros", lambda: tf.identity(w * 1.0)) + u)


@case()
def override_of_round_makes_it_flow(make):
    w = make.variable("w", 3)
    return total(overridden("OracleTwice", lambda: tf.round(w * 1.0), "Round"))


@case()
def override_of_an_unregistered_op(make):
    w = make.variable("w", 2, 2, 3)

    def hue():
        return tf.raw_ops.AdjustHue(images=w * 1.0, delta=0.1)

    return total(overridden("OracleFirstOnly", hue, "AdjustHue"))


@case()
def override_of_one_input(make):
    w, u = make.variable("w", 3) * 1.0, make.variable("u", 3) * 1.0
    return total(overridden("OracleSecondOnly", lambda: tf.multiply(w, u), "Mul"))


@case()
def override_with_a_name_nobody_registered(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(overridden("OracleNobody", lambda: tf.identity(w * 1.0)) + u)


@case()
def override_with_a_gradient_that_raises(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(overridden("OracleRaises", lambda: tf.identity(w * 1.0)) + u)


def custom(forward, backward):
    """A function with the gradient ``backward(dy)``."""
    return tf.custom_gradient(lambda *xs: (forward(*xs), backward))


@case()
def custom_gradient_plain(make):
    return total(custom(lambda x: x * 2.0, lambda dy: dy * 5.0)(make.variable("w", 3) * 1.0))


@case()
def custom_gradient_answers_none(make):
    cut = custom(lambda x: x * 2.0, lambda dy: None)
    return total(cut(make.variable("w", 3) * 1.0) + make.variable("u", 3))


@case()
def custom_gradient_answers_zeros(make):
    cut = custom(lambda x: x * 2.0, lambda dy: tf.zeros_like(dy))
    return total(cut(make.variable("w", 3) * 1.0) + make.variable("u", 3))


@case()
def custom_gradient_answers_ones(make):
    """It ignores what comes in: no zero, even behind a zero."""
    ones = custom(lambda x: x * 2.0, lambda dy: tf.ones_like(dy))
    return total(ones(make.variable("w", 3) * 1.0)) * 0.0 + total(make.variable("u", 3))


@case()
def custom_gradient_on_one_of_two_inputs(make):
    product = custom(lambda x, y: x * y, lambda dy: (None, dy))
    return total(product(make.variable("w", 3) * 1.0, make.variable("u", 3) * 1.0))


@case()
def custom_gradient_with_two_results(make):
    @tf.custom_gradient
    def pair(x, y):
        return (x * 2.0, y * 3.0), lambda dx, dy: (dx, dy)

    first, second = pair(make.variable("w", 3) * 1.0, make.variable("u", 3) * 1.0)
    return total(first), {"second": second}


@case()
def custom_gradient_over_an_unregistered_op(make):
    w = make.variable("w", 2, 2, 3)
    hue = custom(lambda x: tf.raw_ops.AdjustHue(images=x, delta=0.1), lambda dy: dy)
    return total(hue(w * 1.0))


@case()
def custom_gradient_over_a_stop(make):
    through = custom(lambda x: tf.stop_gradient(tf.round(x)), lambda dy: dy)
    return total(through(make.variable("w", 3) * 1.0))


@case()
def custom_gradient_reads_a_variable_for_its_gradient_only(make):
    u = make.variable("u", 3)
    scaled = custom(lambda x: x * 2.0, lambda dy: dy * u)
    return total(scaled(make.variable("w", 3) * 1.0))


@case()
def custom_gradient_nested(make):
    inner = custom(lambda x: x * 2.0, lambda dy: None)
    outer = custom(lambda x: inner(x) + 1.0, lambda dy: dy * 3.0)
    return total(outer(make.variable("w", 3) * 1.0)) + total(inner(make.variable("u", 3) * 1.0))


@case()
def custom_gradient_called_many_times(make):
    swish = custom(lambda x: x * tf.sigmoid(x), lambda dy: dy)
    h = make.variable("w", 3) * 1.0
    for _ in range(20):
        h = swish(h)
    return total(h)


@case()
def custom_gradient_in_a_cond(make):
    w, double = make.variable("w", 3) * 1.0, custom(lambda x: x * 2.0, lambda dy: dy * 3.0)
    return total(tf.cond(make.flag("p"), lambda: double(w), lambda: tf.stop_gradient(w)))


def with_variable(w, of_variable):
    """A product with a variable, whose gradient for that variable is ``of_variable(dy)``."""

    @tf.custom_gradient
    def product(x):
        return x * w, lambda dy, variables=None: (dy * 2.0, [of_variable(dy) for _ in variables])

    return product


@case(since=(2, 0), because="custom_gradient sees variables made outside of it only from TensorFlow 2 on")
def custom_gradient_with_a_variable(make):
    w = make.variable("w", 3)
    return total(with_variable(w, lambda dy: dy * 3.0)(make.variable("u", 3) * 1.0))


@case(since=(2, 0), because="custom_gradient sees variables made outside of it only from TensorFlow 2 on")
def custom_gradient_none_for_its_variable(make):
    w = make.variable("w", 3)
    return total(with_variable(w, lambda dy: None)(make.variable("u", 3) * 1.0))


@case()
def recompute_grad(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    again = tf.recompute_grad(lambda x: tf.tanh(x) * x)
    with v1.variable_scope("again", use_resource=True):
        return total(again(w * 1.0) + tf.stop_gradient(again(u * 1.0)))


@case(since=(2, 0), because="recompute_grad takes variables made outside of it only from TensorFlow 2 on")
def recompute_grad_with_a_variable(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.recompute_grad(lambda x: tf.tanh(x) * w)(u * 1.0))


@case()
def silu_of_the_library(make):
    swish = tf.nn.swish
    return total(swish(make.variable("w", 3)) + tf.stop_gradient(swish(make.variable("u", 3))))


@case()
def silu_in_a_function(make):
    return total(outlined(tf.nn.swish)(make.variable("w", 3) * 1.0))
