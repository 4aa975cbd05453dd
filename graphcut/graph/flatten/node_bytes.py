"""Read nodes from their bytes, because protobuf takes longer to parse a node and return its fields.

A serialized node is its name, its op type, its inputs and the rest: attributes, device and so on (Protocol Buffers,
"Encoding": each field is a tag, a length and as many bytes). The *form* of a node is its op type with the rest, as bytes; all
nodes of one form are of one kind. Protobuf reads a node that is serialized in any other way.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple

_NAME, _OP, _INPUT, _ATTR = 0x0A, 0x12, 0x1A, 0x2A  # the tags of fields 1, 2, 3 and 5, each a length and as many bytes
_LONG = 128  # from this length on, a length takes more than one byte
# Attributes that name a single op: with them, each variable would have a kind of its own.
NAMES = (b"\n\x06_class", b"\n\tcontainer", b"\n\ndebug_name", b"\n\x0bshared_name")
UNKNOWN = -1

NodeFields = Tuple[bytes, int, List[bytes], Tuple[bytes, ...]]
FindKind = Callable[[str, Tuple[bytes, ...]], Optional[int]]
_UNREAD: NodeFields = (b"", UNKNOWN, [], ())


def read_nodes(nodes: Iterable[bytes], forms: Dict[bytes, int], most_forms: int, find_kind: FindKind) -> Iterator[NodeFields]:
    """Yield the name, kind, inputs and attributes of each node; no attributes if its form is known.

    The kind is ``UNKNOWN`` if protobuf must read the node. ``find_kind`` returns the kind of an op type with these attributes,
    if it is known. Forms are added to ``forms``.
    """
    for raw in nodes:
        size, inputs = len(raw), []
        try:
            end = 2 + raw[1]
            at = end + 2 + raw[end + 1]
            op_type = raw[end:at]
            while at < size and raw[at] == _INPUT and raw[at + 1] < _LONG:
                start = at + 2
                at = start + raw[at + 1]
                inputs.append(raw[start:at])
        except IndexError:
            yield _UNREAD
            continue
        if raw[0] != _NAME or raw[1] >= _LONG or at > size:
            yield _UNREAD
            continue
        form = op_type + raw[at:]
        kind = forms.get(form)
        if kind is not None:
            yield raw[2:end], kind, inputs, ()
            continue
        attrs = _attrs(raw, at) if op_type[0] == _OP and op_type[1] == len(op_type) - 2 < _LONG else None
        common = () if attrs is None else tuple([attr for attr in attrs if not attr.startswith(NAMES)])
        kind = None if attrs is None else find_kind(op_type[2:].decode(), common)
        if kind is None or attrs is None:
            yield _UNREAD
            continue
        if len(common) == len(attrs) and len(forms) < most_forms:
            forms[form] = kind
        yield raw[2:end], kind, inputs, tuple(attrs)


def _attrs(raw: bytes, at: int) -> Optional[List[bytes]]:
    """Return the attributes from a place to the end; ``None`` if protobuf must read what follows."""
    attrs, end = [], len(raw)
    while at + 1 < end:
        tag, size, at = raw[at], raw[at + 1], at + 2
        if size >= _LONG:
            if at == end:
                return None
            size, at = size - _LONG + _LONG * raw[at], at + 1
        if tag in (_NAME, _OP, _INPUT) or tag >= _LONG or tag & 7 != 2 or size >= _LONG**2:
            return None
        if tag == _ATTR:
            attrs.append(raw[at : at + size])
        at += size
    return attrs if at == end else None
