"""TensorFlow's graph messages, read by descriptors of our own.

The compiled descriptor set (``graph.desc``, from ``graph.proto``) is loaded into a private pool: it works from
protobuf 3.19 on, where generated ``_pb2`` code does not span the versions, and never clashes with TensorFlow's.
"""

from __future__ import annotations

import os
from typing import Any, Dict

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _load() -> Dict[str, Any]:
    files = descriptor_pb2.FileDescriptorSet()
    with open(os.path.join(_FOLDER, "graph.desc"), "rb") as stream:
        files.ParseFromString(stream.read())
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(files.file[0].SerializeToString())
    names = [message.name for message in files.file[0].message_type]
    return {name: _message_class(pool, pool.FindMessageTypeByName("graphcut." + name)) for name in names}


def _message_class(pool: Any, descriptor: Any) -> Any:
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


CLASSES: Dict[str, Any] = _load()
