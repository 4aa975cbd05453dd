"""Calls of a ``tf.function``: each is one op whose body counts."""

from __future__ import annotations

import tensorflow as tf

from .collect import STOPS_INSIDE, case, outlined, total

v1 = tf.compat.v1


@case()
def call_captures_a_variable(make):
    w = make.variable("w", 3)
    return total(outlined(lambda x: x * w)(make.input("x", 3)))


@case()
def call_with_a_stop_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(outlined(lambda x: tf.stop_gradient(x * w) + u)(make.input("x", 3)))


@case()
def call_that_cuts_all(make):
    """TensorFlow 1.15 raises ``ValueError``: it gives back no gradients where the op has inputs."""
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(outlined(lambda x: tf.stop_gradient(x * 2.0))(w * 1.0) + u)


@case()
def call_one_of_two_results_read(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    first, second = outlined(lambda: (w * 2.0, u * 2.0))()
    return total(first), {"second": second}


@case()
def call_stopped_result_read(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    first, _ = outlined(lambda: (tf.stop_gradient(w) + u, w * 2.0))()
    return total(first)


@case()
def call_with_integer_and_float_results(make):
    w, u = make.variable("w", 4), make.variable("u", 4)
    index, scaled = outlined(lambda x: (tf.argmax(x), x * u))(w * 1.0)
    return total(tf.gather(u, [index])), {"scaled": scaled}


@case()
def call_unused_argument(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(outlined(lambda x, y: x * 2.0)(a * 1.0, b * 1.0))


@case()
def call_returns_its_argument(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    first, second = outlined(lambda x, y: (x, y))(a * 1.0, b * 1.0)
    return total(second), {"first": first}


@case()
def call_same_function_twice(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    double = outlined(lambda x: x * 2.0)
    return total(tf.stop_gradient(double(a * 1.0)) + double(b * 1.0))


@case()
def call_same_function_on_its_own_result(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    step = outlined(lambda x: tf.tanh(x * w))
    return total(step(step(step(u * 1.0))))


@case()
def call_nested_three_deep(make):
    w, u, v = (make.variable(name, 3) for name in "wuv")
    innermost = outlined(lambda x: x * w)
    middle = outlined(lambda x: innermost(x) * tf.stop_gradient(u))
    return total(outlined(lambda x: middle(x) + v)(make.input("x", 3)))


@case()
def call_nested_unused_inner_result(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    inner = outlined(lambda x: (x * w, x * u))
    return total(outlined(lambda x: inner(x)[0])(make.input("x", 3)))


@case()
def call_nested_stopped_inner_result(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    inner = outlined(lambda x: (x * w, x * u))

    def outer(x):
        first, second = inner(x)
        return first + tf.stop_gradient(second)

    return total(outlined(outer)(make.input("x", 3)))


@case()
def call_argument_captured_again_inside(make):
    w = make.variable("w", 3)
    return total(outlined(lambda x: tf.stop_gradient(x) * w)(w * 1.0))


@case()
def call_gathers_from_a_captured_variable(make):
    w, u = make.variable("w", 4, 2), make.variable("u", 4, 2)
    ids = make.input("ids", 3, dtype=tf.int32)
    return total(outlined(lambda i: tf.gather(w, i) + tf.stop_gradient(tf.gather(u, i)))(ids)), {"ids": ids}


@case()
def call_of_a_large_chain(make):
    w = make.variable("w", 3)

    def chain(x):
        for _ in range(30):
            x = tf.sin(x) * w
        return x

    return total(outlined(chain)(make.input("x", 3)))


@case()
def call_recursing_through_twenty_functions(make):
    w, body = make.variable("w", 3), lambda x: x * 1.0
    for _ in range(20):
        body = outlined(lambda x, inner=body: inner(x) * w)
    return total(body(make.input("x", 3)))


@case()
def call_shape_of_an_argument_only(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(outlined(lambda x, y: tf.reshape(y, tf.shape(x)))(w * 1.0, u * 1.0))


@case()
def call_zero_gradient_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(outlined(lambda x, y: tf.sign(x) + y)(w * 1.0, u * 1.0))


@case()
def call_with_a_custom_gradient_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @tf.custom_gradient
    def cut(x):
        return x * 2.0, lambda dy: None

    return total(outlined(lambda x, y: cut(x) + y)(w * 1.0, u * 1.0))


@case(skip=STOPS_INSIDE)
def call_stop_argument_before_it(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 1.0
    return total(outlined(lambda x: x * u)(hidden)), {"hidden": hidden}, [hidden]


@case(skip=STOPS_INSIDE)
def call_result_as_stop_argument(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    first, second = outlined(lambda: (w * 2.0, u * 2.0))()
    return total(first) + total(second), {"first": first}, [first]


@case()
def call_with_side_effects(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    def body(x):
        u.assign(x * 2.0)
        return x * u

    return total(outlined(body)(w * 1.0))


@case()
def call_with_a_boolean_argument(make):
    w = make.variable("w", 3)
    p = make.flag("p")
    return total(outlined(lambda x, q: tf.cond(q, lambda: x, lambda: tf.stop_gradient(x)))(w * 1.0, p)), {"p": p}


@case()
def call_passes_a_variable_as_argument(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(outlined(lambda a, b: a * tf.stop_gradient(b))(w, u))


@case()
def call_result_that_is_constant(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    one, same = outlined(lambda x: (tf.ones([3]), x * 2.0))(w * 1.0)
    return total(one * u), {"same": same}
