"""More loops: in functions, with functions, with stops of arguments, and the functions TensorFlow builds of loops."""

from __future__ import annotations

import tensorflow as tf

from .collect import STOPS_INSIDE, case, outlined, total
from .loops import times

v1 = tf.compat.v1


@case()
def loop_in_a_function(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    body = outlined(lambda x: times(2, lambda h: [h * w], [x])[0])
    return total(body(u * 1.0))


@case()
def loop_in_a_function_with_a_cut(make):
    w, u, v = (make.variable(name, 3) for name in "wuv")
    body = outlined(lambda x: times(2, lambda h: [h * tf.stop_gradient(w)], [x])[0] + v)
    return total(body(u * 1.0))


@case()
def function_in_a_loop(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    step = outlined(lambda h: tf.tanh(h * w))
    return total(times(2, lambda h: [step(h)], [u * 1.0])[0])


@case()
def function_in_a_loop_that_cuts_its_argument(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    step = outlined(lambda h: tf.stop_gradient(h) * w)
    return total(times(2, lambda h: [step(h)], [u * 1.0])[0])


@case()
def loop_variable_never_touched(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    end, _ = times(2, lambda h, idle: [h * 1.5, idle], [u * 1.0, w * 1.0])
    return total(end)


@case()
def loop_invariant_leaves_by_its_exit(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    end, same = times(2, lambda h, idle: [h * 1.5, idle], [u * 1.0, w * 1.0])
    return total(end) + total(same)


@case()
def loop_replaces_its_variable(make):
    """After one trip nothing is left of the start value; with none it would be the result."""
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(2, lambda h: [u * 2.0], [w * 1.0])[0])


@case()
def loop_gather_from_a_captured_variable(make):
    w, u = make.variable("w", 4, 3), make.variable("u", 3)
    _, end = v1.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h + tf.gather(w, i)), [0, u * 1.0])
    return total(end)


@case()
def loop_captured_index(make):
    w, u = make.variable("w", 4), make.variable("u", 2)
    index = tf.cast(tf.abs(u), tf.int32) * 0
    return total(times(2, lambda h: [h + tf.gather(w, index)], [tf.ones([2])])[0])


@case()
def loop_sequential_two(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    middle = times(2, lambda h: [h * w], [u * 1.0])[0]
    return total(times(2, lambda h: [h * 1.5], [tf.stop_gradient(middle) + w])[0])


@case(skip=STOPS_INSIDE)
def loop_stop_argument_before_it(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    start = w * 1.0
    return total(times(2, lambda h: [h * u], [start])[0]), {"start": start}, [start]


@case(skip=STOPS_INSIDE)
def loop_end_as_stop_argument(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    end = times(2, lambda h: [h * 1.5], [w * 1.0])[0]
    return total(end + u), {"end": end}, [end]


@case()
def loop_shape_changes(make):
    w = make.variable("w", 1)
    _, end = v1.while_loop(
        lambda i, h: i < 2,
        lambda i, h: (i + 1, tf.concat([h, h * 2.0], 0)),
        [0, w * 1.0],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
    )
    return total(end)


@case()
def map_fn_over_rows(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    return total(v1.map_fn(lambda row: row * u, w * 1.0))


@case()
def map_fn_with_a_stop(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    return total(v1.map_fn(lambda row: tf.stop_gradient(row) * u, w * 1.0))


@case()
def map_fn_to_integers(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 3)
    counts = v1.map_fn(lambda row: tf.argmax(row, output_type=tf.int32), w * 1.0, dtype=tf.int32)
    return total(tf.cast(counts, tf.float32) + u)


@case()
def scan_of_a_product(make):
    w, u = make.variable("w", 4), make.variable("u")
    return total(tf.scan(lambda carried, each: carried * each, w * 1.0, initializer=u * 1.0))


@case()
def scan_with_a_cut_carry(make):
    w, u = make.variable("w", 4), make.variable("u")
    return total(tf.scan(lambda carried, each: tf.stop_gradient(carried) * each, w * 1.0, initializer=u * 1.0))


@case()
def foldl_sum(make):
    return total(tf.foldl(lambda carried, each: carried + each, make.variable("w", 4) * 1.0))


@case()
def recurrent_network_by_hand(make):
    w, u, b = make.variable("w", 2, 2), make.variable("u", 2, 2), make.variable("b", 2)
    x = make.input("x", 3, 1, 2)

    def step(state, each):
        return tf.tanh(tf.matmul(state, w) + tf.matmul(each, u) + b)

    return total(tf.scan(step, x, initializer=tf.zeros([1, 2]))[-1]), {"x": x}


@case()
def loop_with_a_custom_gradient_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @tf.custom_gradient
    def reversed_sign(h):
        return h * 2.0, lambda dy: -dy

    return total(times(2, lambda h: [reversed_sign(h) * w], [u * 1.0])[0])


@case()
def loop_with_random_numbers(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(2, lambda h: [h + tf.random.normal([3]) * w], [u * 1.0])[0])


@case()
def loop_raises_only_for_what_feeds_it(make):
    """An op without a gradient on one loop variable, another loop variable beside it."""
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 3)

    def hue(pixels):
        return tf.raw_ops.AdjustHue(images=pixels, delta=0.1)

    first, second = times(2, lambda a, b: [hue(a), b * 2.0], [w * 1.0, u * 1.0])
    return total(first) + total(second)


@case()
def loop_prevented_constant(make):
    w, u = make.variable("w", 3), make.input("u", 3)

    def guard(pixels):
        return tf.raw_ops.PreventGradient(input=pixels, message="no")

    return total(times(2, lambda h: [h * 2.0 + guard(u)], [w * 1.0])[0]), {"u": u}
