"""Graph files and messages: GraphDef, MetaGraphDef and SavedModel, binary and text. Nothing in them is executed."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple, Optional

from google.protobuf import text_format
from google.protobuf.message import DecodeError, EncodeError

from graphcut.errors import GraphcutError, printable
from graphcut.graph.formats import other_formats
from graphcut.graph.formats.event_files import graph_in_events, is_event_file
from graphcut.graph.formats.raw_bytes import SUFFIXES, bytes_of, graphs_in, is_text
from graphcut.graph.formats.remote_files import is_url, is_url_folder, url_exists
from graphcut.graph.messages import CLASSES, read_message


class Content(NamedTuple):
    """The content of a file.

    The fields are the graph message, the MetaGraph around it (or ``None``), and where it came from; for a SavedModel, its
    directory.
    """

    graph: Any
    meta: Any
    label: str
    folder: Optional[str] = None


def read(path: str) -> Content:
    """Return the graph in a file or in a SavedModel directory."""
    if "\0" in path:
        raise GraphcutError("no file %s" % printable(path))
    if is_url_folder(path) if is_url(path) else os.path.isdir(path):
        return _saved_model(path)
    data = bytes_of(path)
    name = os.path.basename(path)
    if name in ("saved_model.pb", "saved_model.pbtxt"):
        return _saved_model(os.path.dirname(path) or ".")
    return _check(_content(data, name, path))


def _content(data: bytes, name: str, path: str) -> Content:
    """Parse a file. The content decides the format; the suffix decides only if the content is ambiguous."""
    stem = name[: -len(".gz")] if name.endswith(".gz") else name
    expected = "MetaGraph" if stem.endswith(".meta") else "Graph"
    if is_event_file(data[:_HEAD]):
        kind, graph = graph_in_events(data, path)
        return _content_of(kind, _parse(kind, graph, path), path)
    if is_text(data[:_HEAD]) or stem.endswith(".pbtxt") and not _is_binary(data):
        field = _FIELD.search(data[:_HEAD])
        kind = _BY_FIELD.get(field.group(1).decode() if field else "", expected)
        return _content_of(kind, _from_text(kind, data, path), path)
    for kind in sorted(_FORMATS, key=lambda each: each != expected):
        message = _message(kind, data)
        if message is not None:
            return _content_of(kind, message, path)
    described = other_formats.describe_name(path)
    if described:
        raise GraphcutError("%s is %s" % (printable(path), described))
    return _content_of(expected, _parse(expected, data, path), path)


def _is_binary(data: bytes) -> bool:
    return any(_message(kind, data) is not None for kind in _FORMATS)


def _message(kind: str, data: bytes) -> Any:
    """Return the bytes as a message of that kind, if its ops have valid names and types; else ``None``."""
    try:
        message = read_message("Raw" + kind, data)
        nodes = [read_message("Node", each) for each in _graph_of(message).node[:_FIRST]]
    except (DecodeError, ValueError):
        return None
    return message if nodes and all(node.name and _OP_TYPE.match(node.op) for node in nodes) else None


def _graph_of(message: Any) -> Any:
    """Return the graph in a message; for a SavedModel, its first graph."""
    if hasattr(message, "meta_graphs"):
        message = message.meta_graphs[0] if message.meta_graphs else CLASSES["RawMetaGraph"]()
    return getattr(message, "graph_def", message)


def _content_of(kind: str, message: Any, path: str) -> Content:
    if kind == "SavedModel":
        return _choose_graph(message, path, None)
    return Content(message.graph_def, message, path) if kind == "MetaGraph" else Content(message, None, path)


_FIRST = 20
_HEAD = 2**16
_OP_TYPE = re.compile(r"[A-Za-z_][\w.>/-]*$")
_FIELD = re.compile(rb"(?:^|\n)([a-z_]{4,})\s*[:{]")
_BY_FIELD = {
    **dict.fromkeys(["node", "library", "versions"], "Graph"),
    **dict.fromkeys(["meta_info_def", "graph_def", "saver_def", "collection_def", "signature_def"], "MetaGraph"),
    **dict.fromkeys(["saved_model_schema_version", "meta_graphs"], "SavedModel"),
}


def of_message(message: Any, label: str) -> Content:
    """Return the graph in a ``GraphDef`` or ``MetaGraphDef`` message."""
    kind = message.DESCRIPTOR.name
    try:
        data = message.SerializeToString()
    except (ValueError, DecodeError, EncodeError) as error:
        raise GraphcutError(
            "the %s does not fit into a protobuf message, which ends at 2 GB\nKeep large values in variables, not constants."
            % kind
        ) from error
    if kind == "MetaGraphDef":
        meta = _parse("MetaGraph", data, label)
        return _check(Content(meta.graph_def, meta, label))
    if kind == "GraphDef":
        return _check(Content(_parse("Graph", data, label), None, label))
    raise GraphcutError("a %s message was given\ngraphcut reads GraphDef and MetaGraphDef." % kind)


def _parse(kind: str, data: bytes, path: str) -> Any:
    try:
        return read_message("Raw" + kind, data)
    except (DecodeError, ValueError) as error:
        raise GraphcutError(
            "%s is not a %s: protobuf cannot read it (%s)\nIt is damaged, cut short or in another format; graphcut reads %s."
            % (
                printable(path),
                _FORMATS[kind],
                printable(_reason(error), 100)[1:-1],
                SUFFIXES,
            )
        ) from error


def _reason(error: Exception) -> str:
    """Return protobuf's error without the name of graphcut's own message type."""
    message = str(error).partition("\n")[0]
    return (message.rpartition("': ")[2] if "'graphcut." in message else message) or "wrong bytes"


_FORMATS = {"Graph": "GraphDef", "MetaGraph": "MetaGraphDef", "SavedModel": "SavedModel"}


def _from_text(kind: str, data: bytes, path: str) -> Any:
    spelled_out = CLASSES["Text" + kind]()
    try:
        text_format.Parse(data.decode("utf-8"), spelled_out, allow_unknown_field=True)
    except (text_format.ParseError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0][:160]
        raise GraphcutError(
            "%s is not a %s as text: %s\nIt is damaged, cut short or in another format; graphcut reads %s."
            % (printable(path), _FORMATS[kind], printable(why)[1:-1], SUFFIXES)
        ) from error
    return CLASSES["Raw" + kind].FromString(spelled_out.SerializeToString())


def _check(content: Content) -> Content:
    if not content.graph.node:
        raise GraphcutError(
            "%s holds no op\nIt may be in another format; graphcut reads %s." % (printable(content.label), SUFFIXES)
        )
    return content


def _saved_model(path: str) -> Content:
    binary, text = os.path.join(path, "saved_model.pb"), os.path.join(path, "saved_model.pbtxt")
    result = next((each for each in (binary, text) if _exists(each)), None)
    if result is None:
        described = None if is_url(path) else other_formats.describe_folder(path)
        if described is not None:
            raise GraphcutError("directory %s holds %s" % (printable(path), described))
        raise GraphcutError(
            "directory %s holds no saved_model.pb%s\nA SavedModel is a directory with that file in it."
            % (printable(path), "" if is_url(path) else graphs_in(path))
        )
    data = bytes_of(result)
    as_text = result == text or is_text(data[:_HEAD])
    model = _from_text("SavedModel", data, result) if as_text else _parse("SavedModel", data, result)
    return _check(_choose_graph(model, path, None if is_url(path) else path))


def _exists(path: str) -> bool:
    return url_exists(path) if is_url(path) else os.path.exists(path)


def _choose_graph(model: Any, path: str, folder: Optional[str]) -> Content:
    """Return the training graph of a SavedModel, else its first graph."""
    if not model.meta_graphs:
        raise GraphcutError("the SavedModel in %s holds no graph" % printable(path))
    tagged = [meta for meta in model.meta_graphs if "train" in meta.meta_info_def.tags] or list(model.meta_graphs)
    return Content(tagged[0].graph_def, tagged[0], path, folder=folder)
