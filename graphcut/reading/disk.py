"""From a path to bytes: what is no file, is too large or bears the mark of another format is refused before it is read."""

from __future__ import annotations

import os
import stat
from typing import IO

from graphcut.errors import GraphcutError, near_names, printable

SUFFIXES = ".pb, .pbtxt, .meta or a SavedModel directory"
LIMIT = 2**31  # bytes; protobuf writes and reads no larger message
_OTHER_FORMATS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file (Keras weights or model): load it with Keras and audit the model itself",
    b"PK\x03\x04": "a zip archive (.keras is one): load it with Keras and audit the model itself",
    b"\x89PNG": "a PNG picture",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"TFL3": "a TFLite model, which holds no gradients: audit the model that it was converted from",
}


def bytes_of(path: str) -> bytes:
    """The bytes of a file, or an error that says what it is instead."""
    try:
        with open(path, "rb") as stream:
            _check_size(stream, path)
            _check_format(stream.peek(16)[:16], path)
            return stream.read()
    except FileNotFoundError as error:
        raise GraphcutError("no file %s%s" % (printable(path), _near_files(path))) from error
    except (OSError, ValueError) as error:
        raise GraphcutError("cannot read %s: %s" % (printable(path), getattr(error, "strerror", None) or error)) from error


def _check_size(stream: IO[bytes], path: str) -> None:
    found = os.fstat(stream.fileno())
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISFIFO(found.st_mode):
        raise GraphcutError("%s is a device, no file\ngraphcut reads %s." % (printable(path), SUFFIXES))
    if found.st_size >= LIMIT:
        raise GraphcutError(
            "%s has %.1f GB; a protobuf message, and so any graph file, ends at 2 GB\ngraphcut reads %s."
            % (printable(path), found.st_size / 1e9, SUFFIXES)
        )


def _check_format(head: bytes, path: str) -> None:
    if not head:
        raise GraphcutError("%s is empty\ngraphcut reads %s." % (printable(path), SUFFIXES))
    for magic, meaning in _OTHER_FORMATS.items():
        if head.startswith(magic) or magic == b"TFL3" == head[4:8]:
            raise GraphcutError("%s is %s\ngraphcut reads %s." % (printable(path), meaning, SUFFIXES))


def graphs_in(folder: str) -> str:
    """What in a directory may be meant: a graph file, a SavedModel (TensorFlow Serving numbers them)."""
    try:
        names = sorted(os.listdir(folder))[:1000]
    except OSError as error:
        raise GraphcutError("cannot read %s: %s" % (printable(folder), error.strerror)) from error
    paths = [os.path.join(folder, name) for name in names]
    found = [
        path
        for path in paths
        if path.endswith((".meta", ".pb", ".pbtxt")) or os.path.exists(os.path.join(path, "saved_model.pb"))
    ]
    return "; did you mean " + " or ".join(map(printable, found[:3])) + "?" if found else ""


def _near_files(path: str) -> str:
    """What may be meant instead: the ``.meta`` of a checkpoint, a file of a similar name."""
    folder, name = os.path.split(path)
    try:
        beside = sorted(os.listdir(folder or "."))[:10000]
    except OSError:
        return "\nThere is no such folder either." if folder else ""
    if name + ".meta" in beside:
        return "; did you mean %s?" % printable(os.path.join(folder, name + ".meta"))
    return near_names(name, beside)
