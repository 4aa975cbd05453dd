"""Random graphs that join and split tensors: a gradient with the verdict ``zero`` is zero for all values."""

from __future__ import annotations

import random

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests import tallies

v1 = tf.compat.v1


def sliced(draw, tensor):
    """A slice by Python's notation: ends, strides, single elements, new axes, an ellipsis."""
    keys = []
    for size in tensor.shape.as_list()[: draw.randint(1, 3)]:
        start = draw.randrange(-size, size)
        keys.append(draw.choice([slice(None), slice(start, None), slice(None, start or None), start, slice(None, None, 2),
                                 slice(None, None, -1), slice(start, start + 2 or None)]))  # fmt: skip
    if draw.random() < 0.2:
        keys.insert(draw.randint(0, len(keys)), tf.newaxis)
    if draw.random() < 0.2:
        keys.insert(0, Ellipsis)
        keys = keys[: 1 + len(tensor.shape)]
    return tensor[tuple(keys)]


def cut(draw, tensor):
    """``tf.slice``."""
    shape = tensor.shape.as_list()
    begin = [draw.randrange(size) for size in shape]
    size = [draw.choice([-1, draw.randint(1, each - start)]) for each, start in zip(shape, begin)]
    return tf.slice(tensor, begin, size)


def unstacked(draw, tensor):
    return draw.choice(tf.unstack(tensor, axis=draw.randrange(-len(tensor.shape), len(tensor.shape))))


def split(draw, tensor):
    axis = draw.randrange(len(tensor.shape))
    size = tensor.shape.as_list()[axis]
    if draw.random() < 0.5:
        return draw.choice(tf.split(tensor, draw.choice([each for each in (1, 2, 3) if size % each == 0]), axis))
    first = draw.randint(1, size)
    parts = tf.split(tensor, [first, size - first] if draw.random() < 0.5 else [first, -1], axis)
    return draw.choice(parts[: 1 + (first < size)])


def stacked(draw, tensor, others):
    alike = [each for each in others if each.shape.as_list() == tensor.shape.as_list()]
    return tf.stack([draw.choice(alike + [tensor]) for _ in range(3)], axis=draw.randrange(-1, len(tensor.shape) + 1))


def joined(draw, tensor, others):
    axis = draw.randrange(len(tensor.shape))
    rest = tensor.shape.as_list()[:axis] + tensor.shape.as_list()[axis + 1 :]
    fits = [
        each
        for each in others
        if each.shape.as_list()[:axis] + each.shape.as_list()[axis + 1 :] == rest and len(each.shape) == len(tensor.shape)
    ]
    parts = [draw.choice(fits + [tensor]) for _ in range(draw.randint(2, 3))]
    return tf.concat(parts, axis - len(tensor.shape) if draw.random() < 0.3 else axis)


def padded(draw, tensor):
    return tf.pad(tensor, [[draw.randrange(3), draw.randrange(2)] for _ in tensor.shape])


def plain(draw, tensor, others):
    """An op of elements, with or without broadcasting, or a product of matrices."""
    kind = draw.randrange(6)
    if kind == 0:
        return tf.tanh(tensor)
    if kind == 1:
        return tensor * draw.choice([each for each in others if each.shape.as_list() == tensor.shape.as_list()] + [tensor])
    if kind == 2:
        return tensor + tf.reduce_sum(tensor, -1, True)
    if kind == 3 and len(tensor.shape) == 2:
        rows, columns = tensor.shape.as_list()
        return tf.matmul(tensor, tf.ones([2, columns]), transpose_b=True) if draw.random() < 0.5 else tf.matmul(
            tensor, tf.ones([rows, 2]), transpose_a=True)  # fmt: skip
    if kind == 4:
        return tf.nn.softmax(tensor)
    return tf.abs(tensor) + 0.5


def grown(draw):
    """Variables, and the loss: a product with the last of a dozen tensors."""
    shapes = [[2, 3], [2, 3], [3, 2], [4, 3], [2, 2, 3]]
    variables = [v1.get_variable("v%d" % index, shape, use_resource=True) for index, shape in enumerate(shapes)]
    known = [tf.identity(each) for each in variables]
    for _ in range(draw.randint(3, 9)):
        tensor = draw.choice([each for each in known[-6:] if 1 <= len(each.shape) <= 3])
        if 0 in tensor.shape.as_list():
            continue
        kind = draw.choice([sliced, cut, unstacked, split, padded, stacked, stacked, joined, joined, joined, plain])
        made = kind(draw, tensor, known) if kind in (stacked, joined, plain) else kind(draw, tensor)
        if 1 <= len(made.shape) <= 3 and 0 not in made.shape.as_list():
            known.append(made)
    return variables, tf.reduce_sum(tf.tanh(known[-1]) * 1.7) + tf.reduce_sum(tf.square(known[-2])) * draw.randrange(2)


def values(graph, variables, gradients):
    """The gradients at two random points, without Grappler, which makes a wrong ``Reshape`` of some of these ``Pack``s."""
    config = v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with graph.as_default(), v1.Session(graph=graph, config=config) as session:
        found = [tf.convert_to_tensor(each) for each in gradients]
        for point in range(2):
            random_values = np.random.RandomState(point)
            session.run(v1.global_variables_initializer())
            feeds = {each: random_values.normal(size=each.shape.as_list()) for each in variables}
            for each in variables:
                each.load(feeds[each], session)
            yield session.run(found)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_judged_zero_is_zero(seed):
    with tf.Graph().as_default() as graph:
        variables, loss = grown(random.Random(seed))
        audit = graphcut.audit(graph, loss=loss, variables=[each.op.name for each in variables])
        gradients = [v1.gradients(loss, [each])[0] for each in variables]
    verdicts = [each.verdict for each in audit]
    assert [verdict is Verdict.NONE for verdict in verdicts] == [each is None for each in gradients]
    there = [place for place, each in enumerate(gradients) if each is not None]
    nonzero = dict.fromkeys(there, False)
    for point in values(graph, variables, [gradients[place] for place in there]):
        for place, each in zip(there, point):
            nonzero[place] |= bool(np.any(each))
    assert not [place for place in there if nonzero[place] and verdicts[place] is Verdict.ZERO]
    tallies.tally("pieces", "judged zero", ("" for place in there if verdicts[place] is Verdict.ZERO))
    tallies.tally(
        "pieces",
        "flows, but zero at both points",
        ("seed %d" % seed for place in there if verdicts[place] is Verdict.FLOWS and not nonzero[place]),
    )
