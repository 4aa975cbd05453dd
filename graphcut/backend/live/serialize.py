"""Convert a live graph to a ``Graph`` message.

The message is parsed from TensorFlow's own bytes, without the values of large constants.

``tf.Graph.as_graph_def`` would parse these bytes into TensorFlow's messages, which would have to be serialized again.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import Any, Iterator

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.python.framework import c_api_util, ops

from graphcut.errors import GraphcutError
from graphcut.graph.messages import CLASSES

_LARGE = 1024
_MANY = 1 << 24
_VALUE = b"\n\x05value"
_API = getattr(ops, "pywrap_tf_session", None) or ops.c_api


def data(graph: Any) -> bytes:
    """Return TensorFlow's own bytes, including large constants."""
    with _explain_errors():
        return _bytes(graph)


def parse_graph(data: bytes) -> Any:
    """Return the ``RawGraph`` message in such bytes; if they are many, without the values of large constants."""
    written = _message(data)
    return _without_values(written) if len(data) > _MANY else written


def serialize_graph(graph: Any) -> bytes:
    """Return the bytes of a live graph without the values of large constants, for callers that keep many graphs."""
    return bytes(_without_values(_message(data(graph))).SerializeToString())


def _message(data: bytes) -> Any:
    with _explain_errors():
        return CLASSES["RawGraph"].FromString(data)


def _without_values(written: Any) -> Any:
    for place, data in enumerate(written.node):
        if len(data) > _LARGE:
            node = CLASSES["Node"].FromString(data)
            if node.op == "Const":
                node.attr[:] = [_without_value(each) if each.startswith(_VALUE) else each for each in node.attr]
                written.node[place] = node.SerializeToString()
    return written


@contextmanager
def _explain_errors() -> Iterator[None]:
    try:
        yield
    except (ValueError, DecodeError, tf.errors.InvalidArgumentError) as error:
        raise GraphcutError(
            "TensorFlow cannot write this graph out: %s\nA GraphDef ends at 2 GB; keep large values in variables."
            % str(error).splitlines()[0][:160]
        ) from error


def _bytes(graph: Any) -> bytes:
    held = graph._c_graph
    with held.get() if hasattr(held, "get") else nullcontext(held) as c_graph, c_api_util.tf_buffer() as buffer:
        _API.TF_GraphToGraphDef(c_graph, buffer)
        return bytes(_API.TF_GetBuffer(buffer))


def _without_value(attr: bytes) -> bytes:
    """Return the entry of a constant's value without its content, with a mark if that is not zero."""
    entry = CLASSES["AttrEntry"].FromString(attr)
    tensor = entry.value.tensor
    if len(tensor.tensor_content) > _LARGE:
        zero = not tensor.tensor_content.strip(b"\0")
        tensor.ClearField("tensor_content")
        tensor.version_number = 0 if zero else -1
    return bytes(entry.SerializeToString())
