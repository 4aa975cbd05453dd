"""Read the bytes of a path. Before reading, refuse what is not a file, too large, or another format by its beginning.

The beginning of a protobuf message is enough to refuse a large file before reading all of it.
"""

from __future__ import annotations

import io
import os
import re
import select
import stat
import zlib
from typing import IO, Optional

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.formats import keras_files, other_formats
from graphcut.graph.formats.event_files import is_event_file
from graphcut.graph.formats.remote_files import is_url, open_url
from graphcut.graph.formats.wire_format import may_begin

SUFFIXES = ".pb, .pbtxt, .meta or a SavedModel directory"
LIMIT = 2**31  # bytes; protobuf writes and reads no larger message
_LARGE = 2**26  # bytes; the beginning of a larger file is checked before the file is read
_HEAD = 2**16  # bytes
_PATIENCE = 5.0  # seconds
_DAMAGED = "\nIt is damaged or of another format; graphcut reads %s." % SUFFIXES
STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_LFS = b"version https://git-lfs.github.com/spec/"
_TEXT = re.compile(rb"(\xef\xbb\xbf)?(\s+|#[^\n]*\n)*[a-z_]{4,}\s*[:{]")


def bytes_of(path: str) -> bytes:
    """Return the bytes of a file, unpacked if it is a gzip file; ``-`` is standard input. An error says what the file is."""
    try:
        if is_url(path):
            with open_url(path) as stream:
                return _unpack(_fetch(stream, path), path)
        with _open(path) as stream:
            return _unpack(_read(stream, path), path)
    except FileNotFoundError as error:
        raise GraphcutError("no file %s%s" % (printable(path), near_files(path))) from error
    except (OSError, ValueError) as error:
        raise GraphcutError("cannot read %s: %s" % (printable(path), getattr(error, "strerror", None) or error)) from error


def _open(path: str) -> IO[bytes]:
    if path == STANDARD_INPUT:
        return os.fdopen(os.dup(0), "rb", buffering=0)
    return open(path, "rb", buffering=0, opener=_opened_at_once)


def _unpack(data: bytes, path: str) -> bytes:
    """Return the unpacked bytes of gzip data, up to the size that a protobuf message can have."""
    if not data.startswith(_GZIP):
        return data
    unpacking = zlib.decompressobj(31)
    try:
        plain = unpacking.decompress(data, LIMIT)
    except zlib.error as error:
        raise GraphcutError("%s is a gzip archive that is damaged: %s" % (printable(path), error)) from error
    if not unpacking.eof:
        raise GraphcutError(
            "%s is a gzip archive that %s\nThe file is damaged or not a graph."
            % (printable(path), "is cut short" if len(plain) < LIMIT else "unpacks to 2 GB and more")
        )
    _check_format(plain[:_HEAD], path)
    return plain


