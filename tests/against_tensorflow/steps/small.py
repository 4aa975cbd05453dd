"""Small steps after the patterns of TensorFlow's own tests: tapes, control flow, lists, maps, sparse matrices, integers.

Each takes an example and, by their names, the variables that it needs: ``w`` of three numbers, ``v`` of one, matrices ``m``
and ``u``, integers ``n``. It returns the gradients that it takes, a list for each.
"""

from __future__ import annotations

import tensorflow as tf

try:
    from tensorflow.python.ops.linalg.sparse import sparse_csr_matrix_ops as csr
except ImportError:
    csr = None

TAPE = tf.GradientTape


def int_both(x):
    i = tf.cast(x, tf.int32)
    with TAPE() as t:
        t.watch(i)
        tf.identity(i)
    return [t.gradient(i, [i])]


def int_both_more(x):
    i = tf.cast(x, tf.int32)
    with TAPE(persistent=True) as t:
        t.watch([i, x])
        j = i * i
        handle = tf.reduce_sum(x)
    return [t.gradient([i, handle], [i, x]), t.gradient(j, [i, j, x])]


def int_var_read(x, n):
    with TAPE() as t:
        t.watch(n)
        k = tf.convert_to_tensor(n)
    return [t.gradient(k, [n, k])]


def tf_int_both(x):
    i = tf.cast(x, tf.int32)
    return [tf.gradients(i, [i])]


def loop_pair(x, w, v):
    _, a, b = tf.while_loop(
        lambda i, a, b: i < 2, lambda i, a, b: (i + 1, a * v, b + tf.stop_gradient(tf.reduce_sum(w))), (0, x, x)
    )
    return [tf.gradients(tf.reduce_sum(a), [x, w, v])]


def loop_pair_tape(x, w, v):
    with TAPE() as t:
        t.watch(x)
        y = x * 1.0
        _, a, b = tf.while_loop(lambda i, a, b: i < 2, lambda i, a, b: (i + 1, a * v, b * w), (0, x, y))
    return [t.gradient(tf.reduce_sum(a), [v, w, y])]


def scan_stop(x, w, v):
    out = tf.scan(
        lambda c, e: (c[0] * v + e, tf.stop_gradient(c[1] * w[0] + e)), x, initializer=(tf.constant(1.0), tf.constant(1.0))
    )
    return [tf.gradients(tf.reduce_sum(out[0]), [v, w])]


def cond_pair(x, w, v):
    a, b = tf.cond(tf.reduce_sum(x) > 1.0, lambda: (x * v, x * w), lambda: (x, x))
    return [tf.gradients(tf.reduce_sum(a), [v, w])]


def second_order(x, w, v):
    with TAPE() as a:
        with TAPE() as b:
            handle = tf.reduce_sum(tf.sin(v * x) * w)
        g = b.gradient(handle, [v, w])
    return [g, a.gradient(g, [v, w])]


def second_order_pers(x):
    with TAPE(persistent=True) as t:
        t.watch(x)
        y = x * x * x
        d = t.gradient(y, x)
    return [[d], [t.gradient(d, x)]]


def third(x):
    with TAPE() as c:
        c.watch(x)
        with TAPE() as a:
            a.watch(x)
            with TAPE() as b:
                b.watch(x)
                y = tf.pow(x, 4.0)
            d = b.gradient(y, x)
        e = a.gradient(d, x)
    return [[d], [e], [c.gradient(e, x)]]


def batch_jac_in_tape2(x, v):
    q = tf.stack([x, x * 2.0])
    with TAPE() as a:
        a.watch(q)
        with TAPE(persistent=True) as t:
            t.watch(q)
            y = q * q * v
            j = t.batch_jacobian(y, q)
        handle = tf.reduce_sum(j)
    return [[j], a.gradient(handle, [q, v])]


def batch_jac_in_own_scope(x, v):
    q = tf.stack([x, x * 2.0])
    with TAPE(persistent=True) as t:
        t.watch(q)
        y = q * q * v
        j = t.batch_jacobian(y, q)
    return [[j], t.gradient(y, [q, v])]


def batch_jac_nonpers(x, v):
    q = tf.stack([x, x * 2.0])
    with TAPE() as t:
        t.watch(q)
        y = q * q * v
        j = t.batch_jacobian(y, q)
    return [[j]]


