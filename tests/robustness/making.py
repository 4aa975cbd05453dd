"""Small graph files, good and broken, written without TensorFlow."""

from __future__ import annotations

import struct

from graphcut.graph.messages import CLASSES
from tests.entries import attribute

FLOAT, STRING, COMPLEX, RESOURCE = 1, 7, 8, 20
T = {"T": {"type": FLOAT}}


def node(name, op, *inputs, **attrs):
    """A ``Node`` message; an attribute is a dict for ``AttrValue``: ``node("x", "Identity", "w", T={"type": 1})``."""
    return CLASSES["Node"](name=name, op=op, input=inputs, attr=[attribute(key, value) for key, value in attrs.items()])


def types(*dtypes):
    """The attribute that lists these dtypes."""
    return {"types": dtypes}


def variable(name, dtype=FLOAT):
    """A v1 variable, a scalar."""
    return node(name, "VariableV2", dtype={"type": dtype}, shape={"shape": CLASSES["Shape"]()})


def identity(name, *inputs, dtype=FLOAT):
    return node(name, "Identity", *inputs, T={"type": dtype})


def calling(name, function, *inputs):
    """A call of a function from float to float."""
    called = CLASSES["NameAttrList"](name=function)
    return node(name, "PartitionedCall", *inputs, Tin=types(FLOAT), Tout=types(FLOAT), f={"func": called})


def function(name, *nodes, result):
    """A function from the float ``x`` to the float ``y``, which is the tensor ``result``."""
    x, y = (CLASSES["ArgDef"](name=each, type=FLOAT) for each in ("x", "y"))
    signature = CLASSES["OpDef"](name=name, input_arg=[x], output_arg=[y])
    return CLASSES["Function"](signature=signature, node_def=nodes, ret={"y": result})


def graph(*nodes, functions=()):
    """A ``Graph`` message."""
    return CLASSES["Graph"](node=nodes, library=CLASSES["Library"](function=functions))


def doubling(depth):
    """Functions that each call the next one twice; the first opens to ``2 ** depth`` ops and more."""
    inner = [function("f%d" % depth, identity("end", "x"), result="end:output:0")]
    for level in reversed(range(depth)):
        below = "f%d" % (level + 1)
        nodes = calling("one", below, "x"), calling("two", below, "one:output:0")
        inner.append(function("f%d" % level, *nodes, result="two:output:0"))
    return graph(variable("w"), identity("read", "w"), calling("loss", "f0", "read"), functions=inner)


def nested(depth, bottom="Identity"):
    """Functions that each call the next one once, one op at the bottom of them all."""
    inner = [function("f%d" % depth, node("bottom", bottom, "x", **T), result="bottom:output:0")]
    inner += [
        function("f%d" % level, calling("call", "f%d" % (level + 1), "x"), result="call:output:0") for level in range(depth)
    ]
    return graph(variable("w"), identity("read", "w"), calling("loss", "f0", "read"), functions=inner)


def raw_name(message, name, raw):
    """The bytes of a message with ``name`` replaced by as many other bytes, which need not be UTF-8."""
    data = message.SerializeToString()
    assert len(name) == len(raw) and name in data
    return data.replace(name, raw)


def length_field(length):
    """A ``GraphDef`` whose first node says that it is ``length`` bytes long."""
    varint = b""
    while length >= 128:
        varint, length = varint + struct.pack("B", length % 128 + 128), length // 128
    return b"\x0a" + varint + struct.pack("B", length) + b"\x0a\x01w"
