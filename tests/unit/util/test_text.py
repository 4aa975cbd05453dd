from __future__ import annotations

from functools import partial

from graphcut.util.text import join_first, numeral, object_name


def test_only_ascii_digits_that_python_reads_are_a_number():
    assert [numeral(each) for each in ("12", "-1", "", "²", "１", "9" * 19)] == [12, None, None, None, None, None]


def test_what_is_left_out_is_counted():
    assert join_first([], 2) == "" and join_first(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_an_object_is_called_by_its_name_else_by_its_type():
    assert object_name(len) == "len" and object_name(partial(len)) == "partial"
