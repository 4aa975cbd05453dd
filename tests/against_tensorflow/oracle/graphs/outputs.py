"""Ops with several outputs: the outputs that are read decide which inputs get a gradient."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, total

v1 = tf.compat.v1


@case()
def split_one_half_stopped(make):
    first, second = tf.split(make.variable("w", 4), 2)
    return total(tf.stop_gradient(first)) + total(second)


@case()
def split_every_part_stopped(make):
    first, second = tf.split(make.variable("w", 4), 2)
    return total(tf.stop_gradient(first)) + total(tf.stop_gradient(second)) + total(make.variable("u", 2))


@case()
def split_uneven_sizes(make):
    parts = tf.split(make.variable("w", 5), [2, 3])
    return total(parts[1])


@case()
def unstack_one_row(make):
    rows = tf.unstack(make.variable("w", 3, 2))
    return total(rows[1]), {"other row": rows[0], "same row": rows[1]}


@case()
def top_k_values(make):
    values, _ = tf.nn.top_k(make.variable("w", 5), 2)
    return total(values)


@case()
def top_k_indices_only(make):
    values, indices = tf.nn.top_k(make.variable("w", 5), 2)
    return total(tf.cast(indices, tf.float32) * make.variable("u", 2)), {"values": values}


@case()
def svd_singular_values(make):
    s, u, _ = tf.linalg.svd(make.variable("w", 3, 3))
    return total(s), {"u": u}


@case()
def svd_without_vectors(make):
    return total(tf.linalg.svd(make.variable("w", 3, 3), compute_uv=False))


@case()
def moments_mean_only(make):
    mean, variance = tf.nn.moments(make.variable("w", 4, 3), [0])
    return total(mean), {"variance": variance}


@case()
def moments_variance(make):
    mean, variance = tf.nn.moments(make.variable("w", 4, 3), [0])
    return total(variance), {"mean": mean}


def normalized(make, training):
    x = make.input("image", 2, 4, 4, 3) * make.variable("scale_in")
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (make.variable(name, 3) for name in names)
    mean, variance = mean * 1.0, variance * variance + 1.0
    if training:
        return v1.nn.fused_batch_norm(x, gamma * 1.0, beta * 1.0, is_training=True)
    return v1.nn.fused_batch_norm(x, gamma * 1.0, beta * 1.0, mean, variance, is_training=False)


@case()
def batch_norm_training(make):
    y, mean, variance = normalized(make, training=True)
    return tf.reduce_sum(y**3), {"batch mean": mean, "batch variance": variance}


@case()
def batch_norm_inference(make):
    return tf.reduce_sum(normalized(make, training=False)[0] ** 3)


@case()
def batch_norm_reads_only_batch_mean(make):
    return total(normalized(make, training=True)[1])


@case()
def unique_values(make):
    values, _ = tf.unique(make.variable("w", 4))
    return total(values)


@case()
def unique_index_of_ints(make):
    ids = tf.cast(make.variable("w", 4), tf.int32)
    values, index = tf.unique(ids)
    return total(tf.gather(make.variable("u", 4), index)), {"values": values}


@case()
def other_output_of_a_split(make):
    first, second = tf.split(make.variable("w", 4), 2)
    return total(second), {"first": first, "second": second}


@case()
def qr_both_factors(make):
    q, r = tf.linalg.qr(make.variable("w", 3, 3))
    return total(r[0]), {"q": q}


@case()
def self_adjoint_eig_values(make):
    w = make.variable("w", 3, 3)
    values, vectors = tf.linalg.eigh(tf.matmul(w, w, transpose_b=True))
    return total(values), {"vectors": vectors}


@case()
def cross_entropy_backprop_output(make):
    w = make.variable("w", 2, 3)
    loss, backprop = tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=w, labels=make.variable("labels", 2, 3))
    return total(backprop), {"loss": loss}


@case()
def sparse_cross_entropy(make):
    labels = make.input("labels", 2, dtype=tf.int32)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=make.variable("w", 2, 3))
    return tf.reduce_sum(loss), {"labels": labels}


@case()
def identity_n_keeps_its_wires_apart(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    first, second = tf.identity_n([w * 2.0, u * 2.0])
    return total(first), {"second": second}


@case()
def dynamic_partition_and_stitch(make):
    parts = tf.dynamic_partition(make.variable("w", 4), make.input("where", 4, dtype=tf.int32), 2)
    halves = tf.dynamic_stitch([[0, 1], [2, 3]], [make.variable("a", 2), make.variable("b", 2)])
    return total(parts[0]) + total(parts[1]) + total(halves[:2])
