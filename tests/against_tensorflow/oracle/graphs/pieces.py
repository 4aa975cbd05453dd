"""Tensors put together from pieces of which only some are used, and products with tensors that are zero."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, outlined, total


@case(expect={"a": "zero", "b": "flows"})
def stacked_and_the_other_element_used(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(tf.unstack(tf.stack([a, b]))[1])


@case(expect={"a": "flows", "b": "zero"})
def stacked_along_the_last_axis(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(tf.tanh(tf.stack([a, b], axis=-1))[:, 0])


@case(expect={"a": "zero", "b": "flows"})
def concatenated_and_the_other_piece_used(make):
    a, b = make.variable("a", 2, 3), make.variable("b", 4, 3)
    return total(tf.concat([a, b], 0)[2:])


@case(expect={"a": "flows", "b": "flows"})
def concatenated_and_a_piece_of_both_used(make):
    a, b = make.variable("a", 2, 3), make.variable("b", 4, 3)
    return total(tf.concat([a, b], 0)[1:3])


@case(expect={"a": "flows", "b": "zero"})
def concatenated_with_an_unknown_length_behind(make):
    a, b = make.variable("a", 2, 3), make.variable("b", 4, 3)
    rows = make.number("rows", 1, 2, 3)
    return total(tf.concat([a, b[:rows]], 0)[:2])


@case(expect={"a": "flows", "b": "flows"})
def concatenated_with_an_unknown_length_before(make):
    a, b = make.variable("a", 4, 3), make.variable("b", 4, 3)
    rows = make.number("rows", 1, 2, 3)
    return total(tf.concat([a[:rows], b], 0)[2:4])


@case(expect={"a": "zero", "b": "flows"})
def split_again(make):
    a, b = make.variable("a", 3, 2), make.variable("b", 3, 4)
    return total(tf.split(tf.concat([a, b], 1), 3, 1)[2])


@case(expect={"a": "flows", "b": "zero", "c": "zero"})
def split_by_sizes(make):
    a, b, c = make.variable("a", 2), make.variable("b", 1), make.variable("c", 3)
    return total(tf.split(tf.concat([a, b, c], 0), [2, -1])[0])


@case(expect={"a": "zero", "b": "flows"})
def a_slice_of_a_slice(make):
    a, b = make.variable("a", 2), make.variable("b", 4)
    return total(tf.slice(tf.concat([a, b], 0)[1:], [1], [3]))


@case(expect={"w": "zero", "u": "flows"})
def the_padding_alone_is_used(make):
    w = make.variable("w", 2, 3)
    return total(tf.pad(w, [[1, 0], [2, 2]])[:, :2]) + total(make.variable("u", 3))


@case()
def an_empty_slice(make):
    w = make.variable("w", 4)
    return tf.reduce_sum(w[2:2]) + total(make.variable("u", 3))


@case(expect={"a": "flows", "b": "flows"})
def every_second_element(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(tf.concat([a, b], 0)[::2])


@case(expect={"a": "flows", "b": "zero"})
def backwards_through_the_batch(make):
    a, b, w = make.variable("a", 2, 3), make.variable("b", 2, 3), make.variable("w", 3, 4)
    both = tf.nn.relu(tf.nn.bias_add(tf.matmul(tf.concat([a, b], 0), w), make.variable("c", 4)))
    return total(both[:2])


@case(expect={"a": "flows", "b": "flows"})
def mixed_before_it_is_cut(make):
    a, b = make.variable("a", 2, 3), make.variable("b", 2, 3)
    both = tf.concat([a, b], 0)
    return total((both - tf.reduce_mean(both, 0, True))[:2])


@case(expect={"a": "flows", "b": "flows"})
def reversed_before_it_is_cut(make):
    a, b = make.variable("a", 2), make.variable("b", 2)
    both = tf.concat([a, b], 0)[::-1]
    return total(both[:2]) + total(tf.concat([a, b], 0)[:1])


@case(expect={"a": "flows", "b": "zero"})
def broadcast_along_another_axis(make):
    a, b = make.variable("a", 1, 2), make.variable("b", 1, 2)
    return total((tf.concat([a, b], 1) * tf.ones([3, 4]))[:, :2])


@case(expect={"w": "flows"})
def broadcast_along_the_axis_that_is_cut(make):
    w = make.variable("w", 1, 2)
    return total((w * tf.ones([3, 2]))[1:])


@case(expect={"a": "flows", "b": "zero"})
def put_together_in_a_function_and_cut_outside(make):
    a, b = make.variable("a", 3), make.variable("b", 3)
    return total(outlined(lambda x, y: tf.stack([x, y]))(tf.identity(a), tf.identity(b))[0])


@case(expect={"a": "flows", "b": "flows"})
def put_together_in_a_loop(make):
    a, b = make.variable("a", 3), make.variable("b", 3)

    def body(i, x):
        return i + 1, tf.concat([x[3:], x[:3]], 0)

    _, x = tf.while_loop(lambda i, x: i < 3, body, [tf.constant(0), tf.concat([a, b], 0)])
    return total(x[:3])


@case()
def the_gradient_of_a_slice_in_the_loss(make):
    w = make.variable("w", 4)
    inner = tf.gradients(tf.reduce_sum(w[:2] ** 3), [w])[0]
    return total(inner[2:]) + total(make.variable("u", 3))


@case()
def the_gradient_of_a_slice_cut_where_it_is(make):
    w = make.variable("w", 4)
    inner = tf.gradients(tf.reduce_sum(w[:2] ** 3), [w])[0]
    return total(inner[1:])


@case(expect={"w": "zero"})
def times_zeros_that_a_function_returns(make):
    w = make.variable("w", 3)
    zeros = outlined(lambda x: tf.zeros([3]) * x)(tf.ones([3]))
    return total(make.variable("u", 3)) + tf.reduce_sum(w * zeros)
