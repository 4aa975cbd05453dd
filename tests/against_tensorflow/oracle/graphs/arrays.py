"""TensorArrays of both kinds, and tensor lists: gradients go from reads to writes."""

from __future__ import annotations

import tensorflow as tf

from ..bench import VERSION
from .collect import case, outlined, total

v1 = tf.compat.v1


def array(size, **options):
    return tf.TensorArray(tf.float32, size, clear_after_read=False, **options)


@case()
def array_write_and_stack(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(array(2).write(0, w * 1.0).write(1, tf.stop_gradient(u)).stack())


@case()
def array_write_and_read_one(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(array(2).write(0, w * 1.0).write(1, u * 1.0).read(0))


@case()
def array_unstack_and_read(make):
    w = make.variable("w", 3, 2)
    return total(array(3).unstack(w * 1.0).read(1))


@case()
def array_unstack_of_a_stop(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    return total(array(3).unstack(tf.stop_gradient(w)).read(1) + u)


@case()
def array_gather(make):
    w, ids = make.variable("w", 3, 2), make.variable("ids", 2)
    index = tf.cast(tf.abs(ids), tf.int32) * 0
    return total(array(3).unstack(w * 1.0).gather(index))


@case()
def array_scatter(make):
    w = make.variable("w", 2, 2)
    return total(array(3).scatter([0, 2], w * 1.0).read(2))


@case()
def array_split_and_concat(make):
    w = make.variable("w", 5)
    arr = tf.TensorArray(tf.float32, 2, infer_shape=False).split(w * 1.0, [2, 3])
    return total(arr.concat())


@case()
def array_concat_of_writes(make):
    w, u = make.variable("w", 2), make.variable("u", 3)
    arr = tf.TensorArray(tf.float32, 2, infer_shape=False).write(0, w * 1.0).write(1, u * 1.0)
    return total(arr.concat())


@case()
def array_size_only(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(u * tf.cast(array(2).write(0, w * 1.0).size(), tf.float32))


@case()
def array_stopped_after_stack(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    return total(tf.stop_gradient(array(1).write(0, w * 1.0).stack()) + u)


@case()
def array_of_integers(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    arr = tf.TensorArray(tf.int32, 1).write(0, tf.cast(w, tf.int32))
    return total(tf.cast(arr.stack(), tf.float32) + u)


@case()
def array_written_in_a_loop(make):
    w, u = make.variable("w", 2), make.variable("u", 2)

    def body(i, h, arr):
        return (i + 1, h * w, arr.write(i, h))

    _, _, arr = v1.while_loop(lambda i, *_: i < 3, body, [0, u * 1.0, array(3)])
    return total(arr.stack())


@case()
def array_written_in_a_loop_with_a_stop(make):
    w, u = make.variable("w", 2), make.variable("u", 2)

    def body(i, h, arr):
        return (i + 1, h * w, arr.write(i, tf.stop_gradient(h)))

    _, end, arr = v1.while_loop(lambda i, *_: i < 3, body, [0, u * 1.0, array(3)])
    return total(arr.stack()) + total(make.variable("v", 2)), {"end": end}


@case()
def array_read_in_a_loop(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    arr = array(3).unstack(w * 1.0)
    return total(v1.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h * arr.read(i)), [0, u * 1.0])[1])


@case()
def array_read_in_a_loop_behind_a_stop(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    arr = array(3).unstack(w * 1.0)

    def body(i, h):
        return (i + 1, h * tf.stop_gradient(arr.read(i)))

    return total(v1.while_loop(lambda i, h: i < 3, body, [0, u * 1.0])[1])


@case()
def array_read_and_written_in_a_loop(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    source = array(3).unstack(w * 1.0)

    def body(i, h, out):
        return (i + 1, h + u, out.write(i, source.read(i) * h))

    _, _, out = v1.while_loop(lambda i, *_: i < 3, body, [0, tf.ones([2]), array(3)])
    return total(out.stack()[:2])


@case()
def array_written_in_a_cond(make):
    w, u = make.variable("w", 2), make.variable("u", 2)
    p = make.flag("p")
    value = tf.cond(p, lambda: w * 2.0, lambda: u * 3.0)
    return total(array(1).write(0, value).read(0))


@case()
def array_nested_loops_write(make):
    w = make.variable("w", 2)

    def inner(i, arr):
        return v1.while_loop(lambda j, a: j < 2, lambda j, a: (j + 1, a.write(i * 2 + j, w * 2.0)), [0, arr])[1]

    _, arr = v1.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, inner(i, a)), [0, array(4)])
    return total(arr.stack())


@case()
def array_never_written(make):
    """A loop whose array stays empty of what the loss reads; a variable beside it."""
    w, u = make.variable("w", 2), make.variable("u", 2)
    arr = array(2).write(0, u * 1.0).write(1, tf.zeros([2]))
    return total(arr.read(1)) + total(w)


FIRST_KIND = "with v2 control flow TensorFlow's own gradient functions of v1 arrays fail an assertion"


@case(skip={"v2": FIRST_KIND, "function": FIRST_KIND, "call": FIRST_KIND})
def array_of_the_first_kind_by_name(make):
    w, u = make.variable("w", 2), make.variable("u", 2)
    handle, flow = tf.raw_ops.TensorArrayV3(size=2, dtype=tf.float32, clear_after_read=False)
    flow = tf.raw_ops.TensorArrayWriteV3(handle=handle, index=0, value=w * 1.0, flow_in=flow)
    flow = tf.raw_ops.TensorArrayWriteV3(handle=handle, index=1, value=tf.stop_gradient(u), flow_in=flow)
    return total(tf.raw_ops.TensorArrayGatherV3(handle=handle, indices=[0, 1], flow_in=flow, dtype=tf.float32))


def list_of(tensor):
    return tf.raw_ops.TensorListFromTensor(tensor=tensor, element_shape=tf.constant([2]))


@case()
def list_from_tensor_and_get(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    item = tf.raw_ops.TensorListGetItem(
        input_handle=list_of(w * 1.0), index=1, element_shape=tf.constant([2]), element_dtype=tf.float32
    )
    return total(item + tf.stop_gradient(u))


@case()
def list_set_item_and_stack(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 2)
    handle = tf.raw_ops.TensorListSetItem(input_handle=list_of(tf.stop_gradient(w)), index=1, item=u * 1.0)
    return total(tf.raw_ops.TensorListStack(input_handle=handle, element_shape=tf.constant([2]), element_dtype=tf.float32))


@case()
def list_push_and_pop(make):
    w, u = make.variable("w", 2), make.variable("u", 2)
    handle = tf.raw_ops.EmptyTensorList(
        element_shape=tf.constant([2]), max_num_elements=tf.constant(-1), element_dtype=tf.float32
    )
    handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=w * 1.0)
    handle = tf.raw_ops.TensorListPushBack(input_handle=handle, tensor=u * 1.0)
    rest, last = tf.raw_ops.TensorListPopBack(input_handle=handle, element_shape=tf.constant([2]), element_dtype=tf.float32)
    return total(last), {"rest": rest}


@case()
def list_length_only(make):
    w, u = make.variable("w", 3, 2), make.variable("u")
    return total(tf.cast(tf.raw_ops.TensorListLength(input_handle=list_of(w * 1.0)), tf.float32) * u)


UNINITIALIZED = "TensorFlow 1.15 and 2.1 read the shape of a captured list from memory that was never written"


@case(skip=dict.fromkeys(("function", "call"), UNINITIALIZED) if VERSION < (2, 2) else None)
def list_through_a_function(make):
    w = make.variable("w", 3, 2)
    stack = outlined(
        lambda handle: tf.raw_ops.TensorListStack(
            input_handle=handle, element_shape=tf.constant([2]), element_dtype=tf.float32
        )
    )
    return total(stack(list_of(w * 1.0)))
