"""Python and other hosts in the graph: functions, queues, strings, sparse tensors, printing."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from .collect import case, total

v1 = tf.compat.v1
OTHER_GRAPH = {"call": "the gradient of a py_function inside of a function looks for its op in the wrong graph"}


def shaped(tensor, shape):
    tensor.set_shape(shape)
    return tensor


@case()
def numpy_function_cuts(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(shaped(tf.numpy_function(lambda x: np.tanh(x), [w * 1.0], tf.float32), [3]) + u)


@case()
def stateless_py_func_cuts(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(shaped(v1.py_func(lambda x: np.tanh(x), [w * 1.0], tf.float32, stateful=False), [3]) + u)


@case(crash=OTHER_GRAPH)
def py_function_flows(make):
    w = make.variable("w", 3)
    return total(shaped(tf.py_function(lambda x: x * 2.0, [w * 1.0], tf.float32), [3]))


@case(crash=OTHER_GRAPH)
def py_function_and_a_stop(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    both = tf.py_function(lambda x, y: x * y, [w * 1.0, tf.stop_gradient(u)], tf.float32)
    return total(shaped(both, [3]))


@case()
def numpy_function_makes_an_index(make):
    w = make.variable("w", 4)
    index = tf.numpy_function(lambda x: np.argsort(x)[:2].astype(np.int32), [w * 1.0], tf.int32)
    return total(tf.gather(w, shaped(index, [2])))


@case()
def py_func_with_an_override(make):
    w = make.variable("w", 3)
    with v1.get_default_graph().gradient_override_map({"PyFunc": "OracleTwice"}):
        return total(shaped(tf.numpy_function(lambda x: np.round(x), [w * 1.0], tf.float32), [3]))


@case()
def queue_of_inputs(make):
    w = make.variable("w", 3)
    with tf.init_scope():
        queue = v1.FIFOQueue(8, tf.float32, [[3]])
    with tf.control_dependencies([queue.enqueue([tf.ones([3])])]):
        item = queue.dequeue()
    return total(shaped(item, [3]) * w), {"item": item}


@case()
def printing_on_the_way(make):
    w = make.variable("w", 3)
    with tf.control_dependencies([tf.print("w", w, output_stream="file:///dev/null")]):
        return total(tf.identity(w) * 2.0)


@case()
def summaries_beside_the_loss(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    summary = v1.summary.scalar("norm", total(u))
    with tf.control_dependencies([summary]):
        return total(tf.identity(w))


@case()
def string_lengths(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.cast(tf.strings.length(tf.strings.as_string(w)), tf.float32) * u)


@case()
def parsed_record(make):
    """A serialized tensor, parsed again: the way through the string carries nothing."""
    w, u = make.variable("w", 3), make.variable("u", 3)
    parsed = tf.io.parse_tensor(tf.io.serialize_tensor(w * 1.0), tf.float32)
    return total(shaped(parsed, [3]) + u)


def sparse(values):
    return tf.SparseTensor([[0, 1], [2, 0]], values, [3, 2])


@case()
def sparse_dense_product(make):
    values, dense = make.variable("values", 2), make.variable("dense", 2, 2)
    return total(tf.sparse.sparse_dense_matmul(sparse(values * 1.0), dense))


@case()
def sparse_to_dense(make):
    values, default = make.variable("values", 2), make.variable("default")
    return total(tf.sparse.to_dense(sparse(values * 1.0), default_value=default * 1.0))


@case()
def sparse_reduce_sum(make):
    values = make.variable("values", 2)
    return total(v1.sparse_reduce_sum(sparse(values * 1.0), 1))


@case()
def sparse_add_and_reorder(make):
    a, b = make.variable("a", 2), make.variable("b", 2)
    both = tf.sparse.reorder(tf.sparse.add(sparse(a * 1.0), sparse(tf.stop_gradient(b))))
    return total(both.values)


@case()
def sparse_softmax_and_slice(make):
    values = make.variable("values", 2)
    return total(tf.sparse.slice(tf.sparse.softmax(sparse(values * 1.0)), [0, 0], [1, 2]).values)


@case()
def sparse_indices_from_a_variable(make):
    w, u = make.variable("w", 2), make.variable("u", 2)
    rows = tf.cast(tf.abs(w), tf.int64) * 0 + tf.constant([0, 1], tf.int64)
    made = tf.SparseTensor(tf.stack([rows, rows], axis=1), u * 1.0, [2, 2])
    return total(tf.sparse.to_dense(made, validate_indices=False))


@case()
def ctc_loss(make):
    w = make.variable("w", 4, 1, 3)
    labels = tf.SparseTensor([[0, 0]], tf.constant([1]), [1, 1])
    return tf.reduce_sum(v1.nn.ctc_loss(labels, w * 1.0, [4]))
