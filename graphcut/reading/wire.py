"""The beginning of a protobuf message as it lies on disk: enough to refuse a large file before it is read as a whole.

A message is a row of fields, each a tag (field number and wire type), then a varint, 8 bytes, 4 bytes, or a length and as
many bytes (Protocol Buffers, "Encoding").
"""

from __future__ import annotations

from typing import Tuple

_VARINT, _FIXED64, _BYTES, _GROUP, _FIXED32 = 0, 1, 2, 3, 5


def may_begin(head: bytes, size: int) -> bool:
    """Whether a message of ``size`` bytes can begin like this; of its last twenty bytes nothing is told.

    >>> may_begin(b"\\x0a\\x02hi" * 6, 24), may_begin(bytes(24), 24), may_begin(b"\\x0a\\xff\\xff\\xff\\x0f".ljust(25), 25)
    (True, False, False)
    """
    place = 0
    while place + 20 <= min(len(head), size):
        tag, place = _varint(head, place)
        if not tag >> 3:
            return False
        if tag & 7 == _GROUP:  # nobody writes them any more, and where one ends is not told
            return True
        value, after = _varint(head, place)
        sizes = {_VARINT: after, _FIXED64: place + 8, _FIXED32: place + 4, _BYTES: after + value}
        place = sizes.get(tag & 7, size + 1)
        if place > size:
            return False
    return True


def _varint(data: bytes, place: int) -> Tuple[int, int]:
    """A number of seven bits in each byte, and where it ends; one that does not end is too large for anything."""
    number = 0
    for shift in range(10):
        number |= (data[place + shift] & 127) << 7 * shift
        if data[place + shift] < 128:
            return number, place + shift + 1
    return 1 << 70, place + 10
