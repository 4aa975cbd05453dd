"""Graph files and messages: GraphDef, MetaGraphDef and SavedModel, binary and text. Nothing in them is executed."""
from __future__ import annotations

import os
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from graphcut.dag import dtype_name
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.reading import signatures
from graphcut.reading.attrs import shape
from graphcut.reading.messages import CLASSES
from graphcut.reading.source import Origin, Place, Variable

SUFFIXES = ".pb, .pbtxt, .meta or a SavedModel directory"
_OTHER_FORMATS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file (Keras weights or model): load it with Keras and audit the model itself",
    b"PK\x03\x04": "a zip archive (.keras is one): load it with Keras and audit the model itself",
    b"\x89PNG": "a PNG picture",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"TFL3": "a TFLite model, which holds no gradients",
}


class Content(NamedTuple):
    """What a file holds: the graph message, the MetaGraph around it (or ``None``), the place it came from."""

    graph: Any
    meta: Any
    label: str


def read(path: str) -> Content:
    """The graph in a file or in a SavedModel directory."""
    if os.path.isdir(path):
        return _saved_model(path)
    data = _bytes(path)
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
    except (ValueError, DecodeError) as error:
        raise GraphcutError("the %s does not fit into a protobuf message (2 GB at most): %s" % (kind, error)) from error
    if kind == "MetaGraphDef":
        meta = _parsed("MetaGraph", data, label)
        return _checked(Content(meta.graph_def, meta, label))
    if kind == "GraphDef":
        return _checked(Content(_parsed("Graph", data, label), None, label))
    raise GraphcutError("a %s message was given\ngraphcut reads GraphDef and MetaGraphDef." % kind)


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise GraphcutError("cannot read %s: %s" % (printable(path), error.strerror or error)) from error
    if not data:
        raise GraphcutError("%s is empty\ngraphcut reads %s." % (printable(path), SUFFIXES))
    for magic, meaning in _OTHER_FORMATS.items():
        if data.startswith(magic):
            raise GraphcutError("%s is %s\ngraphcut reads %s." % (printable(path), meaning, SUFFIXES))
    return data


def _parsed(kind: str, data: bytes, path: str) -> Any:
    try:
        return CLASSES[kind].FromString(data)
    except (DecodeError, UnicodeDecodeError, ValueError) as error:
        raise GraphcutError(
            "%s is no %s: protobuf cannot read it (%s)\nIt is damaged, cut short or of another format; graphcut reads %s."
            % (printable(path), _FORMATS[kind], str(error).splitlines()[0][:100] if str(error) else "wrong bytes", SUFFIXES)
        ) from error


_FORMATS = {"Graph": "GraphDef", "MetaGraph": "MetaGraphDef", "SavedModel": "SavedModel"}


def _from_text(kind: str, data: bytes, path: str) -> Any:
    spelled_out = CLASSES["Text" + kind]()
    try:
        text_format.Parse(data.decode("utf-8"), spelled_out, allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise GraphcutError("%s is no %s as text: %s" % (printable(path), _FORMATS[kind], str(error).splitlines()[0][:160])) from error
    return CLASSES[kind].FromString(spelled_out.SerializeToString())


def _checked(content: Content) -> Content:
    if not content.graph.node:
        raise GraphcutError("%s holds no op\nIt may be of another format; graphcut reads %s." % (printable(content.label), SUFFIXES))
    return content


def _saved_model(path: str) -> Content:
    binary, text = os.path.join(path, "saved_model.pb"), os.path.join(path, "saved_model.pbtxt")
    if os.path.exists(binary):
        model = _parsed("SavedModel", _bytes(binary), binary)
    elif os.path.exists(text):
        model = _from_text("SavedModel", _bytes(text), text)
    else:
        raise GraphcutError("directory %s holds no saved_model.pb\nA SavedModel is a directory with that file in it." % printable(path))
    if not model.meta_graphs:
        raise GraphcutError("the SavedModel in %s holds no graph" % printable(path))
    tagged = [meta for meta in model.meta_graphs if "train" in meta.meta_info_def.tags] or list(model.meta_graphs)
    return _checked(Content(tagged[0].graph_def, tagged[0], path))


def origin(content: Content, signature: Optional[str]) -> Origin:
    """What a file tells beside its ops."""
    if content.meta is None:
        if signature is not None:
            raise GraphcutError("%s has no signatures, %s was asked for\nOnly a SavedModel has." % (printable(content.label), printable(signature)))
        return Origin(content.label, opaque=_opaque(content.graph))
    meta = content.meta
    return Origin(
        content.label,
        outputs=_outputs(meta, signature),
        variables=tuple(_collected_variables(meta)),
        collected=tuple(meta.collection_def["losses"].node_list.value) if "losses" in meta.collection_def else (),
        dead_exits=frozenset(_dead_exits(meta)),
        opaque=_opaque(content.graph),
        op_defs={op.name: signatures.from_op_def(op) for op in meta.meta_info_def.stripped_op_list.op},
        knows_variables="trainable_variables" in meta.collection_def or any(node.HasField("variable") for node in meta.object_graph_def.nodes),
    )


def _opaque(graph: Any) -> FrozenSet[str]:
    return frozenset(each.function_name for each in graph.library.gradient)


def _outputs(meta: Any, signature: Optional[str]) -> Dict[str, str]:
    known = [key for key in meta.signature_def if key != "__saved_model_init_op"]
    if signature is None:
        signature = "serving_default" if "serving_default" in known else known[0] if len(known) == 1 else None
    if signature is None:
        return {}
    if signature not in known:
        raise GraphcutError("no signature %s; there is %s%s" % (printable(signature), ", ".join(map(printable, sorted(known))) or "none", near_names(signature, known)))
    outputs = meta.signature_def[signature].outputs
    return {key: outputs[key].name for key in sorted(outputs) if outputs[key].name}


def _collected_variables(meta: Any) -> Iterator[Variable]:
    """The variables that a MetaGraph's collections and object graph name."""
    trainable = {each.variable_name for each in _definitions(meta, "trainable_variables")}
    for each in {d.variable_name: d for key in ("variables", "trainable_variables") for d in _definitions(meta, key)}.values():
        yield Variable(each.variable_name.rpartition(":")[0], (each.variable_name,), each.variable_name in trainable, "", None)
    for node in meta.object_graph_def.nodes:
        if node.HasField("variable"):
            saved = node.variable
            yield Variable(saved.name, (), saved.trainable, dtype_name(saved.dtype), shape(saved.shape))


def _definitions(meta: Any, collection: str) -> List[Any]:
    values = meta.collection_def[collection].bytes_list.value if collection in meta.collection_def else ()
    return [_parsed_definition("VariableDef", each) for each in values]


def _parsed_definition(kind: str, data: bytes) -> Any:
    return CLASSES[kind].FromString(data)


def _dead_exits(meta: Any) -> Iterator[Place]:
    waiting = [_parsed_definition("WhileContext", each) for each in (meta.collection_def["while_context"].bytes_list.value if "while_context" in meta.collection_def else ())]
    while waiting:
        context = waiting.pop()
        if not context.back_prop:
            yield from ((None, name.rpartition(":")[0] or name) for name in context.loop_exit_names)
        waiting.extend(each.while_ctxt for each in context.nested_contexts if each.HasField("while_ctxt"))


