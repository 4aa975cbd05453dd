"""Functions of the first kind: ``Defun`` makes an op whose type is the function's own name."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.framework import function

from .collect import case, total

Defun = function.Defun


@case()
def defun_plain(make):
    w = make.variable("w", 3)

    @Defun(tf.float32)
    def double(x):
        return x * 2.0

    return total(double(w * 1.0))


@case()
def defun_with_a_stop_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32, tf.float32)
    def mixed(x, y):
        return tf.stop_gradient(x) * y

    return total(mixed(w * 1.0, u * 1.0))


@case()
def defun_cuts_all(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32)
    def cut(x):
        return tf.stop_gradient(x)

    return total(cut(w * 1.0) + u)


@case()
def defun_one_of_two_results(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32, tf.float32)
    def pair(x, y):
        return x * 2.0, y * 3.0

    return total(pair(w * 1.0, u * 1.0)[0])


@case()
def defun_python_gradient(make):
    """As tensor2tensor's ``convert_gradient_to_tensor``: the gradient passes through Python."""
    w = make.variable("w", 3)

    @Defun(
        tf.float32,
        python_grad_func=lambda op, dy: tf.convert_to_tensor(dy) * 7.0,
        shape_func=lambda op: [op.inputs[0].get_shape()],
    )
    def same(x):
        return tf.identity(x)

    return total(same(w * 1.0))


@case()
def defun_python_gradient_that_is_none(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32, tf.float32, python_grad_func=lambda op, dy: [None, dy])
    def add(x, y):
        return x + y

    return total(add(w * 1.0, u * 1.0))


@case()
def defun_python_gradient_past_a_stop(make):
    """The body is cut, the gradient function is not: the function decides."""
    w = make.variable("w", 3)

    @Defun(tf.float32, python_grad_func=lambda op, dy: dy)
    def rounded(x):
        return tf.stop_gradient(tf.round(x))

    return total(rounded(w * 1.0))


@case()
def defun_python_gradient_over_an_unregistered_op(make):
    w = make.variable("w", 2, 2, 3)

    @Defun(tf.float32, python_grad_func=lambda op, dy: dy)
    def hue(x):
        return tf.raw_ops.AdjustHue(images=x, delta=0.1)

    return total(hue(w * 1.0))


@case()
def defun_gradient_function(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32, tf.float32, tf.float32)
    def product_gradient(x, y, dz):
        return dz * y, dz * x

    @Defun(tf.float32, tf.float32, grad_func=product_gradient)
    def product(x, y):
        return x * y

    return total(product(w * 1.0, u * 1.0))


@case()
def defun_gradient_function_that_gives_zeros(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32, tf.float32, tf.float32)
    def one_sided(x, y, dz):
        return tf.zeros_like(x), dz * x

    @Defun(tf.float32, tf.float32, grad_func=one_sided)
    def product(x, y):
        return x * y

    return total(product(w * 1.0, u * 1.0))


@case()
def defun_calls_a_defun(make):
    w, u = make.variable("w", 3), make.variable("u", 3)

    @Defun(tf.float32)
    def inner(x):
        return x * 2.0

    @Defun(tf.float32, tf.float32)
    def outer(x, y):
        return inner(x) + tf.stop_gradient(inner(y))

    return total(outer(w * 1.0, u * 1.0))


@case()
def defun_unregistered_op_inside(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)

    @Defun(tf.float32, tf.float32)
    def mixed(x, y):
        return tf.raw_ops.AdjustHue(images=x, delta=0.1), y * 2.0

    return total(mixed(w * 1.0, u * 1.0)[1])


@case()
def defun_integer_argument(make):
    w = make.variable("w", 4)
    ids = make.input("ids", 2, dtype=tf.int32)

    @Defun(tf.float32, tf.int32)
    def pick(x, i):
        return tf.gather(x, i)

    return total(pick(w * 1.0, ids)), {"ids": ids}


@case()
def defun_captures_from_outside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = u * 1.0

    @Defun(tf.float32)
    def scale(x):
        return x * hidden

    return total(scale(w * 1.0))


@case()
def defun_without_inlining(make):
    w = make.variable("w", 3)

    @Defun(tf.float32, noinline=True)
    def double(x):
        return tf.tanh(x) * 2.0

    return total(double(w * 1.0))


@case()
def defun_in_a_cond(make):
    w = make.variable("w", 3)

    @Defun(tf.float32)
    def double(x):
        return x * 2.0

    hidden = w * 1.0
    return total(tf.cond(make.flag("p"), lambda: double(hidden), lambda: tf.stop_gradient(hidden)))
