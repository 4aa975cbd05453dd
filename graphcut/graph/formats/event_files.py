"""Event files of TensorBoard (``events.out.tfevents.…``): the graph that a summary writer put into one.

A record is its length (8 bytes), a checksum of it (4), an ``Event`` message and its checksum (4); see the
TFRecord format and TensorFlow's ``Event``. The first event names the version of the format. Checksums are not compared.
"""

from __future__ import annotations

import struct
from typing import Iterator, Optional, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.formats.wire_format import BYTES, FIXED32, FIXED64, VARINT, read_varint

_LENGTH, _CHECKSUM = 8, 4
_WALL_TIME = b"\x09"  # the first field of an event
_VERSION = b"brain.Event:"
_GRAPH, _META_GRAPH = 4, 9  # the fields of an event that hold a GraphDef and a MetaGraphDef, as bytes
_SIZES = {FIXED64: 8, FIXED32: 4}


def is_event_file(head: bytes) -> bool:
    """Return whether a file that begins like this is an event file; no graph begins like it.

    >>> is_event_file(struct.pack("<Q", 24) + bytes(4) + b"\\x09" + bytes(8) + b"\\x1a\\x0dbrain.Event:2" + bytes(4))
    True
    """
    start = _LENGTH + _CHECKSUM
    return head[start : start + 1] == _WALL_TIME and _VERSION in head[start : start + 32]


def graph_in_events(data: bytes, path: str) -> Tuple[str, bytes]:
    """Return the last graph in an event file, and its kind: a MetaGraph if there is one, which also tells variables.

    Raises:
        GraphcutError: no event holds a graph.
    """
    last = {number: value for event in _events(data) for number, value in _fields(event) if number in (_GRAPH, _META_GRAPH)}
    for number, kind in ((_META_GRAPH, "MetaGraph"), (_GRAPH, "Graph")):
        if last.get(number):
            return kind, last[number]
    raise GraphcutError(
        "%s is an event file of TensorBoard without a graph\n"
        "tf.compat.v1.summary.FileWriter(folder, graph) and tf.summary.graph write one; graphcut also reads .meta files."
        % printable(path)
    )


def _events(data: bytes) -> Iterator[bytes]:
    """Yield the events that are there as a whole; the last one may still be being written."""
    place = 0
    while place + _LENGTH + _CHECKSUM <= len(data):
        (size,) = struct.unpack_from("<Q", data, place)
        start = place + _LENGTH + _CHECKSUM
        place = start + size + _CHECKSUM
        if place <= len(data):
            yield data[start : start + size]


def _fields(event: bytes) -> Iterator[Tuple[int, bytes]]:
    """Yield the number and the bytes of each field of a message that holds bytes; stop at damage."""
    place: Optional[int] = 0
    while place is not None and place < len(event):
        field = _field(event, place)
        if field is None:
            return
        number, value, place = field
        if value is not None:
            yield number, value


def _field(event: bytes, place: int) -> Optional[Tuple[int, Optional[bytes], int]]:
    """Return the number of a field, its bytes where it holds some, and where it ends; ``None`` where it is damaged."""
    try:
        tag, place = read_varint(event, place)
        if tag & 7 in _SIZES:
            return tag >> 3, None, place + _SIZES[tag & 7]
        size, place = read_varint(event, place)
    except IndexError:
        return None
    if tag & 7 == VARINT:
        return tag >> 3, None, place
    end = place + size
    return (tag >> 3, event[place:end], end) if tag & 7 == BYTES and end <= len(event) else None
