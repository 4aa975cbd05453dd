"""Attributes of test graphs as bytes."""

from __future__ import annotations

from graphcut.graph.attrs import entry
from graphcut.graph.messages import CLASSES

PLACEHOLDER = {"name": "given", "op": "Placeholder", "attr": [entry("dtype", type=1)]}
# The scratch graph of a made-up TensorFlow that hands its gradient on: the placeholder of that gradient, "given:0", alone.
GIVEN = CLASSES["Graph"](node=[PLACEHOLDER]).SerializeToString()
# The same for one whose gradient functions make a gradient of their own: "ones:0" and "zeros:0", whatever arrives.
OWN = CLASSES["Graph"](
    node=[
        PLACEHOLDER,
        {"name": "ones", "op": "OnesLike", "input": ["given"], "attr": [entry("T", type=1)]},
        {"name": "zeros", "op": "ZerosLike", "input": ["given"], "attr": [entry("T", type=1)]},
    ]
).SerializeToString()


def attribute(name, value):
    """The bytes of an attribute: a dict for ``AttrValue``, or ``{"types": dtypes}`` for a list of dtypes.

    The list is filled in place: protobuf 4.24 on Python 3.7 crashes where it comes as a nested dict.
    """
    if "types" not in value:
        return entry(name, **value)
    message = CLASSES["AttrEntry"](key=name)
    message.value.list.type.extend(value["types"])
    return message.SerializeToString()
