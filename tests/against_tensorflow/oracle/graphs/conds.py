"""Conditionals: one branch, both, none; nested; in functions; ``case`` and ``switch_case``; raw ``Switch`` and ``Merge``."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, outlined, total

v1 = tf.compat.v1
THEN, ELSE = ("conditional", "then"), ("conditional", "else")


@case(expect={"w": THEN})
def cond_used_in_one_branch(make):
    w = make.variable("w", 3)
    return total(tf.cond(make.flag("p"), lambda: w * 2.0, lambda: tf.zeros([3])))


@case(expect={"w": ELSE})
def cond_stopped_in_one_branch(make):
    w = make.variable("w", 3)
    y = w * 2.0
    return total(tf.cond(make.flag("p"), lambda: tf.stop_gradient(y), lambda: y))


@case(expect={"w": "flows"})
def cond_used_in_both_branches(make):
    w = make.variable("w", 3)
    return total(tf.cond(make.flag("p"), lambda: w * 1.0, lambda: w * 2.0))


@case()
def cond_stopped_in_both_branches(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.cond(make.flag("p"), lambda: tf.stop_gradient(w), lambda: tf.stop_gradient(w * 2.0)) + u)


@case(expect={"a": THEN, "b": ELSE})
def cond_a_variable_for_each_branch(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(tf.cond(make.flag("p"), lambda: a * 2.0, lambda: b * 2.0))


@case(expect={"w": "flows"})
def cond_branch_and_a_route_beside(make):
    w = make.variable("w", 3)
    return total(tf.cond(make.flag("p"), lambda: w * 2.0, lambda: tf.zeros([3])) + w)


@case(expect={"w": "flows"})
def cond_two_conds_complementary(make):
    """Two conds on one predicate, the variable in opposite branches: no single branch is on every path."""
    w, p = make.variable("w", 3), make.flag("p")
    one = tf.cond(p, lambda: w * 2.0, lambda: tf.zeros([3]))
    other = tf.cond(p, lambda: tf.zeros([3]), lambda: w * 3.0)
    return total(one + other)


@case()
def cond_predicate_from_a_variable(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.cond(tf.reduce_sum(w) > 0.0, lambda: u * 2.0, lambda: u * 3.0))


@case(expect={"w": THEN})
def cond_nested(make):
    w, p, q = make.variable("w", 3), make.flag("p"), make.flag("q", True, True, False)

    def inner():
        return tf.cond(q, lambda: w * 2.0, lambda: tf.zeros([3]))

    return total(tf.cond(p, inner, lambda: tf.ones([3])))


@case(expect={"w": THEN})
def cond_nested_both_inner_branches(make):
    w, p, q = make.variable("w", 3), make.flag("p"), make.flag("q", True, True, False)

    def inner():
        return tf.cond(q, lambda: w * 2.0, lambda: w * 3.0)

    return total(tf.cond(p, inner, lambda: tf.ones([3])))


@case()
def cond_nested_none_in_the_inner_one(make):
    w, u, p, q = make.variable("w", 3), make.variable("u", 3), make.flag("p"), make.flag("q", True, True, False)

    def inner():
        return tf.cond(q, lambda: tf.stop_gradient(w), lambda: tf.floor(w))

    return total(tf.cond(p, inner, lambda: tf.ones([3])) + u)


@case()
def cond_one_of_two_results_read(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    first, second = tf.cond(make.flag("p"), lambda: (a * 2.0, b * 2.0), lambda: (a * 3.0, b * 3.0))
    return total(first), {"second": second}


@case()
def cond_results_crossed_over(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    first, _ = tf.cond(make.flag("p"), lambda: (a * 2.0, b * 2.0), lambda: (b * 3.0, a * 3.0))
    return total(first)


@case()
def cond_integer_result(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    chosen = tf.cond(make.flag("p"), lambda: tf.cast(w, tf.int32), lambda: tf.ones([3], tf.int32))
    return total(tf.cast(chosen, tf.float32) + u)


@case()
def cond_branch_returns_its_capture(make):
    w, u = make.variable("w", 3) * 1.0, make.variable("u", 3) * 1.0
    return total(tf.cond(make.flag("p"), lambda: w, lambda: u))


@case()
def cond_variable_read_inside(make):
    w = make.variable("w", 3)
    return total(tf.cond(make.flag("p"), lambda: tf.gather(w, [0, 1]), lambda: tf.stop_gradient(w)[:2]))


@case(expect={"w": "conditional"})
def case_of_three(make):
    w, k = make.variable("w", 3), make.number("k")
    pairs = [(tf.equal(k, 0), lambda: tf.zeros([3])), (tf.equal(k, 1), lambda: w * 2.0)]
    return total(v1.case(pairs, default=lambda: tf.ones([3])))


@case(expect={"w": "conditional"})
def switch_case_one_branch(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    branches = [lambda: tf.zeros([3]), lambda: w * 2.0, lambda: tf.stop_gradient(w)]
    return total(tf.switch_case(make.number("k"), branches) + u)


@case(expect={"w": "flows"})
def switch_case_every_branch(make):
    w = make.variable("w", 3)
    return total(tf.switch_case(make.number("k"), [lambda: w * 1.0, lambda: w * 2.0, lambda: w * 3.0]))


@case()
def switch_case_in_no_branch(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    branches = [lambda: tf.zeros([3]), lambda: tf.sign(tf.stop_gradient(w)), lambda: tf.stop_gradient(w)]
    return total(tf.switch_case(make.number("k"), branches) + u)


@case(expect={"w": "flows"})
def switch_case_two_of_three_branches(make):
    """A gradient in some runs only, but no single branch is on every path."""
    w = make.variable("w", 3)
    return total(tf.switch_case(make.number("k"), [lambda: w * 1.0, lambda: w * 2.0, lambda: tf.zeros([3])]))


@case(expect={"w": THEN})
def cond_in_a_function(make):
    w, p = make.variable("w", 3), make.flag("p")
    body = outlined(lambda x, q: tf.cond(q, lambda: x * w, lambda: x + 1.0))
    return total(body(make.input("x", 3), p))


@case(expect={"w": THEN})
def cond_around_a_function(make):
    w = make.variable("w", 3)
    body = outlined(lambda: w * w)
    return total(tf.cond(make.flag("p"), body, lambda: tf.zeros([3])))


@case()
def cond_around_a_function_that_cuts(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    body = outlined(lambda x: (tf.stop_gradient(w) * x, u * x))
    return total(tf.cond(make.flag("p"), lambda: body(u)[0], lambda: u * 2.0))


@case(expect={"w": THEN})
def cond_result_is_a_constant_zero_on_the_other_side(make):
    w = make.variable("w", 3)
    weight = tf.cond(make.flag("p"), lambda: 1.0, lambda: 0.0)
    return total(tf.cond(make.flag("q"), lambda: w * weight, lambda: tf.zeros([3])))


@case(skip={"function": "Switch and Merge do not run in functions", "call": "Switch and Merge do not run in functions"})
def raw_switch_and_merge(make):
    w, u, p = make.variable("w", 3), make.variable("u", 3), make.flag("p")
    off, on = tf.raw_ops.Switch(data=w * 1.0, pred=p)
    return total(tf.raw_ops.Merge(inputs=[off * 2.0, tf.stop_gradient(on)]).output + u), {"on": on}


@case()
def cond_with_a_sparse_gradient_in_one_branch(make):
    w = make.variable("w", 3, 2)
    rows = tf.cond(make.flag("p"), lambda: tf.gather(w, [0]), lambda: w[:1])
    return total(rows)


@case()
def cond_chain_of_ten(make):
    w, p = make.variable("w", 3), make.flag("p")
    h = w
    for _ in range(10):
        h = tf.cond(p, lambda h=h: h * 1.1, lambda h=h: tf.stop_gradient(h))
    return total(h)
