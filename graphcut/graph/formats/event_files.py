"""Read the graph that a summary writer put into an event file of TensorBoard (``events.out.tfevents.…``).

A record is its length (8 bytes), a checksum of it (4), an ``Event`` message and its checksum (4); see the
TFRecord format and TensorFlow's ``Event``. The first event names the version of the format. Checksums are not verified.
"""

from __future__ import annotations

import struct
from typing import Iterator, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.formats.wire_format import BYTES, read_field

_LENGTH, _CHECKSUM = 8, 4
_WALL_TIME = b"\x09"  # the first field of an event
_VERSION = b"brain.Event:"
_GRAPH, _META_GRAPH = 4, 9  # the fields of an event that hold a GraphDef and a MetaGraphDef, as bytes


def is_event_file(head: bytes) -> bool:
    """Return whether a file with this beginning is an event file; no graph file begins like this.

    >>> is_event_file(struct.pack("<Q", 24) + bytes(4) + b"\\x09" + bytes(8) + b"\\x1a\\x0dbrain.Event:2" + bytes(4))
    True
    """
    start = _LENGTH + _CHECKSUM
    return head[start : start + 1] == _WALL_TIME and _VERSION in head[start : start + 32]


def graph_in_events(data: bytes, path: str) -> Tuple[str, bytes]:
    """Return the last graph in an event file, and its kind: a MetaGraph, which lists variables, if there is one.

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
    """Yield the complete events; TensorFlow may not have finished writing the last one."""
    place = 0
    while place + _LENGTH + _CHECKSUM <= len(data):
        (size,) = struct.unpack_from("<Q", data, place)
        start = place + _LENGTH + _CHECKSUM
        place = start + size + _CHECKSUM
        if place <= len(data):
            yield data[start : start + size]


def _fields(event: bytes) -> Iterator[Tuple[int, bytes]]:
    """Yield the number and the bytes of each field of a message that holds bytes; stop at damage."""
    place = 0
    while place < len(event):
        try:
            number, wire_type, start, place = read_field(event, place)
        except IndexError:
            return
        if wire_type == BYTES and place <= len(event):
            yield number, event[start:place]
