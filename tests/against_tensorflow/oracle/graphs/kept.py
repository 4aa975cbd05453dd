"""Ops of real programs: ragged and compressed rows, lists edited in place, mapped bodies, matrices, signals."""

from __future__ import annotations

import tensorflow as tf

from .collect import case, outlined, total

raw = tf.raw_ops
CSR = {"since": (2, 4), "because": "compressed sparse rows are built by Python from TensorFlow 2.4 on"}
RAGGED = {"since": (2, 4), "because": "ragged tensors are mapped and hold variables from TensorFlow 2.4 on"}


def rows(make, name):
    return tf.RaggedTensor.from_row_splits(make.variable(name, 5) * 1.0, [0, 2, 2, 5])


def compressed(values):
    from tensorflow.python.ops.linalg.sparse import sparse_csr_matrix_ops

    return sparse_csr_matrix_ops, sparse_csr_matrix_ops.dense_to_csr_sparse_matrix(values, [[0, 0], [1, 2]])


@case(expect={"w": "flows"}, **CSR)
def compressed_rows_and_back(make):
    """The gradient function of such an op reads what a variant holds, which an op alone does not tell."""
    csr, made = compressed(make.variable("w", 3, 3) * 1.0)
    return total(csr.csr_sparse_matrix_to_dense(made, type=tf.float32))


@case(expect={"w": "flows", "u": "flows"}, **CSR)
def compressed_rows_times_a_matrix(make):
    csr, made = compressed(make.variable("w", 3, 3) * 1.0)
    return total(csr.sparse_matrix_mat_mul(made, make.variable("u", 3, 2) * 1.0))


@case(expect={"w": "raises", "u": "raises"}, **CSR)
def compressed_rows_scaled(make):
    """TensorFlow has no gradient of this product; its scalar is known to be one only where the graph's version says so."""
    csr, made = compressed(make.variable("w", 3, 3) * 1.0)
    return total(
        csr.csr_sparse_matrix_to_dense(csr.sparse_matrix_mul(made, tf.reduce_sum(make.variable("u", 2))), type=tf.float32)
    )


@case(**CSR)
def compressed_rows_behind_a_stop(make):
    csr, made = compressed(tf.stop_gradient(make.variable("w", 3, 3)))
    return total(csr.sparse_matrix_mat_mul(made, make.variable("u", 3, 2) * 1.0))


@case(expect={"w": "flows", "u": "flows", "scale": "none"}, not_run="SparseMatrixAdd breaks the process's memory", **CSR)
def compressed_rows_added(make):
    """The gradient of a sum looks into the sparse matrix that it receives."""
    csr, one = compressed(make.variable("w", 3, 3) * 1.0)
    _, other = compressed(make.variable("u", 3, 3) * 1.0)
    scale = tf.reduce_sum(make.variable("scale", 2))
    added = csr.sparse_matrix_add(one, other, alpha=scale, beta=tf.constant(2.0))
    return total(csr.csr_sparse_matrix_to_dense(csr.sparse_matrix_transpose(added, type=tf.float32), type=tf.float32))


@case(**RAGGED)
def ragged_rows_padded(make):
    return total(rows(make, "w").to_tensor(default_value=make.variable("u") * 1.0))


@case(**RAGGED)
def ragged_rows_stacked_and_one_read(make):
    return total(tf.ragged.stack([rows(make, "w"), rows(make, "u")])[0].values)


@case(**RAGGED)
def ragged_rows_through_a_variant(make):
    w = make.variable("w", 5)
    handle = raw.RaggedTensorToVariant(rt_nested_splits=[[0, 2, 2, 5]], rt_dense_values=w * 1.0, batched_input=True)
    row = raw.RaggedTensorFromVariant(
        encoded_ragged=handle[2], input_ragged_rank=0, output_ragged_rank=0, Tvalues=tf.float32, Tsplits=tf.int64
    )
    return total(row.output_dense_values)


@case(**RAGGED)
def ragged_row_lengths_alone(make):
    return total(tf.cast(rows(make, "w").row_lengths(), tf.float32) * make.variable("u", 3))


