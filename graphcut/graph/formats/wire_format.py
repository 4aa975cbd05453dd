"""A protobuf message as it lies on disk, where it is not worth a parser, or too large for one.

A message is a row of fields, each a tag (field number and wire type), then a varint, 8 bytes, 4 bytes, or a length and as
many bytes (Protocol Buffers, "Encoding").
"""

from __future__ import annotations

from typing import Tuple

VARINT, FIXED64, BYTES, _GROUP, FIXED32 = 0, 1, 2, 3, 5


def may_begin(head: bytes, size: int) -> bool:
    """Return whether a message of ``size`` bytes can begin like this; its last twenty bytes are not checked.

    >>> may_begin(b"\\x0a\\x02hi" * 6, 24), may_begin(bytes(24), 24), may_begin(b"\\x0a\\xff\\xff\\xff\\x0f".ljust(25), 25)
    (True, False, False)
    """
    place = 0
    while place + 20 <= min(len(head), size):
        tag, place = read_varint(head, place)
        if not tag >> 3:
            return False
        if tag & 7 == _GROUP:  # nobody writes them any more, and where one ends is not told
            return True
        value, after = read_varint(head, place)
        sizes = {VARINT: after, FIXED64: place + 8, FIXED32: place + 4, BYTES: after + value}
        place = sizes.get(tag & 7, size + 1)
        if place > size:
            return False
    return True


def read_varint(data: bytes, place: int) -> Tuple[int, int]:
    """Return a varint and where it ends; one that does not end is reported as a very large number."""
    number = 0
    for shift in range(10):
        number |= (data[place + shift] & 127) << 7 * shift
        if data[place + shift] < 128:
            return number, place + shift + 1
    return 1 << 70, place + 10
