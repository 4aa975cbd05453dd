"""Loops: the gradients of loop variables, captured variables and conditions."""

from __future__ import annotations

import tensorflow as tf

from ..bench import VERSION
from .collect import case, total

v1 = tf.compat.v1
CRASH = "TensorFlow 1.15 makes zeros of a resource for the branch that does not read the variable, a TypeError"
RESOURCE_IN_COND = {"v1": CRASH} if VERSION < (2, 0) else None


def times(count, body, start, **options):
    """``body`` applied ``count`` times to the list of tensors ``start``; the counter is dropped."""
    return v1.while_loop(lambda i, *_: i < count, lambda i, *vs: [i + 1] + list(body(*vs)), [0] + start, **options)[1:]


def trips(make):
    """A number of iterations that is fed: one, two, three."""
    return make.number("trips", 1, 2, 3)


@case(expect={"w": "flows"})
def loop_variable_used(make):
    return total(times(3, lambda h: [h * 1.5], [make.variable("w", 3) * 1.0])[0])


@case(expect={"w": "flows"})
def loop_may_run_zero_times(make):
    w = make.variable("w", 3)
    return total(times(make.number("n"), lambda h: [h * w], [make.input("x", 3)])[0])


@case()
def loop_that_never_runs(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(make.number("n", 0, 0, 0), lambda h: [h * w], [u * 1.0])[0])


@case()
def loop_captures_a_variable(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    return total(times(2, lambda h: [h * w], [x])[0]), {"x": x}


@case()
def loop_captured_variable_cut_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(2, lambda h: [h * tf.stop_gradient(w)], [u * 1.0])[0])


@case()
def loop_captured_tensor_cut_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 2.0
    return total(times(2, lambda h: [h * tf.stop_gradient(hidden)], [u * 1.0])[0])


@case()
def loop_captured_variable_only_rounded(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(2, lambda h: [h + tf.round(w)], [u * 1.0])[0])


@case()
def loop_variable_stopped_in_the_body(make):
    """Barrier in every iteration; but with zero trips the initial value would go through."""
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(make.number("n"), lambda h: [tf.stop_gradient(h)], [w * 1.0])[0] + u)


@case()
def loop_condition_reads_a_variable(make):
    w, u = make.variable("w"), make.variable("u", 3)
    _, end = v1.while_loop(
        lambda i, h: tf.cast(i, tf.float32) < tf.minimum(tf.abs(w) + 1.0, 3.0), lambda i, h: (i + 1, h * 1.5), [0, u * 1.0]
    )
    return total(end)


@case()
def loop_condition_reads_a_loop_variable(make):
    w, u = make.variable("w"), make.variable("u", 3)
    limit, end = v1.while_loop(
        lambda limit, h: limit < 3.0, lambda limit, h: (limit + 1.0, h * 1.5), [tf.minimum(tf.abs(w), 1.0), u * 1.0]
    )
    return total(end), {"limit": limit}


@case()
def loop_integer_variable_from_a_float(make):
    w, u = make.variable("w"), make.variable("u", 3)
    end, count = times(2, lambda h, k: [h * 1.5, k + 1], [u * 1.0, tf.cast(w, tf.int32)])
    return total(end) + tf.cast(count, tf.float32)


@case()
def loop_integer_turns_float_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    end, _ = times(2, lambda h, k: [h + tf.cast(k, tf.float32), k + 1], [u * 1.0, tf.cast(w, tf.int32)])
    return total(end)


@case()
def loop_one_exit_unused(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    first, second = times(2, lambda x, y: [x * 1.5, y * 2.0], [a * 1.0, b * 1.0])
    return total(first), {"second": second}


@case()
def loop_swaps_its_variables(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    first, _ = times(trips(make), lambda x, y: [y, x], [a * 1.0, b * 1.0])
    return total(first)


@case()
def loop_swaps_with_one_side_stopped(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    first, _ = times(trips(make), lambda x, y: [tf.stop_gradient(y), x * 2.0], [a * 1.0, b * 1.0])
    return total(first)


@case()
def loop_chain_across_iterations(make):
    """What enters at the fourth variable leaves by the first only after three trips."""
    names = ("a", "b", "c", "d")
    start = [make.variable(name, 2) * 1.0 for name in names]
    return total(times(trips(make), lambda a, b, c, d: [b * 2.0, c * 2.0, d * 2.0, tf.zeros([2])], start)[0])


@case()
def loop_chain_cut_across_iterations(make):
    names = ("a", "b", "c", "d")
    start = [make.variable(name, 2) * 1.0 for name in names]
    return total(times(trips(make), lambda a, b, c, d: [b * 2.0, tf.floor(c), d * 2.0, tf.zeros([2])], start)[0])


@case()
def loop_nested(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    def inner(h):
        return times(2, lambda g: [g * w], [h])

    return total(times(2, inner, [u * 1.0])[0])


@case()
def loop_nested_with_inner_cut(make):
    w, u, v = (make.variable(name, 3) for name in "wuv")

    def inner(h):
        return [times(2, lambda g: [g * tf.stop_gradient(w)], [h])[0] + tf.stop_gradient(v)]

    return total(times(2, inner, [u * 1.0])[0])


@case()
def loop_nested_reads_outer_loop_variable(make):
    a, b = make.variable("a", 3), make.variable("b", 3)

    def body(x, y):
        return [times(2, lambda g: [g + y], [x])[0], y * 2.0]

    return total(times(2, body, [a * 1.0, b * 1.0])[0])


@case(crash=RESOURCE_IN_COND)
def loop_with_cond_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    p = make.flag("p")

    def body(h):
        return [tf.cond(p, lambda: h * w, lambda: h + 1.0)]

    return total(times(2, body, [u * 1.0])[0])


@case()
def loop_with_cond_inside_on_a_tensor(make):
    w, u, p = make.variable("w", 3) * 1.0, make.variable("u", 3), make.flag("p")
    return total(times(2, lambda h: [tf.cond(p, lambda: h * w, lambda: h + 1.0)], [u * 1.0])[0])


@case(crash=RESOURCE_IN_COND)
def loop_with_cond_on_the_counter(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    def body(i, h):
        return (i + 1, tf.cond(tf.equal(i, 1), lambda: h * w, lambda: tf.stop_gradient(h)))

    return total(v1.while_loop(lambda i, h: i < 2, body, [0, u * 1.0])[1])


@case(expect={"w": ("conditional", "then")})
def cond_around_a_loop(make):
    w = make.variable("w", 3)

    def loop():
        return times(2, lambda h: [h * w], [tf.ones([3])])[0]

    return total(tf.cond(make.flag("p"), loop, lambda: tf.zeros([3])))


@case(crash=RESOURCE_IN_COND)
def cond_inside_a_loop_inside_a_cond(make):
    w, u, p = make.variable("w", 3), make.variable("u", 3), make.flag("p")

    def body(h):
        return [tf.cond(p, lambda: h * w, lambda: h * u)]

    return total(tf.cond(p, lambda: times(2, body, [tf.ones([3])])[0], lambda: u * 2.0))


@case()
def loop_without_back_prop(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(times(2, lambda h: [h * w], [w * 1.0], back_prop=False)[0] + u)
