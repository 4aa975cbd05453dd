"""Read protobuf messages field by field where a parser is not worthwhile, or the message is too large for one.

A message is a row of fields, each a tag (field number and wire type), then a varint, 8 bytes, 4 bytes, or a length and as
many bytes (Protocol Buffers, "Encoding").
"""

from __future__ import annotations

from typing import Tuple

VARINT, FIXED64, BYTES, _GROUP, FIXED32 = 0, 1, 2, 3, 5
_SIZES = {FIXED64: 8, FIXED32: 4}
_NOWHERE = 1 << 70  # past the end of any message


def may_begin(head: bytes, size: int) -> bool:
    """Return whether a message of ``size`` bytes can have this beginning; its last twenty bytes are not checked.

    >>> may_begin(b"\\x0a\\x02hi" * 6, 24), may_begin(bytes(24), 24), may_begin(b"\\x0a\\xff\\xff\\xff\\x0f".ljust(25), 25)
    (True, False, False)
    """
    place = 0
    while place + 20 <= min(len(head), size):
        number, wire_type, _, place = read_field(head, place)
        if not number:
            return False
        if wire_type == _GROUP:  # groups are obsolete, and their length is not known in advance
            return True
        if place > size:
            return False
    return True


def read_field(data: bytes, place: int) -> Tuple[int, int, int, int]:
    """Return the number and the wire type of a field, and where its value begins and ends.

    If the type is unknown or a group, the end is past the end of any message.

    Raises:
        IndexError: The data end before the value begins.
    """
    tag, start = read_varint(data, place)
    wire_type = tag & 7
    if wire_type in (VARINT, BYTES):
        value, after = read_varint(data, start)
        start, end = (after, after + value) if wire_type == BYTES else (start, after)
    else:
        end = start + _SIZES.get(wire_type, _NOWHERE)
    return tag >> 3, wire_type, start, end


def read_varint(data: bytes, place: int) -> Tuple[int, int]:
    """Return a varint and where it ends; one that does not end is reported as a very large number."""
    number = 0
    for shift in range(10):
        number |= (data[place + shift] & 127) << 7 * shift
        if data[place + shift] < 128:
            return number, place + shift + 1
    return _NOWHERE, place + 10
