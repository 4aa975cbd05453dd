"""Read what a file holds besides its ops: outputs, variables, collections, and loops that must not be differentiated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Tuple

from google.protobuf.message import DecodeError

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph import op_outputs
from graphcut.graph.attrs import function_name
from graphcut.graph.flat import Kind
from graphcut.graph.formats.debug_info import DebugInfo
from graphcut.graph.formats.reader import Content
from graphcut.graph.formats.saved_gradients import saved_gradient_finder
from graphcut.graph.formats.saved_objects import saved_functions, saved_variables
from graphcut.graph.messages import parse_nodes, read_message
from graphcut.graph.metadata import GraphMetadata, PartitionedVariable, Place, Variable


def origin(content: Content, signature: Optional[str]) -> GraphMetadata:
    """Return the metadata that a file holds besides its ops."""
    if content.meta is None:
        if signature is not None:
            raise GraphcutError(
                "%s has no signatures, but signature %s was requested\nOnly a SavedModel has signatures."
                % (printable(content.label), printable(signature))
            )
        return GraphMetadata(content.label, opaque=_opaque(content.graph), producer=content.graph.versions.producer)
    meta = content.meta
    metadata = GraphMetadata(
        content.label,
        outputs=_outputs(meta, signature),
        functions=saved_functions(meta),
        variables=tuple(_collected_variables(meta)),
        collected=tuple(meta.collection_def["losses"].node_list.value) if "losses" in meta.collection_def else (),
        dead_exits=frozenset(_dead_exits(meta)),
        opaque=_opaque(content.graph),
        op_defs={op.name: op_outputs.from_op_def(op) for op in meta.meta_info_def.stripped_op_list.op}.get,
        saved_gradient=saved_gradient_finder(meta),
        asks_for_outputs=signature is not None,
        signatures={} if _chosen_signature(meta, signature) else {key: _outputs(meta, key) for key in _signatures(meta)},
        knows_variables="trainable_variables" in meta.collection_def
        or any(node.HasField("variable") for node in meta.object_graph_def.nodes),
        tensorflow_version=meta.meta_info_def.tensorflow_version,
        producer=content.graph.versions.producer,
    )
    return metadata if content.folder is None else replace(metadata, where=DebugInfo(content.folder))


def _opaque(graph: Any) -> FrozenSet[str]:
    """Return the functions that may have a gradient function of their own.

    A file names the gradient of a ``Defun`` if it is a function, but not if it is in Python (``python_grad_func``), so an op
    of the function's own type may have one. TensorFlow differentiates functions without one by ``SymbolicGradient``, which is
    evidence.
    """
    named = {each.function_name for each in graph.library.gradient}
    if not graph.library.function:
        return frozenset(named)
    bodies = [list(parse_nodes(graph.node)), *(each.node_def for each in graph.library.function)]
    types = {node.op for nodes in bodies for node in nodes}
    called = {each.signature.name for each in graph.library.function if each.signature.name in types}
    if called and "SymbolicGradient" in types:
        called.difference_update(_differentiated_function(node) for nodes in bodies for node in nodes)
    return frozenset(named.union(called))


def _differentiated_function(node: Any) -> str:
    """Return the function that a ``SymbolicGradient`` is the gradient of; an empty string for any other op."""
    return function_name(Kind(node.op, tuple(node.attr), ()), "f") if node.op == "SymbolicGradient" else ""


def _signatures(meta: Any) -> Tuple[str, ...]:
    return tuple(sorted(key for key in meta.signature_def if key != "__saved_model_init_op"))


def _chosen_signature(meta: Any, signature: Optional[str]) -> Optional[str]:
    """Return the signature to use: the requested one, else ``serving_default``, else the only one."""
    signatures = _signatures(meta)
    if signature is not None:
        return signature
    return "serving_default" if "serving_default" in signatures else signatures[0] if len(signatures) == 1 else None


def _outputs(meta: Any, signature: Optional[str]) -> Dict[str, str]:
    signatures = _signatures(meta)
    signature = _chosen_signature(meta, signature)
    if signature is None:
        return {}
    if signature not in signatures:
        listed = (
            "the signatures are %s" % ", ".join(map(printable, sorted(signatures)))
            if signatures
            else "the file has no signatures"
        )
        raise GraphcutError("no signature %s; %s%s" % (printable(signature), listed, near_names(signature, signatures)))
    outputs = meta.signature_def[signature].outputs
    return {key: outputs[key].name for key in sorted(outputs) if outputs[key].name}


def _collected_variables(meta: Any) -> Iterator[Variable]:
    """Yield the variables that a MetaGraph's collections and object graph name."""
    trainable = {each.variable_name for each in _definitions(meta, "trainable_variables")}
    for each in {d.variable_name: d for key in ("variables", "trainable_variables") for d in _definitions(meta, key)}.values():
        name, part = each.variable_name, each.save_slice_info_def
        whole = PartitionedVariable(part.full_name, tuple(part.full_shape)) if part.full_name else None
        yield Variable(name.rpartition(":")[0], (name,), name in trainable, "", None, whole=whole)
    yield from saved_variables(meta)


def _definitions(meta: Any, collection: str) -> List[Any]:
    values = meta.collection_def[collection].bytes_list.value if collection in meta.collection_def else ()
    return [_parsed_definition("VariableDef", each) for each in values]


def _parsed_definition(kind: str, data: bytes) -> Any:
    try:
        return read_message(kind, data)
    except (DecodeError, ValueError) as error:
        raise GraphcutError(
            "a collection of the MetaGraph holds a %s that protobuf cannot read\nThe file is damaged." % kind
        ) from error


def _dead_exits(meta: Any) -> Iterator[Place]:
    waiting = [
        _parsed_definition("WhileContext", each)
        for each in (meta.collection_def["while_context"].bytes_list.value if "while_context" in meta.collection_def else ())
    ]
    while waiting:
        context = waiting.pop()
        if not context.back_prop:
            yield from ((None, name.rpartition(":")[0] or name) for name in context.loop_exit_names)
        waiting.extend(each.while_ctxt for each in context.nested_contexts if each.HasField("while_ctxt"))
