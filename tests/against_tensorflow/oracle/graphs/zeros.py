"""Gradients that exist and are always zero, and selects whose branches are both live."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, total

v1 = tf.compat.v1


@case(expect={"w": "zero"})
def sign_gives_zeros(make):
    return total(tf.sign(make.variable("w", 3)) + make.variable("u", 3))


@case()
def times_constant_zero(make):
    return total(make.variable("u", 3)) + 0.0 * tf.reduce_sum(make.variable("w", 3))


@case()
def times_zero_that_is_fed(make):
    x = make.input("x", 3, values=[[0.0, 0.0, 0.0]] * 3)
    return total(make.variable("w", 3) * x) + total(make.variable("u", 3))


@case()
def floor_mod_and_floor_div(make):
    w, u, v = (make.variable(name, 3) for name in "wuv")
    positive = tf.abs(u) + 2.5
    return total(tf.math.floormod(w, positive)) + total(tf.math.floordiv(v, positive))


@case()
def truncated_division(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.raw_ops.TruncateDiv(x=w, y=tf.abs(u) + 1.0) + make.variable("v", 3))


@case()
def sign_with_a_live_route_beside(make):
    w = make.variable("w", 3)
    return total(tf.sign(w) * w)


@case()
def minus_itself(make):
    w = make.variable("w", 3)
    return tf.reduce_sum(w - w) + total(make.variable("u", 3))


@case()
def relu_that_is_never_on(make):
    w = make.variable("w", 3)
    return total(tf.nn.relu(-tf.abs(w) - 1.0)) + total(make.variable("u", 3))


@case()
def select_by_a_fed_condition(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    chosen = make.input("chosen", 3, dtype=tf.bool, values=[[True, False, True]] * 3)
    return total(v1.where(chosen, a, b)), {"chosen": chosen}


@case()
def select_condition_from_a_variable(make):
    a, b, c = make.variable("a", 3), make.variable("b", 3), make.variable("c", 3)
    return total(v1.where(tf.abs(c) > tf.abs(c) + 1.0, a, b))


@case()
def select_v2_with_broadcasting(make):
    a, b = make.variable("a", 3), make.variable("b")
    return total(
        tf.where_v2(make.input("chosen", 2, 1, dtype=tf.bool), a, b)
        if hasattr(tf, "where_v2")
        else tf.where(make.input("chosen", 2, 1, dtype=tf.bool), a, b)
    )


@case()
def select_with_one_side_stopped(make):
    w = make.variable("w", 3)
    chosen = make.input("chosen", 3, dtype=tf.bool, values=[[True, False, True]] * 3)
    return total(v1.where(chosen, w, tf.stop_gradient(w)))


@case()
def maximum_of_two(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(tf.maximum(a, b)) + total(tf.minimum(a, tf.stop_gradient(b)))


@case()
def reduce_max_and_prod(make):
    return tf.reduce_max(make.variable("w", 4)) + tf.reduce_prod(make.variable("u", 4))


@case()
def dropout_and_noise(make):
    w = make.variable("w", 20)
    return total(v1.nn.dropout(w, rate=0.5))


@case()
def power_with_a_constant_exponent(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return tf.reduce_sum(w**2 + tf.pow(2.0, u))


@case()
def power_zero(make):
    return tf.reduce_sum(make.variable("w", 3) ** 0.0) + total(make.variable("u", 3))


@case()
def next_after(make):
    w, u = make.variable("w", 3, dtype=tf.float64), make.variable("u", 3, dtype=tf.float64)
    return total(tf.math.nextafter(w, u))


@case()
def igamma_shape_argument(make):
    a, x = tf.abs(make.variable("a", 3)) + 1.0, tf.abs(make.variable("x", 3)) + 1.0
    return tf.reduce_sum(tf.math.igamma(a, x)) + tf.reduce_sum(tf.math.polygamma(tf.ones([3]), x))


@case()
def betainc_parameters(make):
    a, b, x = (make.variable(name, 3) for name in "abx")
    return tf.reduce_sum(tf.math.betainc(tf.abs(a) + 1.0, tf.abs(b) + 1.0, tf.sigmoid(x)))


@case()
def identity_chain_with_checks(make):
    w = tf.debugging.check_numerics(make.variable("w", 3), "w")
    with tf.control_dependencies([v1.assert_greater(tf.abs(w) + 1.0, 0.0)]):
        return total(tf.identity(w))