def _opened_at_once(path: str, flags: int) -> int:
    """Open a path without waiting for a writer at the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read(stream: IO[bytes], path: str) -> bytes:
    status = os.fstat(stream.fileno())
    if stat.S_ISFIFO(status.st_mode):
        return _read_pipe(stream, path)
    _check_size(status, path)
    head = stream.read(_HEAD) or b""
    _check_archive(head, stream, path)
    _check_format(head, path)
    packed = head.startswith(_GZIP)
    if status.st_size > _LARGE and not packed and not _fits(head, status.st_size):
        described = other_formats.describe_name(path)
        description = "is " + described if described else "is not a graph: no protobuf message begins like this" + _DAMAGED
        raise GraphcutError("%s %s" % (printable(path), description))
    stream.seek(0)
    return stream.read()


def _fetch(stream: IO[bytes], path: str) -> bytes:
    """Return the bytes at a URL."""
    head = stream.read(_HEAD) or b""
    _check_archive(head, stream, path)
    _check_format(head, path)
    fits = head.startswith(_GZIP) or _fits(head, LIMIT)
    data = head + stream.read(LIMIT - len(head) if fits else _LARGE)
    if len(data) >= (LIMIT if fits else _LARGE):
        raise GraphcutError("%s is not a graph, or one of 2 GB and more%s" % (printable(path), _DAMAGED))
    return data


def _read_pipe(stream: IO[bytes], path: str) -> bytes:
    """Return the bytes that come through a pipe.

    A time limit and a size limit apply, because a pipe may have no writer or no end.
    """
    if not select.select([stream], [], [], _PATIENCE)[0]:
        raise GraphcutError("%s is a pipe, and no data arrives\ngraphcut reads %s." % (printable(path), SUFFIXES))
    os.set_blocking(stream.fileno(), True)
    data = bytearray()
    for piece in iter(lambda: stream.read(_HEAD), b""):
        if not data:
            _check_archive(piece, None, path)
            _check_format(piece, path)
        data += piece
        head = bytes(data[:_HEAD])
        fits = head.startswith(_GZIP) or _fits(head, LIMIT)
        if len(data) > _LARGE and not fits or len(data) >= LIMIT:
            raise GraphcutError("%s is not a graph, or one of 2 GB and more%s" % (printable(path), _DAMAGED))
    _check_format(bytes(data[:16]), path)
    return bytes(data)


def _check_size(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise GraphcutError("%s is a device, not a file\ngraphcut reads %s." % (printable(path), SUFFIXES))
    if status.st_size >= LIMIT:
        raise GraphcutError(
            "%s has %.1f GB; a protobuf message, and so any graph file, ends at 2 GB\ngraphcut reads %s."
            % (printable(path), status.st_size / 1e9, SUFFIXES)
        )


def _check_archive(head: bytes, stream: Optional[IO[bytes]], path: str) -> None:
    """Refuse a Keras file; the error says what it holds."""
    if head.startswith((keras_files.HDF5, keras_files.ZIP)):
        raise keras_files.error_of(io.BytesIO(head) if stream is None else stream, path)


def _check_format(head: bytes, path: str) -> None:
    if not head:
        raise GraphcutError("%s is empty\ngraphcut reads %s." % (printable(path), SUFFIXES))
    if head.startswith(_LFS):
        size = re.search(rb"^size (\d+)$", head, re.MULTILINE)
        elsewhere = f"{int(size.group(1)):,} bytes are elsewhere" if size else "the file itself is elsewhere"
        raise GraphcutError("%s is a Git LFS pointer, %s\nFetch the file: git lfs pull" % (printable(path), elsewhere))
    described = other_formats.describe_content(head, path)
    if described is not None:
        raise GraphcutError("%s is %s" % (printable(path), described))


def _fits(head: bytes, size: int) -> bool:
    """Return whether a file with this size and beginning may hold a graph."""
    return is_text(head) or is_event_file(head) or may_begin(head, size)


def is_text(head: bytes) -> bool:
    """Return whether a file with this beginning is in protobuf's text format: a field's name, or a comment."""
    return _TEXT.match(head) is not None and b"\0" not in head


def graphs_in(folder: str) -> str:
    """Return the names of the graph files and SavedModels in a directory; TensorFlow Serving numbers SavedModels."""
    try:
        names = sorted(os.listdir(folder))[:1000]
    except OSError as error:
        raise GraphcutError("cannot read %s: %s" % (printable(folder), error.strerror)) from error
    paths = [os.path.join(folder, name) for name in names]
    graphs = [path for path in paths if _is_graph_file(path) or os.path.exists(os.path.join(path, "saved_model.pb"))]
    return "; did you mean " + " or ".join(map(printable, graphs[:3])) + "?" if graphs else ""


def _is_graph_file(path: str) -> bool:
    """Return whether a name is that of a graph file; SavedModels also contain ``.pb`` files with other messages."""
    beside = ("keras_metadata.pb", "fingerprint.pb")
    return path.endswith((".meta", ".pb", ".pbtxt")) and os.path.basename(path) not in beside and os.path.isfile(path)


def near_files(path: str) -> str:
    """Return likely alternatives: the ``.meta`` of a checkpoint, a file of a similar name."""
    folder, name = os.path.split(path)
    try:
        beside = sorted(os.listdir(folder or "."))[:10000]
    except OSError:
        return "\nThe folder %s does not exist." % printable(folder) if folder else ""
    if name + ".meta" in beside:
        return "; did you mean %s?" % printable(os.path.join(folder, name + ".meta"))
    if name + ".index" in beside:
        return "; that name is %s" % other_formats.describe_name(path + ".index").replace("part of a", "a", 1)
    return near_names(name, beside)
