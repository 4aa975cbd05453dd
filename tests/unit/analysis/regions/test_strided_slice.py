from __future__ import annotations

import numpy as np
import pytest

from graphcut.analysis.regions.boxes import END
from graphcut.analysis.regions.strided_slice import spans
from graphcut.graph.attrs import entry, parse_attrs

SHAPE = (5, 6, 7)


def masks(**values):
    return parse_attrs(tuple(entry(name + "_mask", i=value) for name, value in values.items()))


@pytest.mark.parametrize("begin, end", [((1, 2), (3, 5)), ((-3, 0), (-1, -2)), ((0, 1), (9, 9))])
def test_what_is_taken_is_what_numpy_takes(begin, end):
    found = spans(masks(begin=0), SHAPE, begin, end, (1, 1))
    for axis in (0, 1):
        low, high = found.ranges[axis]
        assert list(range(SHAPE[axis]))[low:high] == list(np.arange(SHAPE[axis])[begin[axis] : end[axis]])


def test_one_element_takes_its_axis_away():
    found = spans(masks(shrink_axis=1), SHAPE, (2, 1), (3, 4), (1, 1))
    assert found.ranges == {0: (2, 3), 1: (1, 4)} and found.axes == {1: 0, 2: 1}


def test_an_ellipsis_stands_for_the_axes_between():
    found = spans(masks(ellipsis=1), SHAPE, (0, 1), (0, 3), (1, 1))
    assert found.ranges == {2: (1, 3)} and found.axes == {0: 0, 1: 1, 2: 2}


def test_a_new_axis_is_none_of_the_tensor():
    found = spans(masks(new_axis=1), SHAPE, (0, 1), (0, 3), (1, 1))
    assert found.ranges == {0: (1, 3)} and found.axes == {0: 1, 1: 2, 2: 3}


def test_masked_ends_are_open():
    assert spans(masks(begin=1, end=1), SHAPE, (4,), (4,), (1,)).ranges == {0: (0, END)}


@pytest.mark.parametrize(
    "shape, begin, strides", [(SHAPE, (4,), (-1,)), (None, (-2,), (1,))], ids=["backwards", "from an unknown end"]
)
def test_what_is_not_known_is_not_limited(shape, begin, strides):
    assert 0 not in spans(masks(), shape, begin, (9,), strides).ranges


def test_bounds_that_are_not_constant_are_not_known():
    assert spans(masks(), SHAPE, None, (1,), (1,)) is None
