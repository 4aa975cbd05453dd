"""The bytes of a protobuf message on disk."""

from __future__ import annotations

import pytest

from graphcut.graph.formats.wire_format import may_begin, read_varint


@pytest.mark.parametrize("data, number, end", [(b"\x07", 7, 1), (b"\xac\x02", 300, 2), (b"\xff" * 10, 1 << 70, 10)])
def test_a_varint_and_its_end(data, number, end):
    assert read_varint(data, 0) == (number, end)


def test_the_beginning_of_a_message_is_told_from_other_bytes():
    assert may_begin(b"\x0a\x02hi" * 20, 80)
    assert not may_begin(b"\x0a\xff\xff\xff\x0f".ljust(80), 80)
