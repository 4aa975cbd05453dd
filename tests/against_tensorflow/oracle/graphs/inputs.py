"""Inputs that get ``None``: indices, shapes, conditions, axes, paddings."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, total

v1 = tf.compat.v1


def as_index(variable):
    return tf.cast(tf.abs(variable), tf.int32) % 2


@case()
def gather_rows(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 4)
    return total(tf.gather(w, as_index(u)))


@case()
def gather_of_a_product(make):
    w = make.variable("w", 3, 2)
    return total(tf.gather(w * 2.0, make.input("ids", 4, dtype=tf.int32)))


@case()
def gather_nd_of_a_variable(make):
    return total(tf.gather_nd(make.variable("w", 3, 2), [[0, 1], [1, 0]]))


@case()
def gather_of_stopped_rows(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    return total(tf.gather(tf.stop_gradient(w), [0, 1]) * u)


@case()
def shape_only_use(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 6)
    return total(tf.reshape(u, tf.shape(w)))


@case()
def shape_only_use_of_an_unknown_shape(make):
    x, u = make.input("x", 3, 2), make.variable("u", 6)
    hidden = v1.placeholder_with_default(x * 2.0, [None, None])
    return total(tf.reshape(u, tf.shape(hidden))), {"x": x}


@case()
def zeros_like_and_ones_like(make):
    w, u, v = make.variable("w", 3), make.variable("u", 3), make.variable("v", 3)
    return total(v + tf.zeros_like(w) + tf.ones_like(u))


@case()
def size_and_rank(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(u * tf.cast(tf.size(w), tf.float32) * tf.cast(tf.rank(w), tf.float32))


@case()
def slice_begin_from_a_variable(make):
    w, u = make.variable("w", 4), make.variable("u", 1)
    return total(tf.slice(w, as_index(u), [2]))


@case()
def strided_slice(make):
    return total(make.variable("w", 4, 3)[1:3, ::-1, tf.newaxis])


@case()
def fill_with_a_variable(make):
    return total(tf.fill([2, 2], make.variable("w")))


@case()
def one_hot_on_and_off_values(make):
    w, u = make.variable("w"), make.variable("u")
    return total(tf.one_hot(as_index(make.variable("ids", 3)), 2, on_value=w, off_value=u))


@case()
def pad_value(make):
    w, u = make.variable("w", 3), make.variable("u")
    return total(tf.pad(w, [[1, 1]], constant_values=u))


@case()
def tile_transpose_concat(make):
    w, u = make.variable("w", 2, 3), make.variable("u", 3, 2)
    return total(tf.concat([tf.tile(w, [2, 1]), tf.transpose(u)], 0))


@case()
def segment_sums(make):
    ids = make.input("ids", 3, dtype=tf.int32, values=[[0, 0, 1]] * 3)
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.math.segment_sum(w, ids)) + total(tf.math.unsorted_segment_max(u, ids, 2)), {"ids": ids}


@case()
def scatter_nd_updates(make):
    w, u = make.variable("w", 2), make.variable("u", 4)
    return total(tf.scatter_nd([[0], [2]], w, [4]) + tf.tensor_scatter_nd_update(u, [[1]], [3.0]))


@case()
def boolean_mask_by_a_variable(make):
    w, u = make.variable("w", 4), make.variable("u", 4)
    return total(tf.boolean_mask(w, tf.equal(tf.abs(u), tf.abs(u))))


@case()
def where_of_one_argument(make):
    w, u = make.variable("w", 4), make.variable("u", 4)
    places = tf.where(tf.equal(tf.abs(u), tf.abs(u)))
    return total(tf.gather_nd(w, places))


@case()
def range_of_variables(make):
    w = make.variable("w")
    count = tf.range(0.0, tf.abs(w) + 3.0, 1.0)
    return total(count[:2] * make.variable("u", 2))


@case()
def random_op_with_a_variable_mean(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(w + tf.abs(u) * tf.random.normal(tf.shape(w)))


@case()
def random_gamma_alpha(make):
    return total(tf.random.gamma([2], tf.abs(make.variable("w", 3)) + 1.0))


@case()
def multinomial_sample_of_logits(make):
    w = make.variable("w", 1, 4)
    sample = tf.random.categorical(w, 3)
    log_p = tf.nn.log_softmax(w)
    return tf.reduce_sum(tf.gather(log_p[0], sample[0])) + 0.1 * total(make.variable("u")), {"sample": sample}


@case()
def score_function_estimator(make):
    w = make.variable("w", 1, 4)
    action = tf.stop_gradient(tf.random.categorical(w, 3))
    return tf.reduce_sum(tf.gather(tf.nn.log_softmax(w)[0], action[0]))


@case()
def resize_and_crop(make):
    image, boxes = make.variable("image", 1, 4, 4, 1), make.variable("boxes", 1, 4)
    crops = tf.image.crop_and_resize(image, tf.sigmoid(boxes), [0], [2, 2])
    return total(v1.image.resize_bilinear(crops, [3, 3]))


@case()
def conv_with_input_sizes(make):
    x = make.input("x", 1, 4, 4, 1)
    w = make.variable("w", 2, 2, 1, 2)
    hidden = tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME")
    back = tf.nn.conv2d_transpose(hidden, make.variable("u", 2, 2, 1, 2), tf.shape(x), [1, 1, 1, 1], padding="SAME")
    return total(tf.nn.max_pool2d(back, 2, 2, "VALID")), {"x": x}


@case()
def cumsum_reverse_roll_axis(make):
    w = make.variable("w", 4)
    return total(tf.roll(tf.reverse(tf.cumsum(w), [0]), 1, 0) * tf.math.cumprod(w))


@case()
def sequence_mask_lengths(make):
    w, lengths = make.variable("w", 2, 3), make.variable("lengths", 2)
    mask = tf.sequence_mask(as_index(lengths) + 1, 3, dtype=tf.float32)
    return total(w * mask)


@case()
def reverse_sequence_lengths(make):
    w, lengths = make.variable("w", 2, 3), make.variable("lengths", 2)
    return total(tf.reverse_sequence(w, as_index(lengths) + 1, seq_axis=1, batch_axis=0)[:, 0])


@case()
def clip_by_variables(make):
    w, low = make.variable("w", 3), make.variable("low", 3)
    return total(tf.clip_by_value(w, -tf.abs(low) - 9.0, 9.0))


@case()
def clip_by_norm_and_global_norm(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    clipped, norm = tf.clip_by_global_norm([w, u], 1.0)
    return total(tf.clip_by_norm(clipped[0], 0.5)), {"norm": norm}


@case()
def broadcast_dynamic_shape(make):
    w, u = make.variable("w", 1, 3), make.variable("u", 2, 1)
    shape = tf.broadcast_dynamic_shape(tf.shape(w), tf.shape(u))
    return total(tf.broadcast_to(w, shape))


@case()
def einsum_and_matmul_variants(make):
    w, u = make.variable("w", 2, 3), make.variable("u", 2, 3)
    return total(tf.einsum("ij,kj->ik", w, tf.stop_gradient(u))) + total(tf.matmul(w, u, transpose_b=True))
