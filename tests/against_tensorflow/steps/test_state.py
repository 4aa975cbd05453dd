"""Values that pass through state: a slice, a table, a queue, what an inner optimizer writes. The cut names the write."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.steps.judge import EAGER

pytestmark = pytest.mark.skipif(not EAGER, reason="state that steps share is made eagerly")


def encoder():
    return tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="encoder")


def writes(step):
    """The state barriers of the first variable of a step."""
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([1, 2]))
    first = audit.variables[0]
    assert (first.verdict, first.unused, audit.disagreements) == (Verdict.NONE, False, ())
    return [(cut.type, cut.where is not None) for cut in first.cut if cut.kind is BarrierKind.STATE]


def test_a_slice_that_is_assigned():
    enc, board = encoder(), tf.Variable(np.zeros((3, 2), np.float32))

    def step(x):
        with tf.GradientTape() as tape:
            board[1].assign(tf.matmul(x, enc)[0])
            loss = tf.reduce_sum(board**2)
        return tape.gradient(loss, [enc])

    assert writes(step) == [("ResourceStridedSliceAssign", True)]


def test_rows_that_are_scattered():
    enc, board = encoder(), tf.Variable(np.zeros((3, 2), np.float32))

    def step(x):
        with tf.GradientTape() as tape:
            board.scatter_nd_update([[0]], tf.matmul(x, enc))
            loss = tf.reduce_sum(board**2)
        return tape.gradient(loss, [enc])

    assert writes(step) == [("ResourceScatterNdUpdate", True)]


@pytest.mark.skipif(not hasattr(tf.lookup.experimental, "MutableHashTable"), reason="this TensorFlow has no such table")
def test_a_lookup_table():
    enc, table = encoder(), tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0, 0.0])

    def step(x):
        with tf.GradientTape() as tape:
            table.insert(tf.constant([1], tf.int64), tf.matmul(x, enc))
            loss = tf.reduce_sum(table.lookup(tf.constant([1], tf.int64)))
        return tape.gradient(loss, [enc])

    assert writes(step) == [("LookupTableInsertV2", True)]


def test_a_queue():
    enc, queue = encoder(), tf.queue.FIFOQueue(3, [tf.float32], [[1, 2]])

    def step(x):
        with tf.GradientTape() as tape:
            queue.enqueue(tf.matmul(x, enc))
            loss = tf.reduce_sum(queue.dequeue())
        return tape.gradient(loss, [enc])

    assert writes(step) == [("QueueEnqueueV2", True)]


def test_what_an_inner_optimizer_writes():
    w, u = tf.Variable([1.0, 2.0], name="w"), tf.Variable([1.0, 2.0], name="u")

    def step(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                loss = tf.reduce_sum(w * u * x)
            (slope,) = inner.gradient(loss, [w])
            tf.raw_ops.ResourceApplyGradientDescent(var=w.handle, alpha=0.1, delta=slope)
            loss = tf.reduce_sum(w**2)
        return outer.gradient(loss, [w, u])

    audit = graphcut.audit_step(step, tf.TensorSpec([1, 2]))[-1]
    assert [cut.kind for cut in audit[u].cut] == [BarrierKind.STATE]
    assert audit[u].cut[0].type == "ResourceApplyGradientDescent"


def test_a_slice_of_the_own_update():
    table = tf.Variable(np.ones((3, 2), np.float32), name="table")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.matmul(x, table[:2]))
        slope = tf.convert_to_tensor(tape.gradient(loss, table))
        table[0:2].assign(table[0:2] - 0.1 * slope[0:2])
        return slope

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([1, 2]))
    assert audit[table].is_updated and "never updated" not in str(audit)


def mapped(enc):
    return tf.data.Dataset.from_tensor_slices(np.ones((3, 2), np.float32)).map(lambda row: tf.linalg.matvec(enc, row))


def generated(enc):
    return tf.data.Dataset.from_generator(lambda: (enc.numpy()[0] for _ in range(3)), tf.float32, tf.TensorShape([2]))


@pytest.mark.parametrize("dataset", [mapped, generated])
def test_an_iterator_that_was_made_before_the_step(dataset):
    enc = encoder()
    iterator = iter(dataset(enc).batch(1))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(next(iterator) * x)
        return tape.gradient(loss, [enc])

    assert writes(step) == [("IteratorGetNext", True)]


@pytest.mark.parametrize("dataset", [mapped, generated])
def test_a_dataset_that_was_made_before_the_step(dataset):
    enc = encoder()
    rows = dataset(enc)

    def step(x):
        with tf.GradientTape() as tape:
            loss = rows.reduce(0.0, lambda total, row: total + tf.reduce_sum(row)) * tf.reduce_sum(x)
        return tape.gradient(loss, [enc])

    ((op_type, placed),) = writes(step)
    assert op_type.endswith("Dataset") and placed


def test_a_dataset_that_has_no_variable_is_no_barrier():
    enc = encoder()
    iterator = iter(tf.data.Dataset.from_tensor_slices(np.ones((3, 2), np.float32)))

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(next(iterator) * x)
        return tape.gradient(loss, [enc])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([1, 2]))
    assert audit[enc].unused