@case()
def list_item_written_twice(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    made = raw.TensorListReserve(element_shape=[3], num_elements=1, element_dtype=tf.float32)
    for item in (w * 1.0, tf.stop_gradient(u)):
        made = raw.TensorListSetItem(input_handle=made, index=0, item=item)
    return total(raw.TensorListGetItem(input_handle=made, index=0, element_shape=[3], element_dtype=tf.float32))


@case()
def list_scattered_into(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2, 2)
    made = raw.TensorListFromTensor(tensor=w * 1.0, element_shape=[2])
    made = raw.TensorListScatterIntoExistingList(input_handle=made, tensor=u * 1.0, indices=[0, 2])
    return total(raw.TensorListStack(input_handle=made, element_shape=[2], element_dtype=tf.float32, num_elements=3))


@case()
def list_of_one_branch_stopped(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    made = raw.TensorListReserve(element_shape=[3], num_elements=1, element_dtype=tf.float32)

    def written(item):
        return lambda: raw.TensorListSetItem(input_handle=made, index=0, item=item())

    both = tf.cond(make.flag("flag"), written(lambda: w * 1.0), written(lambda: tf.stop_gradient(u)))
    return total(raw.TensorListGetItem(input_handle=both, index=0, element_shape=[3], element_dtype=tf.float32))


@case()
def scattered_over_a_tensor(make):
    w, u = make.variable("w", 4), make.variable("u", 2)
    return total(tf.tensor_scatter_nd_update(w * 1.0, [[1], [3]], tf.stop_gradient(u)))


@case()
def scattered_into_a_variable_then_read(make):
    w, u = make.variable("w", 3), make.variable("u", 1)
    with tf.control_dependencies([raw.ResourceScatterUpdate(resource=w.handle, indices=[0], updates=u * 1.0)]):
        return total(w.read_value())


@case()
def mapped_side_by_side_with_a_rounding(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    return total(tf.vectorized_map(lambda row: tf.round(row) + u, w * 1.0))


@case()
def loop_rotates_three_with_a_stop(make):
    a, b, c = (make.variable(name, 2) * 1.0 for name in "abc")

    def rotated(i, x, y, z):
        return [i + 1, y, tf.stop_gradient(z), x]

    return total(tf.while_loop(lambda i, *_: i < 4, rotated, [0, a, b, c])[1])


@case()
def branch_zero_in_both(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.cond(make.flag("flag"), lambda: u + 0.0 * w, lambda: tf.sign(w) * u))


@case()
def safe_logarithm(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    safe = tf.where(w > 0.0, w, tf.ones_like(w))
    return total(tf.where(w > 0.0, tf.math.log(safe), u * 0.0))


@case(since=(2, 4), because="tf.grad_pass_through reads variables made outside of it from TensorFlow 2 on")
def passed_through_a_rounding(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.grad_pass_through(lambda x: tf.round(x) * u)(w * 1.0))


@case(since=(2, 0), because="recompute_grad takes variables made outside of it only from TensorFlow 2 on")
def recomputed_with_a_rounding_in_a_function(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(outlined(tf.recompute_grad(lambda x, y: tf.floor(x) * y))(w * 1.0, u * 1.0))


@case()
def function_with_a_gradient_inside(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    inner = outlined(lambda x, y: tf.compat.v1.gradients(tf.reduce_sum(x * y), x)[0])
    return total(inner(w * 1.0, u * 1.0))


@case(since=(2, 9), because="optionals have a gradient in newer versions")
def optional_of_two(make):
    w, u = make.variable("w", 3), make.variable("u")
    both = raw.OptionalFromValue(components=[w * 1.0, u * 1.0])
    return total(raw.OptionalGetValue(optional=both, output_types=[tf.float32] * 2, output_shapes=[[3], []])[0])


@case()
def matrix_sign_of_the_determinant(make):
    matrix = make.variable("w", 3, 3) + 4.0 * tf.eye(3)
    return total(tf.linalg.slogdet(matrix)[0] + make.variable("u"))


@case()
def signal_windows(make):
    windows = tf.signal.stft(make.variable("w", 16) * 1.0, 4, 2)
    return total(tf.math.imag(windows)) + total(tf.signal.inverse_stft(windows, 4, 2))