def jac_nonpers_scope(x, v):
    with TAPE() as t:
        t.watch(x)
        y = x * x * v
        j = t.jacobian(y, x)
    return [[j]]


def jac_cond_fn(x, w, v):
    @tf.function
    def f(x):
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * v, lambda: x * w)

    with TAPE() as t:
        t.watch(x)
        y = f(x)
    return [t.jacobian(y, [x, v, w])]


def jac_cond_fn_nopfor(x, w, v):
    @tf.function
    def f(x):
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * v, lambda: x * w)

    with TAPE() as t:
        t.watch(x)
        y = f(x)
    return [t.jacobian(y, [x, v, w], experimental_use_pfor=False)]


def empty(x, w):
    e = tf.zeros([0, 3])
    with TAPE() as t:
        t.watch(e)
        y = tf.reduce_sum(e * w)
    return [t.gradient(y, [e, w])]


def empty_jac(x, w):
    e = tf.zeros([0, 3])
    with TAPE() as t:
        t.watch(e)
        y = e * w
    return [t.jacobian(y, [e, w])]


def empty_dict(x, w, v):
    with TAPE() as tape:
        loss = tf.reduce_sum(w * x)
    found = tape.gradient(loss, {"w": w, "other": {"v": v}})
    return [[found["other"]["v"], found["w"]]]


def int_var_read_id(x, n):
    with TAPE() as t:
        t.watch(n)
        k = tf.identity(tf.convert_to_tensor(n)) * 2
    return [t.gradient(k, [n, k])]


def tf_int_read(x, n):
    k = tf.convert_to_tensor(n)
    return [tf.gradients(k, [n, k])]


def call_int(x, w, v):
    f = tf.function(lambda x: (x * w, tf.cast(x * v, tf.int32), tf.identity(tf.cast(x, tf.int32))))
    with TAPE(persistent=True) as t:
        t.watch(x)
        a, b, c = f(x)
    return [t.gradient(b, [x, w, v, b]), t.gradient(c, [x, w, v, c])]


def tf_call_int(x, w, v):
    f = tf.function(lambda x: (x * w, tf.cast(x * v, tf.int32), tf.identity(tf.cast(x, tf.int32))))
    a, b, c = f(x)
    return [tf.gradients(b, [x, w, v, b]), tf.gradients(c, [x, w, v, c])]


def tf_call_int_alone(x, w, v):
    f = tf.function(lambda x: (x * w, tf.cast(x * v, tf.int32)))
    a, b = f(x)
    return [tf.gradients(b, [w])]


def cond_int(x, w, v):
    with TAPE(persistent=True) as t:
        t.watch(x)
        a, b = tf.cond(tf.reduce_sum(x) > 0.0, lambda: (x * w, tf.cast(x * v, tf.int32)), lambda: (x, tf.cast(x, tf.int32)))
    return [t.gradient(b, [x, w, v, b])]


def loop_int(x, v):
    with TAPE(persistent=True) as t:
        t.watch(x)
        i, a = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * v), (0, x))
    return [t.gradient(i, [x, v, i])]


def argmax_t(x, w):
    with TAPE(persistent=True) as t:
        k = tf.argmax(w * x)
    return [t.gradient(k, [w, k])]


def tf_argmax(x, w):
    k = tf.argmax(w * x)
    return [tf.gradients(k, [w, k])]


def topk(x, w):
    with TAPE(persistent=True) as t:
        a, b = tf.nn.top_k(w * x)
    return [t.gradient(b, [w, b]), t.gradient(a, [w, b])]


def tf_topk(x, w):
    a, b = tf.nn.top_k(w * x)
    return [tf.gradients(b, [w, b]), tf.gradients(a, [w, b])]


def bucket(x, w):
    with TAPE(persistent=True) as t:
        k = tf.raw_ops.Bucketize(input=w * x, boundaries=[1.0, 2.0])
    return [t.gradient(k, [w])]


def tf_bucket(x, w):
    k = tf.raw_ops.Bucketize(input=w * x, boundaries=[1.0, 2.0])
    return [tf.gradients(k, [w])]


def tf_bucket_k(x, w):
    k = tf.raw_ops.Bucketize(input=w * x, boundaries=[1.0, 2.0])
    return [tf.gradients(k, [k])]


