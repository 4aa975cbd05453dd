"""Which part of a complex gradient can be nonzero."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from graphcut.analysis.regions import complex_parts
from graphcut.analysis.regions.slicing import StaticOpInfo

FLOAT, COMPLEX = 1, 8


def cast(before, after, box):
    attrs = {"SrcT": SimpleNamespace(type=before), "DstT": SimpleNamespace(type=after)}
    return complex_parts.cast(StaticOpInfo(attrs, (None,), (None,), (None,)), 0, 0, box)


@pytest.mark.parametrize("take, real", [(complex_parts.real, {0: (1, 2)}), (complex_parts.imag, None)])
def test_a_real_input_gets_the_real_part(take, real):
    assert cast(FLOAT, COMPLEX, take(None, 0, 0, {0: (1, 2)})) == real


def test_a_complex_input_gets_no_imaginary_part_from_a_real_gradient():
    assert complex_parts.part(cast(COMPLEX, FLOAT, {}), 1) is None


def test_a_cast_between_real_numbers_keeps_the_box():
    assert cast(FLOAT, FLOAT, {0: (1, 2)}) == {0: (1, 2)}


def test_a_damaged_cast_limits_nothing():
    assert complex_parts.cast(StaticOpInfo({}, (None,), (None,), (None,)), 0, 0, {0: (1, 2)}) == {}
