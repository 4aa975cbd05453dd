"""Ops that have no gradient registered, or forbid it: TensorFlow raises as soon as the target feeds one."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, outlined, total

v1 = tf.compat.v1


def hue(pixels):
    """``AdjustHue``: float to float, no gradient registered in any version."""
    return tf.raw_ops.AdjustHue(images=pixels, delta=0.1)


@case()
def unregistered_op(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)
    return total(hue(w) + u)


@case()
def unregistered_op_with_a_good_route_beside(make):
    w = make.variable("w", 2, 2, 3)
    return total(hue(w) + w)


@case()
def unregistered_op_behind_a_stop(make):
    w = make.variable("w", 2, 2, 3)
    return total(tf.stop_gradient(hue(w)) + w)


@case()
def unregistered_op_before_a_stop(make):
    w = make.variable("w", 2, 2, 3)
    return total(hue(tf.stop_gradient(w)) + w)


@case()
def unregistered_op_fed_by_inputs_only(make):
    w, x = make.variable("w", 2, 2, 3), make.input("x", 2, 2, 3)
    return total(hue(x) * w), {"x": x}


@case()
def unregistered_op_fed_by_a_cast(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)
    return total(hue(tf.cast(tf.cast(w, tf.int32), tf.float32)) + u)


@case()
def unregistered_op_fed_by_a_floor(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)
    return total(hue(tf.floor(w)) + u)


@case()
def unregistered_op_fed_by_a_gather_index(make):
    w, u = make.variable("w", 2), make.variable("u", 2, 2, 3)
    return total(hue(tf.gather(make.input("x", 2, 2, 3), tf.cast(w, tf.int32) * 0)) + u)


@case()
def unregistered_op_outside_the_loss(make):
    w = make.variable("w", 2, 2, 3)
    tf.identity(hue(w), name="picture")
    return total(w)


@case()
def unregistered_op_behind_an_integer_input(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 4)
    pick = tf.cast(tf.reduce_sum(hue(w)) * 0.0, tf.int32)
    return total(tf.gather(u, [pick]))


@case()
def unregistered_op_with_integer_output(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    bucket = tf.raw_ops.Bucketize(input=w, boundaries=[0.0, 1.0])
    return total(tf.cast(bucket, tf.float32) + u)


@case()
def unregistered_op_behind_a_shape(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 12)
    return total(tf.reshape(u, tf.shape(hue(w))))


@case()
def lu_decomposition(make):
    w = make.variable("w", 3, 3)
    lower, permutation = tf.linalg.lu(w)
    return total(lower) + total(w), {"permutation": permutation}


@case()
def prevent_gradient(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.raw_ops.PreventGradient(input=w, message="no") + u)


@case()
def prevent_gradient_past_a_stop(make):
    w = make.variable("w", 3)
    return total(tf.stop_gradient(tf.raw_ops.PreventGradient(input=w, message="no")) + w)


@case()
def prevent_gradient_in_a_function(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    guarded = outlined(lambda a, b: (tf.raw_ops.PreventGradient(input=a, message="no"), b * 2.0))
    return total(guarded(w, u)[1])


@case()
def unregistered_op_on_an_unused_result(make):
    """Only the good result is read: does the op inside the body still raise?"""
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 3)
    both = outlined(lambda a, b: (hue(a), b * 2.0))
    return total(both(w, u)[1])


@case()
def unregistered_op_in_a_function_fed_by_input(make):
    x, u = make.input("x", 2, 2, 3), make.variable("u", 2, 2, 3)
    inside = outlined(lambda a, b: hue(a) + b)
    return total(inside(x, u)), {"x": x}


@case()
def unregistered_op_in_a_function_behind_a_stop(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)
    inside = outlined(lambda a, b: tf.stop_gradient(hue(a)) + b)
    return total(inside(w, u))


@case()
def unregistered_op_in_a_function_fed_through_floor_outside(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)
    inside = outlined(lambda a, b: hue(a) + b)
    return total(inside(tf.floor(w), u))


@case()
def unregistered_op_deep_in_nested_functions(make):
    w, u, v = (make.variable(name, 2, 2, 3) for name in "wuv")
    innermost = outlined(lambda a: hue(a) * 2.0)
    middle = outlined(lambda a, b: innermost(a) + b)
    return total(middle(w, u)) + total(v)


@case()
def unregistered_op_in_one_branch(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 2, 2, 3)
    return total(tf.cond(make.flag("p"), lambda: hue(w), lambda: u * 2.0))


@case()
def unregistered_op_in_a_loop_body(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 3)
    _, end, other = tf.while_loop(lambda i, a, b: i < 2, lambda i, a, b: (i + 1, hue(a), b * 2.0), [0, w * 1.0, u * 1.0])
    return total(other) + 0.0 * total(make.variable("v", 3)), {"end": end}


@case()
def queue_dequeue(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    queue = v1.FIFOQueue(2, tf.float32, [[3]])
    with tf.control_dependencies([queue.enqueue([w * 1.0])]):
        return total(queue.dequeue() + u)


@case()
def parallel_concat(make):
    w, u = make.variable("w", 2), make.variable("u", 2, 2)
    both = tf.raw_ops.ParallelConcat(values=[tf.expand_dims(w * 2.0, 0), tf.expand_dims(w * 3.0, 0)], shape=[2, 2])
    return total(both + u)
