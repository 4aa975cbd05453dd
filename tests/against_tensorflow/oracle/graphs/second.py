"""Second order: the loss holds gradients."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, outlined, total
from .loops import times

v1 = tf.compat.v1


def gradient(loss, x, **options):
    return v1.gradients(loss, [x], **options)[0]


@case()
def gradient_penalty(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    return total(gradient(tf.reduce_sum(tf.tanh(w * x)), x)), {"x": x}


@case()
def gradient_of_a_linear_model_does_not_depend_on_its_input(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    return total(gradient(tf.reduce_sum(w * x), x)), {"x": x}


@case()
def gradient_of_a_sum_is_constant(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 1.0
    return total(gradient(tf.reduce_sum(hidden), hidden) * u)


@case()
def gradient_of_relu_is_flat(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 1.0
    return total(gradient(tf.reduce_sum(tf.nn.relu(hidden)), hidden) * u)


@case()
def gradient_of_batch_norm(make):
    x, gamma = make.variable("x", 2, 2, 2, 1), make.variable("gamma", 1)
    hidden = x * 1.0
    y = v1.nn.fused_batch_norm(hidden, gamma * 1.0, tf.zeros([1]), is_training=True)[0]
    return total(gradient(tf.reduce_sum(y**3), hidden))


@case()
def gradient_of_pooling_and_convolution(make):
    x, w = make.variable("x", 1, 4, 4, 1), make.variable("w", 2, 2, 1, 2)
    hidden = x * 1.0
    y = tf.nn.max_pool2d(tf.tanh(tf.nn.conv2d(hidden, w, [1, 1, 1, 1], "SAME")), 2, 2, "VALID")
    return total(gradient(total(y), hidden))


@case()
def gradient_that_is_stopped(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    inner = gradient(total(w * 1.0), w)
    return total(w - 0.1 * tf.stop_gradient(inner)) + total(u)


@case()
def gradient_step_then_the_loss_again(make):
    """Model-agnostic meta learning: the loss after one step of gradient descent."""
    w, x = make.variable("w", 3), make.input("x", 3)
    value = w.read_value()
    moved = value - 0.1 * gradient(total(tf.tanh(value * x)), value)
    return total(tf.tanh(moved * x))


@case()
def gradient_of_a_gather(make):
    w, u = make.variable("w", 4, 2), make.variable("u", 2)
    hidden = w * 1.0
    inner = gradient(total(tf.gather(hidden, [0, 1]) * u), hidden)
    return total(tf.convert_to_tensor(inner))


@case()
def gradient_through_a_stop_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 1.0
    return total(gradient(total(hidden * tf.stop_gradient(u)), hidden))


@case()
def gradient_with_stop_gradients_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    first = w * 1.0
    second = first * u
    return total(gradient(total(second + first), first, stop_gradients=[second]))


@case()
def gradient_of_a_cond(make):
    w, x, p = make.variable("w", 3), make.input("x", 3), make.flag("p")
    y = tf.cond(p, lambda: tf.tanh(w * x), lambda: w * x)
    return total(gradient(tf.reduce_sum(y), x)), {"x": x}


@case()
def gradient_of_a_loop(make):
    """v1 control flow raises ``TypeError``: no second order for loops."""
    w, x = make.variable("w", 3), make.input("x", 3)
    return total(gradient(total(times(2, lambda h: [tf.tanh(h * w)], [x])[0]), x))


@case()
def gradient_of_a_loop_that_is_stopped(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    inner = gradient(total(times(2, lambda h: [tf.tanh(h * w)], [x])[0]), x)
    return total(tf.stop_gradient(inner) * make.variable("u", 3))


@case()
def gradient_of_a_call(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    return total(gradient(total(outlined(lambda a: tf.tanh(a * w))(x)), x)), {"x": x}


@case()
def gradient_of_a_call_with_a_cut(make):
    w, u, x = make.variable("w", 3), make.variable("u", 3), make.input("x", 3)
    body = outlined(lambda a: tf.tanh(a * w) * tf.stop_gradient(u))
    return total(gradient(total(body(x)), x)), {"x": x}


@case()
def gradient_inside_a_function(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    return total(outlined(lambda a: gradient(total(tf.tanh(a * w)), a))(x))


@case()
def gradient_of_a_custom_gradient(make):
    w = make.variable("w", 3)
    cube = tf.custom_gradient(lambda x: (x**3, lambda dy: dy * 3.0 * x**2))
    hidden = w * 1.0
    return total(gradient(tf.reduce_sum(cube(hidden)), hidden))


@case()
def gradient_of_an_unregistered_gradient(make):
    """The first order exists, the gradient op itself has none."""
    w = make.variable("w", 1, 2, 2, 3)
    hidden = w * 1.0
    return total(gradient(total(tf.nn.local_response_normalization(hidden)), hidden))


@case()
def hessian(make):
    w = make.variable("w", 3)
    value = w.read_value()
    return total(v1.hessians(tf.reduce_sum(value**3), [value])[0])


@case()
def optimizer_step_beside_the_loss(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    loss = total(w * tf.stop_gradient(u))
    if not v1.get_default_graph().building_function:
        v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss, var_list=[w])
    return loss


@case()
def gradient_with_its_own_incoming_gradient(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 1.0
    return total(gradient(hidden * hidden, hidden, grad_ys=u * 1.0))


@case()
def tape_inside_the_graph(make):
    w, x = make.variable("w", 3), make.input("x", 3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = total(tf.tanh(w * x))
    return total(tape.gradient(y, x)), {"x": x}
