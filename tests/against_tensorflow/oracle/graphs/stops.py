"""Plain stops: in the middle, on one of two uses, bypassed by a straight-through estimator."""

from __future__ import annotations

import tensorflow as tf

from .collect import STOPS_INSIDE, case, total


@case()
def stop_between_two_layers(make):
    w1, w2 = make.variable("w1", 3, 4), make.variable("w2", 4, 1)
    hidden = tf.stop_gradient(tf.matmul(make.input("x", 2, 3), w1))
    return total(tf.matmul(hidden, w2))


@case()
def no_stop_between_two_layers(make):
    w1, w2 = make.variable("w1", 3, 4), make.variable("w2", 4, 1)
    x = make.input("x", 2, 3)
    return total(tf.matmul(tf.nn.relu(tf.matmul(x, w1)), w2)), {"x": x}


@case()
def stop_on_one_of_two_uses(make):
    w = make.variable("w", 3)
    return tf.reduce_sum(tf.stop_gradient(w) * w)


@case()
def stop_on_both_uses(make):
    w = make.variable("w", 3)
    return tf.reduce_sum(tf.stop_gradient(w) * tf.stop_gradient(w + 1.0))


@case()
def stop_on_a_side_product(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(w + tf.stop_gradient(u) * w)


@case()
def straight_through_estimator(make):
    w = make.variable("w", 3)
    z = w * 2.0
    return total(z + tf.stop_gradient(tf.round(z) - z))


@case()
def two_stops_in_a_row(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.stop_gradient(u + tf.stop_gradient(w)))


@case()
def stop_of_inputs_only(make):
    w = make.variable("w", 3)
    return total(w * tf.stop_gradient(make.input("x", 3)))


@case()
def unused_variable(make):
    make.variable("idle", 3)
    return total(make.variable("w", 3))


@case()
def variable_behind_a_control_edge_only(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    with tf.control_dependencies([tf.identity(u)]):
        return total(tf.identity(w))


@case(skip=STOPS_INSIDE)
def stop_argument_in_the_middle(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * 2.0
    return total(hidden + u), {"hidden": hidden}, [hidden]


@case()
def stop_argument_on_the_variable_itself(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(w * u), {}, [w]


@case(skip=STOPS_INSIDE)
def stop_argument_past_a_second_route(make):
    w = make.variable("w", 3)
    hidden = w * 2.0
    return total(hidden) + total(w), {"hidden": hidden}, [hidden]


@case(skip=STOPS_INSIDE)
def stop_argument_that_is_the_loss(make):
    w = make.variable("w", 3)
    loss = total(w)
    return loss, {"loss": loss}, [loss]


@case(skip=STOPS_INSIDE)
def stop_argument_on_one_output_of_a_split(make):
    w = make.variable("w", 4)
    first, second = tf.split(w, 2)
    return total(first) + total(second), {"first": first, "second": second}, [first]


@case(expect={"w": "flows"})
def deep_chain(make):
    w = make.variable("w", 3)
    h = w
    for _ in range(200):
        h = h * 0.99 + 0.01
    return total(h)


@case()
def diamond_with_one_side_stopped(make):
    w = make.variable("w", 3)
    h = tf.tanh(w)
    return total(tf.stop_gradient(h * 2.0) + h * 3.0), {"h": h}


@case()
def gan_generator_behind_a_stopped_discriminator(make):
    g, d = make.variable("g", 3, 3), make.variable("d", 3, 1)
    fake = tf.matmul(make.input("noise", 2, 3), g)
    verdict = tf.stop_gradient(tf.sigmoid(tf.matmul(fake, d)))
    return total(verdict - 1.0) + 0.1 * total(fake)
