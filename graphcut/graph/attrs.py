"""Attributes of an op: from the bytes that a kind carries to values."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, Dict, Optional, Tuple, Type

from graphcut.errors import GraphcutError
from graphcut.graph.flat import Kind, Shape
from graphcut.graph.messages import CLASSES


def parse_attrs(attrs: Tuple[bytes, ...]) -> Dict[str, Any]:
    """Return the attributes by name, as ``AttrValue`` messages. Nodes keep them as bytes, so damage is first noticed here."""
    read = CLASSES["AttrEntry"].FromString
    try:
        entries = [read(each) for each in attrs]
    except _unreadable() as error:
        raise GraphcutError("an op has an attribute that protobuf cannot read\nThe file is damaged.") from error
    return {entry.key: entry.value for entry in entries}


def _unreadable() -> Tuple[Type[Exception], ...]:
    from google.protobuf.message import DecodeError

    return DecodeError, ValueError, SystemError  # the last where protobuf before version 4 warns, and warnings are errors


_remembered = lru_cache(maxsize=1024)(parse_attrs)
_LARGE = 4096  # bytes: large values belong to one graph, and must not outlive it


def attributes(kind: Kind) -> Dict[str, Any]:
    """Return the attributes of a kind, name to ``AttrValue`` message."""
    return _remembered(kind.attrs) if sum(map(len, kind.attrs)) <= _LARGE else parse_attrs(kind.attrs)


def attribute(kind: Kind, name: str) -> Any:
    """Return one ``AttrValue`` message of a kind, or ``None``; parse no others if each entry begins with its key."""
    begins = _beginning(name)
    for each in kind.attrs:
        if each.startswith(begins):
            return parse_attrs((each,))[name]
    return None if all(each.startswith(b"\n") for each in kind.attrs) else attributes(kind).get(name)


@lru_cache(maxsize=None)
def _beginning(name: str) -> bytes:
    return b"\n" + bytes([len(name)]) + name.encode()


def entry(name: str, **value: Any) -> bytes:
    """Return the bytes of one attribute, as a kind stores it: ``entry("N", i=2)``."""
    message: bytes = CLASSES["AttrEntry"](key=name, value=CLASSES["AttrValue"](**value)).SerializeToString()
    return message


def function_name(kind: Kind, name: str) -> str:
    """Return the function that an attribute such as ``then_branch`` names, or an empty string."""
    value = attribute(kind, name)
    return value.func.name if value is not None else ""


def text(kind: Kind, name: str) -> str:
    """Return a string attribute, decoded, or an empty string."""
    value = attribute(kind, name)
    return value.s.decode("utf-8", "replace") if value is not None else ""


def shape(message: Any) -> Shape:
    """Return a shape message as a tuple of sizes (``None`` if unknown), or ``None`` if the rank is unknown."""
    if message.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in message.dim)


def output_shapes(kind: Kind) -> Optional[Tuple[Shape, ...]]:
    """Return the shapes of the outputs from the attributes: ``_output_shapes``, ``shape``, or a constant's value."""
    values = attributes(kind)
    if "_output_shapes" in values:
        return tuple(shape(each) for each in values["_output_shapes"].list.shape)
    if kind.type == "Const" and "value" in values:
        return (shape(values["value"].tensor.tensor_shape),)
    if "shape" in values and values["shape"].HasField("shape") and len(kind.outputs) == 1:
        return (shape(values["shape"].shape),)
    return None


def is_zero(kind: Kind) -> bool:
    """Return whether a kind is a constant of zeros."""
    tensor = attributes(kind)["value"].tensor if kind.type == "Const" and "value" in attributes(kind) else None
    if tensor is None or tensor.dtype not in (1, 2, 8, 14, 18, 19):
        return False
    values = [tensor.float_val, tensor.double_val, tensor.scomplex_val, tensor.dcomplex_val, tensor.half_val]
    return not tensor.tensor_content.strip(b"\0") and not any(any(each) for each in values) and _has_value(tensor, values)


def _has_value(tensor: Any, values: Any) -> bool:
    """Return false if the value was dropped before the graph was passed on (marked by a version of -1)."""
    return bool(tensor.version_number != -1)


def integers(kind: Kind) -> Optional[Tuple[int, ...]]:
    """Return the flattened values of a small integer constant; ``None`` for anything else."""
    tensor = attributes(kind)["value"].tensor if kind.type == "Const" and "value" in attributes(kind) else None
    if tensor is None or tensor.dtype not in _INTEGERS or tensor.version_number == -1:
        return None
    count = 1
    for dim in tensor.tensor_shape.dim:
        count *= max(dim.size, 0)
    letter, values = _INTEGERS[tensor.dtype]
    if count > _SMALL or (tensor.tensor_content and len(tensor.tensor_content) != count * struct.calcsize(letter)):
        return None
    if tensor.tensor_content:
        return struct.unpack("<%d%s" % (count, letter[1:]), tensor.tensor_content)
    numbers = tuple(int(each) for each in getattr(tensor, values)) or (0,)
    return (numbers + numbers[-1:] * count)[:count]


_SMALL = 1024
_INTEGERS = {3: ("<i", "int_val"), 9: ("<q", "int64_val")}


def booleans(kind: Kind) -> Optional[Tuple[bool, ...]]:
    """Return the distinct values of a boolean constant; ``None`` for anything else."""
    tensor = attributes(kind)["value"].tensor if kind.type == "Const" and "value" in attributes(kind) else None
    if tensor is None or tensor.dtype != _BOOL or tensor.version_number == -1 or not _is_full(tensor):
        return None
    return tuple(sorted(set(map(bool, tensor.tensor_content or tensor.bool_val or (False,)))))


def is_one(kind: Kind) -> bool:
    """Return whether a kind is a constant of real ones."""
    tensor = attributes(kind)["value"].tensor if kind.type == "Const" and "value" in attributes(kind) else None
    if tensor is None or tensor.dtype not in _REAL or tensor.version_number == -1 or not _is_full(tensor):
        return False
    letter, values = _REAL[tensor.dtype]
    content = tensor.tensor_content
    numbers = [each[0] for each in struct.iter_unpack(letter, content)] if content else list(getattr(tensor, values))
    return set(numbers) == {1.0}


def _is_full(tensor: Any) -> bool:
    """Return whether a tensor is known to be not empty."""
    return all(dim.size > 0 for dim in tensor.tensor_shape.dim)


_BOOL = 10
_REAL = {1: ("<f", "float_val"), 2: ("<d", "double_val")}