def gather_int(x, n):
    with TAPE(persistent=True) as t:
        t.watch(n)
        k = tf.gather(n, [0, 1])
    return [t.gradient(k, [n, k])]


def gather_nd_int(x, n):
    with TAPE(persistent=True) as t:
        t.watch(n)
        k = tf.gather_nd(n, [[0], [1]])
    return [t.gradient(k, [n, k])]


def custom_int(x, w):
    @tf.custom_gradient
    def f(z):
        return tf.cast(z, tf.int32), lambda dy: tf.cast(dy, tf.float32) * 2.0

    with TAPE() as t:
        k = f(w * x)
    return [t.gradient(k, [w, k])]


def tf_custom_int(x, w):
    @tf.custom_gradient
    def f(z):
        return tf.cast(z, tf.int32), lambda dy: tf.cast(dy, tf.float32) * 2.0

    k = f(w * x)
    return [tf.gradients(k, [w, k])]


def mixed_target(x, w, v):
    with TAPE() as t:
        k = tf.cast(w * x, tf.int32)
        handle = tf.reduce_sum(w * v)
    return [t.gradient([k, handle], [w, v, k])]


def fn_int_identity_t(x):
    f = tf.function(lambda i: tf.identity(i))
    i = tf.cast(x, tf.int32)
    with TAPE() as t:
        t.watch(i)
        k = f(i)
    return [t.gradient(k, [i, k])]


def fn_int_pass(x):
    f = tf.function(lambda i, y: (tf.identity(i), y * 2.0))
    i = tf.cast(x, tf.int32)
    with TAPE(persistent=True) as t:
        t.watch([i, x])
        k, y = f(i, x)
    return [t.gradient(k, [i, k, x]), t.gradient(y, [i, k, x]), t.gradient([k, y], [i, k, x])]


def tf_fn_int_pass(x):
    f = tf.function(lambda i, y: (tf.identity(i), y * 2.0))
    i = tf.cast(x, tf.int32)
    k, y = f(i, x)
    return [tf.gradients(k, [i, k, x]), tf.gradients(y, [i, k, x]), tf.gradients([k, y], [i, k, x])]


