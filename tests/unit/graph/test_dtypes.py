from __future__ import annotations

import pytest

from graphcut.graph.dtypes import COMPLEX_NAMES, DTYPES, FLOAT_NAMES, REF, base_dtype, dtype_name, is_discrete


@pytest.mark.parametrize("number", DTYPES)
def test_a_reference_has_the_name_of_what_it_refers_to(number):
    assert dtype_name(number + REF) == dtype_name(number) == DTYPES[number] and base_dtype(number + REF) == number


def test_a_dtype_of_a_newer_tensorflow_is_called_by_its_number():
    assert dtype_name(99) == "dtype 99"


def test_no_dtype_is_discrete_and_a_float():
    assert not any(map(is_discrete, FLOAT_NAMES | COMPLEX_NAMES))
    assert all(map(is_discrete, ("int4", "uint64", "bool", "string", "qint8")))
