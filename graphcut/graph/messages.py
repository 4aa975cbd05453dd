"""TensorFlow's graph messages, read with graphcut's own descriptors.

The compiled descriptor set (``graph.desc``, from ``graph.proto``) is loaded into a private pool: it works from
protobuf 3.19 on, where generated ``_pb2`` code does not span the versions, and never clashes with TensorFlow's.
"""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from typing import Any, Dict, Iterable, Iterator

from graphcut.errors import GraphcutError, printable

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class _Classes:
    """The message classes by name, loaded on first use, so ``import graphcut`` stays cheap."""

    def __getitem__(self, name: str) -> Any:
        return _load()[name]


CLASSES = _Classes()


def read_message(kind: str, data: bytes) -> Any:
    """Return the message of a kind in some bytes.

    Raises:
        DecodeError: the bytes are no such message. Before version 4, protobuf may warn, and return what it read so far.
        ValueError: a string in it is no UTF-8, in some versions of protobuf.
    """
    from google.protobuf.message import DecodeError

    if not _may_warn():
        return CLASSES[kind].FromString(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # whatever the user's filters are
        message = CLASSES[kind].FromString(data)
    if caught:
        raise DecodeError(str(caught[0].message))
    return message


def parse_node(data: bytes) -> Any:
    """Return the ``Node`` message in the bytes of a node.

    Raises:
        GraphcutError: The bytes are no node.
    """
    from google.protobuf.message import DecodeError

    try:
        return read_message("Node", data)
    except (DecodeError, ValueError) as error:
        raise GraphcutError(
            "protobuf cannot read a node of the graph (%s)\nThe file is damaged, cut short, or is not a graph."
            % printable(str(error).partition("\n")[0], 100)[1:-1]
        ) from error


def parse_nodes(nodes: Iterable[bytes]) -> Iterator[Any]:
    """Yield the ``Node`` messages of a graph whose nodes are bytes.

    Raises:
        GraphcutError: The bytes of one are no node.
    """
    return map(parse_node, nodes)


@lru_cache(maxsize=None)
def _may_warn() -> bool:
    """Return whether this protobuf may warn of wrong bytes and return what it read so far: before version 4."""
    import google.protobuf

    return int(google.protobuf.__version__.partition(".")[0]) < 4


@lru_cache(maxsize=None)
def _load() -> Dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool

    files = descriptor_pb2.FileDescriptorSet()
    with open(os.path.join(_FOLDER, "graph.desc"), "rb") as stream:
        files.ParseFromString(stream.read())
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(files.file[0].SerializeToString())
    names = [message.name for message in files.file[0].message_type]
    return {name: _message_class(pool, pool.FindMessageTypeByName("graphcut." + name)) for name in names}


def _message_class(pool: Any, descriptor: Any) -> Any:
    from google.protobuf import message_factory

    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)