def tensor_list_stack(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        y = tf.raw_ops.TensorListStack(input_handle=handle, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32)
    return [t.gradient(y, [w, v])]


def tensor_list_gather(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        y = tf.raw_ops.TensorListGather(
            input_handle=handle, indices=[0, 2], element_shape=tf.constant([], tf.int32), element_dtype=tf.float32
        )
    return [t.gradient(y, [w, v])]


def tensor_list_scatter(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListScatterV2(
            tensor=x * w, indices=[2, 1, 0], element_shape=tf.constant([], tf.int32), num_elements=3
        )
        y = tf.raw_ops.TensorListGetItem(
            input_handle=handle, index=1, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32
        )
    return [t.gradient(y, [w, v])]


def tensor_list_scatter_existing(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * v, element_shape=tf.constant([], tf.int32))
        handle = tf.raw_ops.TensorListScatterIntoExistingList(input_handle=handle, tensor=w[:2], indices=[0, 1])
        y = tf.raw_ops.TensorListStack(input_handle=handle, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32)
    return [t.gradient(y, [w, v])]


def tensor_list_push_pop(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.EmptyTensorList(element_shape=[3], max_num_elements=-1, element_dtype=tf.float32)
        handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=x * w)
        handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=x * v)
        handle, y = tf.raw_ops.TensorListPopBack(input_handle=handle, element_shape=[3], element_dtype=tf.float32)
        _, z = tf.raw_ops.TensorListPopBack(input_handle=handle, element_shape=[3], element_dtype=tf.float32)
    return [t.gradient(z, [w, v])]


def tensor_list_set(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListReserve(
            element_shape=tf.constant([], tf.int32), num_elements=3, element_dtype=tf.float32
        )
        handle = tf.raw_ops.TensorListSetItem(input_handle=handle, index=0, item=v * 2.0)
        handle = tf.raw_ops.TensorListSetItem(input_handle=handle, index=1, item=tf.reduce_sum(w))
        y = tf.raw_ops.TensorListGetItem(
            input_handle=handle, index=0, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32
        )
    return [t.gradient(y, [w, v])]


def tensor_list_concat(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListSplit(tensor=x * w, element_shape=[-1], lengths=[1, 2])
        y, _ = tf.raw_ops.TensorListConcatV2(
            input_handle=handle, element_shape=[-1], leading_dims=tf.constant([], tf.int64), element_dtype=tf.float32
        )
    return [t.gradient(y, [w, v])]


def tensor_list_concat_lists(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        k = tf.raw_ops.TensorListFromTensor(tensor=x * v, element_shape=tf.constant([], tf.int32))
        b = tf.raw_ops.TensorListConcatLists(input_a=handle, input_b=k, element_dtype=tf.float32)
        y = tf.raw_ops.TensorListStack(input_handle=b, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32)
    return [t.gradient(y, [w, v])]


def tensor_list_resize(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        handle = tf.raw_ops.TensorListResize(input_handle=handle, size=2)
        y = tf.raw_ops.TensorListStack(input_handle=handle, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32)
    return [t.gradient(y, [w, v])]


def tensor_list_length(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        y = tf.cast(tf.raw_ops.TensorListLength(input_handle=handle), tf.float32) * v
    return [t.gradient(y, [w, v])]


def list_as_target(x, w):
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        y = tf.raw_ops.TensorListStack(input_handle=handle, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32)
    return [t.gradient(y, [handle, w])]


def list_in_function(x, w, v):
    f = tf.function(
        lambda handle: tf.raw_ops.TensorListStack(
            input_handle=handle, element_shape=tf.constant([], tf.int32), element_dtype=tf.float32
        )
    )
    with TAPE() as t:
        handle = tf.raw_ops.TensorListFromTensor(tensor=x * w, element_shape=tf.constant([], tf.int32))
        y = f(handle)
    return [t.gradient(y, [w, v])]


def list_pushpop_loop(x, w, v):
    with TAPE() as t:
        handle = tf.raw_ops.EmptyTensorList(element_shape=[3], max_num_elements=-1, element_dtype=tf.float32)
        _, handle = tf.while_loop(
            lambda i, handle: i < 2,
            lambda i, handle: (i + 1, tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=x * w)),
            (0, handle),
        )
        y = tf.raw_ops.TensorListStack(input_handle=handle, element_shape=[3], element_dtype=tf.float32)
    return [t.gradient(y, [w, v])]


def map_lookup(x, w, v):
    with TAPE() as t:
        k = tf.constant(1.0)
        m_ = tf.raw_ops.TensorMapInsert(input_handle=tf.raw_ops.EmptyTensorMap(), key=k, value=v * 2.0)
        y = tf.raw_ops.TensorMapLookup(input_handle=m_, key=k, value_dtype=tf.float32)
    return [t.gradient(y, [v, w])]


def map_erase(x, w, v):
    with TAPE() as t:
        k = tf.constant(1.0)
        m_ = tf.raw_ops.TensorMapInsert(input_handle=tf.raw_ops.EmptyTensorMap(), key=k, value=v * 2.0)
        m_ = tf.raw_ops.TensorMapInsert(input_handle=m_, key=tf.constant(2.0), value=w[0])
        m_ = tf.raw_ops.TensorMapErase(input_handle=m_, key=tf.constant(2.0), value_dtype=tf.float32)
        y = tf.raw_ops.TensorMapLookup(input_handle=m_, key=k, value_dtype=tf.float32)
    return [t.gradient(y, [v, w])]


def map_size(x, w, v):
    with TAPE() as t:
        m_ = tf.raw_ops.TensorMapInsert(input_handle=tf.raw_ops.EmptyTensorMap(), key=tf.constant(1.0), value=v * 2.0)
        y = tf.cast(tf.raw_ops.TensorMapSize(input_handle=m_), tf.float32) * v
    return [t.gradient(y, [v, w])]


def map_has_key(x, w, v):
    with TAPE() as t:
        k = tf.constant(1.0)
        m_ = tf.raw_ops.TensorMapInsert(input_handle=tf.raw_ops.EmptyTensorMap(), key=k, value=v * 2.0)
        y = tf.cond(
            tf.raw_ops.TensorMapHasKey(input_handle=m_, key=k),
            lambda: tf.raw_ops.TensorMapLookup(input_handle=m_, key=k, value_dtype=tf.float32),
            lambda: w[0] * 1.0,
        )
    return [t.gradient(y, [v, w])]


def map_stack_keys(x, w, v):
    with TAPE() as t:
        m_ = tf.raw_ops.TensorMapInsert(input_handle=tf.raw_ops.EmptyTensorMap(), key=tf.constant(1.0), value=v * 2.0)
        y = tf.raw_ops.TensorMapStackKeys(input_handle=m_, key_dtype=tf.float32) * v
    return [t.gradient(y, [v, w])]


def csr_dense(x, m, u):
    with TAPE() as t:
        s = csr.dense_to_csr_sparse_matrix(m * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        y = csr.csr_sparse_matrix_to_dense(s, type=tf.float32)
    return [t.gradient(y, [m, u])]


def csr_matmul(x, m, u):
    with TAPE() as t:
        s = csr.dense_to_csr_sparse_matrix(m * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        y = csr.sparse_matrix_mat_mul(s, u * 1.0)
    return [t.gradient(y, [m, u])]


def csr_sparsemul(x, m, u):
    with TAPE() as t:
        s = csr.dense_to_csr_sparse_matrix(m * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        q = csr.dense_to_csr_sparse_matrix(u * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        p = csr.sparse_matrix_sparse_mat_mul(a=s, b=q, type=tf.float32)
        y = csr.csr_sparse_matrix_to_dense(p, type=tf.float32)
    return [t.gradient(y, [m, u])]


def csr_transpose(x, m, u):
    with TAPE() as t:
        s = csr.dense_to_csr_sparse_matrix(m * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        p = csr.sparse_matrix_transpose(s, type=tf.float32)
        y = csr.csr_sparse_matrix_to_dense(p, type=tf.float32)
    return [t.gradient(y, [m, u])]


def csr_nnz(x, m, u):
    with TAPE() as t:
        s = csr.dense_to_csr_sparse_matrix(m * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        y = tf.cast(csr.sparse_matrix_nnz(s), tf.float32) * u
    return [t.gradient(y, [m, u])]


def csr_to_sparse(x, m, u):
    with TAPE() as t:
        s = csr.dense_to_csr_sparse_matrix(m * 2.0, tf.constant([[0, 0], [1, 1]], tf.int64))
        p = csr.csr_sparse_matrix_to_sparse_tensor(s, type=tf.float32)
        y = p.values
    return [t.gradient(y, [m, u])]


def csr_from_sparse(x, w, u):
    with TAPE() as t:
        s = csr.sparse_tensor_to_csr_sparse_matrix(
            tf.constant([[0, 0], [1, 1]], tf.int64), w[:2] * 2.0, tf.constant([2, 2], tf.int64)
        )
        y = csr.csr_sparse_matrix_to_dense(s, type=tf.float32)
    return [t.gradient(y, [w, u])]


MAPS = (map_lookup, map_erase, map_size, map_has_key, map_stack_keys)
MATRICES = (csr_dense, csr_matmul, csr_sparsemul, csr_transpose, csr_nnz, csr_to_sparse, csr_from_sparse)
STEPS = (
    int_both,
    int_both_more,
    int_var_read,
    tf_int_both,
    loop_pair,
    loop_pair_tape,
    scan_stop,
    cond_pair,
    second_order,
    second_order_pers,
    third,
    batch_jac_in_tape2,
    batch_jac_in_own_scope,
    batch_jac_nonpers,
    jac_nonpers_scope,
    jac_cond_fn,
    jac_cond_fn_nopfor,
    empty,
    empty_jac,
    empty_dict,
    int_var_read_id,
    tf_int_read,
    call_int,
    tf_call_int,
    tf_call_int_alone,
    cond_int,
    loop_int,
    argmax_t,
    tf_argmax,
    topk,
    tf_topk,
    bucket,
    tf_bucket,
    tf_bucket_k,
    gather_int,
    gather_nd_int,
    custom_int,
    tf_custom_int,
    mixed_target,
    fn_int_identity_t,
    fn_int_pass,
    tf_fn_int_pass,
    tensor_list_stack,
    tensor_list_gather,
    tensor_list_scatter,
    tensor_list_scatter_existing,
    tensor_list_push_pop,
    tensor_list_set,
    tensor_list_concat,
    tensor_list_concat_lists,
    tensor_list_resize,
    tensor_list_length,
    list_as_target,
    list_in_function,
    list_pushpop_loop,
)
if hasattr(tf.raw_ops, "TensorMapInsert"):
    STEPS += MAPS
if csr is not None:
    STEPS += MATRICES
