"""Write the whole DAG for Google's Model Explorer, with the result for each op as node data.

Model Explorer browses more than ten thousand ops, one scope at a time. Its own readers number the ops of a file and keep
functions separate, so graphcut writes the DAG in Model Explorer's graph format (``model_explorer.graph_builder``), each op
under its own name. The node data (``model_explorer.node_data_builder``) refer to the same names.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Tuple

from graphcut.graph.flat import SEPARATOR
from graphcut.render import palette
from graphcut.render.picture import ops as numbered
from graphcut.render.picture.barrier_marks import barred_edges
from graphcut.render.picture.model import Line
from graphcut.render.picture.quotient import BEHIND, CUT
from graphcut.render.picture.scopes import scope_of
from graphcut.render.picture.select_ops import routes
from graphcut.render.picture.style import BARRIER, LINE_WORDS, LINES, LOSS, VERDICT_WORDS, VERDICTS
from graphcut.render.picture.writers.dot import title
from graphcut.render.text.table_rows import shape_text
from graphcut.util.files import save

if TYPE_CHECKING:
    from graphcut.render.protocols import PageFacts
    from graphcut.util.files import Target

GRAPH = "cut"
# Model Explorer counts these words for each scope; they cannot be summed.
_COUNTS = {
    "hideInAggregatedStatsTable": True,
    "showExpandedSummaryOnGroupNode": True,
    "showLabelCountColumnsInChildrenStatsTable": True,
}
_PASSES = "a gradient passes"


def write(facts: PageFacts, path: Target) -> None:
    """Write the graph to ``path``, which ends in ``.json``, and the node data to ``.node_data.json`` beside it.

    ``model-explorer cut.json --node_data_paths=cut.node_data.json`` opens both. Raises ``GraphcutError`` if a file cannot be
    written.
    """
    save(path, json.dumps(graph(facts)).encode())
    save(os.fspath(path)[: -len(".json")] + ".node_data.json", json.dumps(node_data(facts)).encode())


def graph(facts: PageFacts) -> Dict[str, Any]:
    """Return the DAG as a graph collection of one graph, with cuts and loops as edge overlays."""
    nodes = [_node(facts, op) for op in facts.graph]
    overlays = [each for each in (_cuts(facts), _loops(facts)) if each["edges"]]
    over = {"type": "edge_overlays", "name": "what ends a gradient", "overlays": overlays}
    tasks = {"tasksData": {"edgeOverlaysDataListLeftPane": [over]}} if overlays else {}
    return {"label": "graphcut", "graphs": [{"id": GRAPH, "nodes": nodes, **tasks}]}


def node_data(facts: PageFacts) -> Dict[str, Any]:
    """Return a word and a colour for each op that matters for the cut.

    The word is the verdict of a variable, the kind of a barrier, ``loss``, or says whether a gradient passes or the op lies
    behind a cut.
    """
    results = {op: _result(*words) for op, words in _words_by_op(facts).items()}
    return {GRAPH: {"name": title(facts), "results": results, **_COUNTS}}


def _words_by_op(facts: PageFacts) -> Mapping[str, Tuple[str, str]]:
    """Return the word and the colour of each op; the most specific word wins."""
    ops = numbered.ops(facts)
    result: Dict[int, Tuple[str, str]] = {}
    for _, producer, line in routes(facts, ops).edges:
        if line in (CUT, BEHIND):
            result[producer] = (LINE_WORDS[Line.BEHIND], palette.BEHIND)
    result.update(dict.fromkeys(facts.passing, (_PASSES, palette.LIVE)))
    for (op, _), standing in barred_edges(facts, ops).items():
        if op not in facts.passing:
            result[op] = (standing[0].kind.value, BARRIER["fillcolor"])
    for op, audits in ops.variables.items():
        result[op] = (VERDICT_WORDS[audits[0].verdict], VERDICTS[audits[0].verdict]["fillcolor"])
    result.update(dict.fromkeys(ops.losses, ("loss", LOSS["fillcolor"])))
    return {ops.name(op): words for op, words in result.items() if op < len(ops.flat.names)}


def _result(value: str, colour: str) -> Dict[str, str]:
    return {"value": value, "bgColor": colour, "textColor": palette.WHITE if colour == LOSS["fillcolor"] else palette.BLACK}


def _node(facts: PageFacts, op: str) -> Dict[str, Any]:
    facts_of_op = facts.graph.nodes[op]
    attributes = {
        "type": facts_of_op["type"],
        "function": facts_of_op.get("function"),
        "variable": facts_of_op.get("variable"),
    }
    tensors = zip(facts_of_op.get("dtypes") or (), facts_of_op.get("shapes") or ())
    scope = scope_of(op)
    return {
        "id": op,
        "label": re.split(f"[/{SEPARATOR}]", op)[-1],
        "namespace": "/".join(scope),
        "attrs": _pairs({"name": op, **attributes}),
        "incomingEdges": list(_incoming(facts, op)),
        "outputsMetadata": [
            {"id": str(at), "attrs": _pairs({"tensor_name": f"{op}:{at}", "tensor_shape": f"{dtype}{shape_text(shape)}"})}
            for at, (dtype, shape) in enumerate(tensors)
        ],
    }


def _pairs(values: Mapping[str, Any]) -> List[Dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in values.items() if value is not None]


def _incoming(facts: PageFacts, op: str) -> Iterator[Dict[str, str]]:
    """Yield the data edges into an op; a control edge carries nothing."""
    for producer, _, tensors in facts.graph.in_edges(op, data="tensors"):
        for output, index in tensors:
            yield {"sourceNodeId": producer, "sourceNodeOutputId": str(output), "targetNodeInputId": str(index)}


def _cuts(facts: PageFacts) -> Dict[str, Any]:
    ops = numbered.ops(facts)
    edges = [
        {"sourceNodeId": ops.name(producer), "targetNodeId": ops.name(op), "label": standing[0].kind.value}
        for (op, producer), standing in barred_edges(facts, ops).items()
    ]
    return {"name": LINE_WORDS[Line.CUT], "edgeColor": LINES[Line.CUT]["color"], "edgeWidth": 3, "edges": edges}


def _loops(facts: PageFacts) -> Dict[str, Any]:
    edges = [
        {"sourceNodeId": producer, "targetNodeId": consumer}
        for producer, consumer, *_ in facts.graph.graph.get("loop_edges", ())
    ]
    return {"name": "round a loop", "edgeColor": LINES[Line.BEHIND]["color"], "edges": edges}
