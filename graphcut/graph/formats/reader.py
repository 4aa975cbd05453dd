"""Graph files and messages: GraphDef, MetaGraphDef and SavedModel, binary and text. Nothing in them is executed."""

from __future__ import annotations

import os
import warnings
from typing import Any, NamedTuple, Optional

from google.protobuf import text_format
from google.protobuf.message import DecodeError, EncodeError

from graphcut.errors import GraphcutError, printable
from graphcut.graph.formats.raw_bytes import SUFFIXES, bytes_of, graphs_in
from graphcut.graph.messages import CLASSES


class Content(NamedTuple):
    """What a file holds: the graph message, the MetaGraph around it (or ``None``), the place it came from; the directory
    of a SavedModel."""

    graph: Any
    meta: Any
    label: str
    folder: Optional[str] = None


def read(path: str) -> Content:
    """The graph in a file or in a SavedModel directory."""
    if "\0" in path:
        raise GraphcutError("no file %s" % printable(path))
    if os.path.isdir(path):
        return _saved_model(path)
    data = bytes_of(path)
    name = os.path.basename(path)
    if name in ("saved_model.pb", "saved_model.pbtxt"):
        return _saved_model(os.path.dirname(path) or ".")
    if name.endswith(".meta"):
        meta = _parsed("MetaGraph", data, path)
        return _checked(Content(meta.graph_def, meta, path))
    if name.endswith(".pbtxt"):
        return _checked(Content(_from_text("Graph", data, path), None, path))
    return _checked(Content(_parsed("Graph", data, path), None, path))


def of_message(message: Any, label: str) -> Content:
    """The graph in a ``GraphDef`` or ``MetaGraphDef`` message."""
    kind = message.DESCRIPTOR.name
    try:
        data = message.SerializeToString()
    except (ValueError, DecodeError, EncodeError) as error:
        raise GraphcutError(
            "the %s does not fit into a protobuf message, which ends at 2 GB\nKeep large values in variables, not constants."
            % kind
        ) from error
    if kind == "MetaGraphDef":
        meta = _parsed("MetaGraph", data, label)
        return _checked(Content(meta.graph_def, meta, label))
    if kind == "GraphDef":
        return _checked(Content(_parsed("Graph", data, label), None, label))
    raise GraphcutError("a %s message was given\ngraphcut reads GraphDef and MetaGraphDef." % kind)


def _parsed(kind: str, data: bytes, path: str) -> Any:
    try:
        with warnings.catch_warnings(record=True) as caught:  # old protobuf warns where it gives up in the middle
            message = CLASSES[kind].FromString(data)
        if caught:
            raise DecodeError(str(caught[0].message))
        return message
    except (DecodeError, ValueError) as error:
        raise GraphcutError(
            "%s is no %s: protobuf cannot read it (%s)\nIt is damaged, cut short or of another format; graphcut reads %s."
            % (
                printable(path),
                _FORMATS[kind],
                printable(_reason(error), 100)[1:-1],
                SUFFIXES,
            )
        ) from error


def _reason(error: Exception) -> str:
    """What protobuf says, the type of the message left out: it is ours."""
    said = str(error).partition("\n")[0]
    return (said.rpartition("': ")[2] if "'graphcut." in said else said) or "wrong bytes"


_FORMATS = {"Graph": "GraphDef", "MetaGraph": "MetaGraphDef", "SavedModel": "SavedModel"}


def _from_text(kind: str, data: bytes, path: str) -> Any:
    spelled_out = CLASSES["Text" + kind]()
    try:
        text_format.Parse(data.decode("utf-8"), spelled_out, allow_unknown_field=True)
    except (text_format.ParseError, ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else str(error).partition("\n")[0][:160]
        raise GraphcutError(
            "%s is no %s as text: %s\nIt is damaged, cut short or of another format; graphcut reads %s."
            % (printable(path), _FORMATS[kind], printable(why)[1:-1], SUFFIXES)
        ) from error
    return CLASSES[kind].FromString(spelled_out.SerializeToString())


def _checked(content: Content) -> Content:
    if not content.graph.node:
        raise GraphcutError(
            "%s holds no op\nIt may be of another format; graphcut reads %s." % (printable(content.label), SUFFIXES)
        )
    return content


def _saved_model(path: str) -> Content:
    binary, text = os.path.join(path, "saved_model.pb"), os.path.join(path, "saved_model.pbtxt")
    if os.path.exists(binary):
        model = _parsed("SavedModel", bytes_of(binary), binary)
    elif os.path.exists(text):
        model = _from_text("SavedModel", bytes_of(text), text)
    else:
        raise GraphcutError(
            "directory %s holds no saved_model.pb%s\nA SavedModel is a directory with that file in it."
            % (printable(path), graphs_in(path))
        )
    if not model.meta_graphs:
        raise GraphcutError("the SavedModel in %s holds no graph" % printable(path))
    tagged = [meta for meta in model.meta_graphs if "train" in meta.meta_info_def.tags] or list(model.meta_graphs)
    return _checked(Content(tagged[0].graph_def, tagged[0], path, folder=path))
