"""Attributes of test graphs as bytes."""
from __future__ import annotations

from graphcut.reading.attrs import entry
from graphcut.reading.messages import CLASSES


def attribute(name, value):
    """The bytes of an attribute: a dict for ``AttrValue``, or ``{"types": dtypes}`` for a list of dtypes.

    The list is filled in place: protobuf 4.24 on Python 3.7 crashes where it comes as a nested dict.
    """
    if "types" not in value:
        return entry(name, **value)
    message = CLASSES["AttrEntry"](key=name)
    message.value.list.type.extend(value["types"])
    return message.SerializeToString()
