"""Odd questions: losses and targets that are not a float scalar and a float variable."""

from __future__ import annotations

import tensorflow as tf

from ..bench import MODES, VERSION
from .collect import REF, case, outlined, total

v1 = tf.compat.v1
CRASH = "TensorFlow 1.15 raises a ValueError for a call that has no gradient at all"
NO_GRADIENTS = {"call": CRASH} if VERSION < (2, 0) else None
FIRST_ONLY = dict.fromkeys(("v2", "function", "call"), "only with v1 control flow is a branch's tensor one of this graph")
LOSS_IS_A_VARIABLE = {"call": "outside of the function the loss is its result, not the variable"}


@case(crash=NO_GRADIENTS)
def loss_is_integer(make):
    return tf.reduce_sum(tf.cast(make.variable("w", 3), tf.int32))


@case(crash=NO_GRADIENTS)
def loss_counts_equal_labels(make):
    w = make.variable("w", 3)
    return tf.math.count_nonzero(tf.equal(tf.round(w), make.input("y", 3)))


@case(crash=NO_GRADIENTS)
def loss_is_integer_through_integers(make):
    k = make.variable("k", 3, dtype=tf.int32, trainable=False)
    return tf.reduce_sum(k * 2)


@case(crash=dict.fromkeys(MODES, "before TensorFlow 2.5 a boolean loss is a TypeError") if VERSION < (2, 5) else None)
def loss_is_boolean(make):
    return tf.reduce_any(make.variable("w", 3) > 0.0)


@case(expect="error")
def loss_is_complex(make):
    w = make.variable("w", 3)
    return tf.reduce_sum(tf.complex(w, w))


@case(expect="error")
def loss_is_a_string(make):
    return tf.strings.as_string(tf.reduce_sum(make.variable("w", 3)))


@case()
def loss_is_a_matrix(make):
    return make.variable("w", 3, 2) * make.input("x", 3, 2)


@case()
def loss_is_half(make):
    return tf.reduce_sum(tf.cast(make.variable("w", 3), tf.float16))


@case()
def loss_depends_on_nothing(make):
    make.variable("w", 3)
    return total(make.input("x", 3))


@case()
def loss_is_a_constant(make):
    make.variable("w", 3)
    return tf.constant(3.0)


@case()
def several_losses(make):
    w, u, v = (make.variable(name, 3) for name in "wuv")
    return [total(w), total(u * tf.stop_gradient(v))]


@case()
def several_losses_one_inside_the_other(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    hidden = w * u
    return [total(tf.stop_gradient(hidden)), hidden], {"hidden": hidden}


@case()
def several_losses_one_of_them_integer(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return [total(w), tf.reduce_sum(tf.cast(u, tf.int32))]


@case()
def several_losses_one_raises(make):
    w, u = make.variable("w", 2, 2, 3), make.variable("u", 3)
    return [total(tf.raw_ops.AdjustHue(images=w * 1.0, delta=0.1)), total(u)]


@case()
def same_loss_twice(make):
    loss = total(make.variable("w", 3))
    return [loss, loss]


@case(skip=REF)
def loss_is_its_own_reference_variable(make):
    return make.ref_variable("w", 3)


@case(skip=LOSS_IS_A_VARIABLE)
def loss_is_its_own_variable(make):
    return make.variable("w", 3).read_value()


@case(expect={"loss": "flows"})
def loss_is_a_target(make):
    loss = total(make.variable("w", 3))
    return loss, {"loss": loss}


@case()
def loss_is_a_placeholder(make):
    x = make.input("x", 3)
    make.variable("w", 3)
    return x, {"x": x}


@case()
def target_below_the_loss(make):
    loss = total(make.variable("w", 3))
    later = loss * 2.0
    return loss, {"later": later}


@case()
def targets_are_tensors_of_every_kind(make):
    w, x, k = make.variable("w", 3), make.input("x", 3), make.input("k", 3, dtype=tf.int32)
    hidden, mask = w * x, x > 0.0
    loss = total(hidden * tf.cast(k, tf.float32) * tf.cast(mask, tf.float32))
    return loss, {"x": x, "k": k, "hidden": hidden, "mask": mask, "constant": tf.constant(1.0)}


@case()
def target_is_a_read_of_a_variable(make):
    w = make.variable("w", 3)
    first, second = w.read_value(), w.read_value()
    return total(first), {"first": first, "second": second}


@case()
def target_behind_a_stop(make):
    w = make.variable("w", 3)
    stopped = tf.stop_gradient(w * 2.0)
    return total(stopped) + total(w), {"stopped": stopped}


@case()
def target_is_a_switch_case_result(make):
    w = make.variable("w", 3)
    chosen = tf.switch_case(make.number("k"), [lambda: w * 1.0, lambda: w * 2.0])
    return total(chosen), {"chosen": chosen}


@case(skip=FIRST_ONLY)
def loss_inside_a_branch(make):
    w, u, inside = make.variable("w", 3), make.variable("u", 3), []
    tf.cond(make.flag("p", True, True, True), lambda: inside.append(total(w)) or inside[0], lambda: total(u))
    return inside[0]


@case(skip=FIRST_ONLY)
def target_inside_a_branch(make):
    w, inside = make.variable("w", 3), []
    loss = tf.cond(make.flag("p", True, True, True), lambda: total(inside.append(w * 2.0) or inside[0]), lambda: total(w))
    return loss, {"inside": inside[0]}


@case(skip=FIRST_ONLY)
def target_inside_a_loop(make):
    w, inside = make.variable("w", 3), []
    _, end = v1.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, inside.append(h * 2.0) or inside[0]), [0, w * 1.0])
    return total(end), {"inside": inside[0]}


@case(skip=FIRST_ONLY)
def loss_inside_a_loop(make):
    w, inside = make.variable("w", 3), []
    v1.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, inside.append(h * w) or inside[0]), [0, tf.ones([3])])
    return inside[0]


@case()
def loss_collected_by_the_library(make):
    w = make.variable("w", 3)
    labels = make.input("labels", 3, values=[[0.0, 1.0, 1.0]] * 3)
    return v1.losses.sigmoid_cross_entropy(labels, w * 1.0) + 0.01 * tf.nn.l2_loss(make.variable("u", 3))


@case()
def softmax_cross_entropy_stops_its_labels(make):
    logits, labels = make.variable("logits", 2, 3), make.variable("labels", 2, 3)
    both = tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(labels), logits=logits)
    first = v1.nn.softmax_cross_entropy_with_logits(labels=tf.stop_gradient(make.variable("old", 2, 3)), logits=logits)
    return tf.reduce_sum(both) + tf.reduce_sum(first)


@case()
def function_result_as_loss(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return outlined(lambda x: total(x * w) + total(tf.stop_gradient(x)))(u * 1.0)
