"""Variables of every kind: references, resources, parts, shared, looked up, assigned to."""

from __future__ import annotations

import tensorflow as tf

from .collect import REF, case, outlined, total

v1 = tf.compat.v1


@case(skip=REF)
def reference_variables(make):
    w, u = make.ref_variable("w", 3), make.ref_variable("u", 3)
    return total(w * tf.stop_gradient(u))


@case(skip=REF)
def reference_variable_gathered(make):
    w = make.ref_variable("w", 4, 2)
    return total(tf.gather(w, make.input("ids", 2, dtype=tf.int32)))


@case(skip=REF)
def reference_variable_read_twice(make):
    w = make.ref_variable("w", 3)
    return total(w.read_value()) + total(tf.stop_gradient(w.read_value()))


@case(skip=REF)
def reference_variable_in_a_cond_and_a_loop(make):
    w, u = make.ref_variable("w", 3), make.ref_variable("u", 3)
    h = tf.cond(make.flag("p"), lambda: w * 2.0, lambda: tf.stop_gradient(w))
    return total(v1.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, h * u), [0, h])[1])


@case(skip=REF)
def reference_variable_assigned_then_read(make):
    w, u = make.ref_variable("w", 3), make.ref_variable("u", 3)
    with tf.control_dependencies([v1.assign(w, u * 2.0)]):
        return total(w.read_value())


@case(skip=REF)
def reference_loss_of_the_assigned_value(make):
    w, u, v = (make.ref_variable(name, 3) for name in "wuv")
    return total(v1.assign(w, u * 2.0)) + total(v)


@case()
def variable_assigned_then_read(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    with tf.control_dependencies([v1.assign(w, u * 2.0)]):
        return total(w.read_value())


@case()
def variable_assigned_value_used(make):
    w, u = make.variable("w", 3), make.variable("u", 3)
    new = u * 2.0
    with tf.control_dependencies([v1.assign_add(w, new)]):
        return total(tf.identity(new)) + total(w.read_value())


@case()
def variable_gathered_directly(make):
    w, u = make.variable("w", 4, 2), make.variable("u", 4, 2)
    ids = make.input("ids", 2, dtype=tf.int32)
    return total(w.sparse_read(ids)) + total(tf.stop_gradient(u.sparse_read(ids)))


@case()
def variable_used_whole_and_gathered(make):
    w = make.variable("w", 4, 2)
    return total(tf.gather(w, [0, 1])) + total(tf.stop_gradient(w))


@case()
def variable_shape_only(make):
    w, u = make.variable("w", 3, 2), make.variable("u", 6)
    return total(tf.reshape(u, tf.raw_ops.VariableShape(input=w.handle)))


@case()
def variable_not_trainable(make):
    w, average = make.variable("w", 3), make.variable("average", 3, trainable=False)
    return total(w * average)


@case()
def variable_scalar_and_empty(make):
    w, empty = make.variable("w"), make.variable("empty", 0)
    return total(w) + total(empty)


@case()
def variable_shared_by_reuse(make):
    w = make.variable("shared/w", 3)
    with tf.init_scope(), v1.variable_scope("shared", reuse=True, use_resource=True):
        again = v1.get_variable("w", [3])
    return total(tf.stop_gradient(w)) + total(again), {"again": again}


@case()
def partitioned_variable(make):
    w = make.partitioned("w", 6, 2)
    return total(tf.convert_to_tensor(w)) + total(make.variable("u", 2)), parts(w)


@case()
def partitioned_variable_one_part_read(make):
    w = make.partitioned("w", 6, 2)
    return total(list(w)[1]), parts(w)


@case()
def partitioned_embedding_lookup(make):
    w = make.partitioned("w", 6, 2)
    ids = make.input("ids", 4, dtype=tf.int32)
    return total(v1.nn.embedding_lookup(w, ids)), parts(w)


def parts(partitioned):
    """The parts of a partitioned variable, as targets of their own."""
    return {"part%d" % number: part for number, part in enumerate(partitioned)}


@case()
def embedding_lookup(make):
    w, u = make.variable("w", 5, 2), make.variable("u", 2)
    ids = make.input("ids", 3, dtype=tf.int32)
    return total(tf.nn.embedding_lookup(w, ids) * u), {"ids": ids}


@case()
def embedding_lookup_with_a_norm(make):
    w = make.variable("w", 5, 2)
    return total(tf.nn.embedding_lookup(w, make.input("ids", 3, dtype=tf.int32), max_norm=1.0))


@case()
def embedding_lookup_over_shards(make):
    shards = [make.variable("shard%d" % number, 3, 2) for number in range(2)]
    ids = make.input("ids", 4, dtype=tf.int32)
    return total(v1.nn.embedding_lookup(shards, ids, partition_strategy="mod"))


@case()
def embedding_lookup_sparse_with_weights(make):
    w, weights = make.variable("w", 5, 2), make.variable("weights", 3)
    places = tf.constant([[0, 0], [0, 1], [1, 0]], tf.int64)
    ids = tf.SparseTensor(places, tf.constant([0, 2, 1], tf.int64), [2, 2])
    weighted = tf.SparseTensor(places, weights * 1.0, [2, 2])
    return total(v1.nn.embedding_lookup_sparse(w, ids, weighted, combiner="sum"))


@case()
def embedding_in_a_function(make):
    w = make.variable("w", 5, 2)
    return total(outlined(lambda ids: tf.nn.embedding_lookup(w, ids))(make.input("ids", 3, dtype=tf.int32)))


@case()
def moving_average_of_a_variable(make):
    w = make.variable("w", 3)
    with tf.init_scope():
        averages = tf.train.ExponentialMovingAverage(0.9)
        averages.apply([w])
    average = averages.average(w)
    return total(w - average), {"average": average}


@case()
def variable_initialized_from_another(make):
    w = make.variable("w", 3)
    with tf.init_scope():
        copy = v1.get_variable("copy", initializer=lambda: tf.zeros([3]), use_resource=True)
    with tf.control_dependencies([copy.assign(w)]):
        return total(copy.read_value()) + total(w), {"copy": copy}
