"""A ``GraphDef`` really edited: stops replaced by identities, tensors stopped, in the graph and in function bodies."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Tuple

from graphcut.api import load
from graphcut.api.what_if import is_wiring
from graphcut.graph.dtypes import RESOURCE
from graphcut.graph.flat import SEPARATOR, FlatGraph

Place = Tuple[Optional[str], str]


class Edit(NamedTuple):
    """One edit: what kind, in which function (``None``: the graph itself), which op, which of its outputs, and the names
    by which graphcut knows all copies."""

    kind: str
    function: Optional[str]
    op: str
    output: int
    copies: Tuple[str, ...]


def edits(graph_def: Any) -> List[Edit]:
    """Every edit that can be written into the message."""
    flat = load.read(graph_def).flat
    places = {}
    for op in range(len(flat.names)):
        place = flat.function(op), flat.names[op].rpartition(SEPARATOR)[2]
        if "#" not in place[1]:
            places.setdefault(place, []).append(op)
    return [edit for place, ops in places.items() for edit in _of_place(graph_def, flat, place, ops)]


def _of_place(graph_def: Any, flat: FlatGraph, place: Place, ops: List[int]) -> List[Edit]:
    if flat.type(ops[0]) in ("StopGradient", "PreventGradient"):
        return [Edit("remove", place[0], place[1], 0, tuple(flat.names[op] for op in ops))]
    if len(flat.outputs(ops[0])) != 1 or is_wiring(flat, flat.first_output[ops[0]]):
        return []
    tensors = [flat.first_output[op] for op in ops]
    if flat.dtypes[tensors[0]] % 100 == RESOURCE or flat.dtypes[tensors[0]] > 100 or not _reference(graph_def, *place):
        return []
    return [Edit("stop", place[0], place[1], 0, tuple(flat.tensor_name(tensor) for tensor in tensors))]


def edited(graph_def: Any, chosen: List[Edit]) -> Any:
    """A copy of the message with the edits made."""
    copy = type(graph_def).FromString(graph_def.SerializeToString())
    for edit in chosen:
        (_remove if edit.kind == "remove" else _stop)(copy, edit)
    return copy


def _body(graph_def: Any, function: Optional[str]) -> Tuple[Any, Any]:
    """The nodes, and what is returned by name."""
    if function is None:
        return graph_def.node, {}
    (found,) = [each for each in graph_def.library.function if each.signature.name == function]
    return found.node_def, found.ret


def _reference(graph_def: Any, function: Optional[str], op: str) -> str:
    """How the op's one output is written where it is read; empty where nothing reads it."""
    nodes, returned = _body(graph_def, function)
    texts = {text for node in nodes for text in node.input} | {returned[key] for key in returned}
    return next((text for text in sorted(texts) if text.partition(":")[0] == op), "")


def _remove(graph_def: Any, edit: Edit) -> None:
    nodes, _ = _body(graph_def, edit.function)
    (node,) = [each for each in nodes if each.name == edit.op]
    node.op = "Identity"
    for key in [key for key in node.attr if key != "T"]:
        del node.attr[key]


def _stop(graph_def: Any, edit: Edit) -> None:
    nodes, returned = _body(graph_def, edit.function)
    reference = _reference(graph_def, edit.function, edit.op)
    stopped = edit.op + "_stopped" + (":output:0" if edit.function else "")
    for node in nodes:
        for index, text in enumerate(node.input):
            if text == reference or (not edit.function and text == edit.op + ":0"):
                node.input[index] = stopped
    for key in list(returned):
        if returned[key] == reference:
            returned[key] = stopped
    added = nodes.add(name=edit.op + "_stopped", op="StopGradient", input=[reference])
    added.attr["T"].type = _dtype(graph_def, edit)


def _dtype(graph_def: Any, edit: Edit) -> int:
    flat = load.read(graph_def).flat
    op = next(
        op for op, name in enumerate(flat.names)
        if flat.function(op) == edit.function and name.rpartition(SEPARATOR)[2] == edit.op
    )  # fmt: skip
    return flat.dtypes[flat.first_output[op]]
