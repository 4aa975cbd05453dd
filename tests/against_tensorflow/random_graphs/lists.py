"""Operations on arrays and lists of tensors, and the library's own loops (``map_fn``, ``scan``, ``foldl``)."""

from __future__ import annotations


def written(tf, *elements):
    array = tf.TensorArray(tf.float32, size=len(elements), clear_after_read=False, element_shape=[])
    for place, element in enumerate(elements):
        array = array.write(place, element)
    return array


def stacked(tf, a, b):
    return tf.reshape(tf.tile(written(tf, a, b).stack(), [2]), [4])


def read_one(tf, a, b):
    return written(tf, a, b).read(0)


def unstacked(tf, v):
    array = tf.TensorArray(tf.float32, size=4, clear_after_read=False, element_shape=[]).unstack(v)
    return array.read(1), array.read(3)


def scattered(tf, v, i):
    array = tf.TensorArray(tf.float32, size=4, clear_after_read=False, element_shape=[]).scatter([3, 1, 0, 2], v)
    return tf.reshape(array.gather(tf.floormod(i, 4)), [4])


def concatenated(tf, a, b):
    array = tf.TensorArray(tf.float32, size=2, element_shape=[2])
    return tf.reshape(array.write(0, a[:2]).write(1, b[2:]).concat(), [4])


def separated(tf, v):
    array = tf.TensorArray(tf.float32, size=2, clear_after_read=False, element_shape=[2]).split(v, [2, 2])
    return tf.reduce_sum(array.read(0)), tf.reduce_sum(array.read(1))


def size_only(tf, a, b):
    return tf.cast(written(tf, a, b).size(), tf.float32)


def looped(tf, v, s):
    def body(i, array):
        return i + 1, array.write(i, v[i] * s)

    _, array = tf.while_loop(lambda i, array: i < 4, body, [0, tf.TensorArray(tf.float32, size=4, element_shape=[])])
    return tf.reshape(array.stack(), [4])


def looped_reading(tf, v, s):
    source = tf.TensorArray(tf.float32, size=4, element_shape=[]).unstack(v)
    _, total = tf.while_loop(lambda i, total: i < 4, lambda i, total: (i + 1, total * 0.5 + source.read(i)), [0, s])
    return total


def listed(tf, v):
    values = tf.raw_ops.TensorListFromTensor(tensor=v, element_shape=tf.constant([], tf.int32))
    shape = tf.constant([], tf.int32)
    item = tf.raw_ops.TensorListGetItem(
        input_handle=values, index=tf.constant(1), element_shape=shape, element_dtype=tf.float32
    )
    values = tf.raw_ops.TensorListSetItem(input_handle=values, index=tf.constant(2), item=item * 2.0)
    return tf.reshape(
        tf.raw_ops.TensorListStack(input_handle=values, element_shape=shape, element_dtype=tf.float32, num_elements=4), [4]
    )


def pushed(tf, a, b):
    shape = tf.constant([], tf.int32)
    values = tf.raw_ops.EmptyTensorList(element_shape=shape, max_num_elements=tf.constant(4), element_dtype=tf.float32)
    values = tf.raw_ops.TensorListPushBack(input_handle=values, tensor=a)
    values = tf.raw_ops.TensorListPushBack(input_handle=values, tensor=b)
    values, last = tf.raw_ops.TensorListPopBack(input_handle=values, element_shape=shape, element_dtype=tf.float32)
    _, first = tf.raw_ops.TensorListPopBack(input_handle=values, element_shape=shape, element_dtype=tf.float32)
    return first, last


OPERATIONS = {
    "array_stack": ("ss", "v", stacked, 2),
    "array_read": ("ss", "s", read_one, 2),
    "array_unstack": ("V", "ss", unstacked, 2),
    "array_scatter": ("Vi", "v", scattered, 1),
    "array_concat": ("VV", "v", concatenated, 1),
    "array_split": ("V", "ss", separated, 1),
    "array_size": ("ss", "s", size_only, 1),
    "array_loop": ("Vs", "v", looped, 2),
    "array_loop_reading": ("Vs", "s", looped_reading, 2),
    "list_of_tensor": ("V", "v", listed, 2),
    "list_pushed": ("ss", "ss", pushed, 2),
    "map_fn": ("Vs", "v", lambda tf, v, s: tf.map_fn(lambda x: x * s, v), 1),
    "scan": ("Vs", "v", lambda tf, v, s: tf.scan(lambda total, x: total * 0.5 + x, v, s), 1),
    "foldl": ("Vs", "s", lambda tf, v, s: tf.foldl(lambda total, x: tf.sin(total) + x, v, s), 1),
}
