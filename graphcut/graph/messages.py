"""TensorFlow's graph messages, read with graphcut's own descriptors.

The compiled descriptor set (``graph.desc``, from ``graph.proto``) is loaded into a private pool: it works from
protobuf 3.19 on, where generated ``_pb2`` code does not span the versions, and never clashes with TensorFlow's.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Dict

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class _Classes:
    """The message classes by name, loaded on first use, so ``import graphcut`` stays cheap."""

    def __getitem__(self, name: str) -> Any:
        return _load()[name]


CLASSES = _Classes()


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
