"""What to draw: a small graph of boxes and links.

``picture`` keeps of the DAG what matters for the cut (``routes``), folds what only reads a variable into the variable,
and merges until the rest can be read (``merging``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Set

import networkx as nx

from graphcut.drawing.barricades import barred_edges, op_of, variable_op
from graphcut.drawing.boxes import Line, Link
from graphcut.drawing.merging import Kinds, merged, readable
from graphcut.drawing.naming import boxes
from graphcut.drawing.routes import routes
from graphcut.terms import Barrier

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts


def picture(facts: Facts) -> nx.MultiDiGraph:
    """Nodes ``n0``, ``n1``, … with a ``box``, in the order of the graph; edges from the loss down with a ``link``."""
    found = routes(facts)
    found = merged(found, _owners(facts, found).__getitem__)
    found = readable(found, _kinds(facts, found))
    names = {node: f"n{at}" for at, node in enumerate(found)}
    drawn: nx.MultiDiGraph = nx.MultiDiGraph()
    for node, box in zip(found, boxes(facts, [ops for _, ops in found.nodes(data="ops")])):
        drawn.add_node(names[node], box=box)
    for consumer, producer, line, told in found.edges(keys=True, data=True):
        drawn.add_edge(names[consumer], names[producer], key=line, link=_link(line, told))
    return drawn


def _kinds(facts: Facts, found: nx.MultiDiGraph) -> Kinds:
    fates = {variable_op(each): (each.verdict, each.unused, each.trainable is False) for each in facts.variables}
    types = {op: facts.graph.nodes[op]["type"] for op in found if op in facts.graph}
    plumbing = frozenset(op for op, kind in types.items() if kind.startswith("_"))
    return Kinds({op: op for op in _apart(facts)}, fates, frozenset(facts.carrying), plumbing)


def _apart(facts: Facts) -> Set[str]:
    """The loss and the ops at a barrier."""
    return {op for op, _ in barred_edges(facts)} | set(map(op_of, facts.loss))


def _owners(facts: Facts, found: nx.MultiDiGraph) -> Dict[str, str]:
    """For each op itself; for an op that does nothing but read a variable, the variable."""
    owner = {op: op for op in found}
    taken = _apart(facts) | set(map(variable_op, facts.variables))
    waiting = [variable_op(each) for each in facts.variables]
    for op in waiting:
        for reader in found.predecessors(op):
            if reader not in taken and _only_reads(facts, reader, owner[op]):
                taken.add(reader)
                owner[reader] = owner[op]
                waiting.append(reader)
    return owner


def _only_reads(facts: Facts, reader: str, variable: str) -> bool:
    """It takes nothing but handles, or (``w/read``) one input inside the variable's own scope."""
    inputs = facts.graph.nodes[reader].get("inputs", ())
    if len(inputs) == 1 and reader.startswith(variable + "/"):
        return True
    return bool(inputs) and all(_is_handle(facts, tensor) for tensor in inputs)


def _is_handle(facts: Facts, tensor: str) -> bool:
    op, _, output = tensor.rpartition(":")
    dtypes = facts.graph.nodes[op].get("dtypes") or ()
    return output.isdigit() and tuple(dtypes[int(output) : int(output) + 1]) == ("resource",)


def _link(line: Line, told: Dict[str, Any]) -> Link:
    kinds = [_kind(each) for each in told["barricades"]]
    counted = [f"{kind} ({kinds.count(kind)})" if kinds.count(kind) > 1 else kind for kind in dict.fromkeys(kinds)]
    branches = [f"if {each.predicate}: {each.branch}" for each in told["conditions"]]
    wheres = dict.fromkeys(each.where for each in told["barricades"] if each.where)
    harmless = bool(kinds) and all(each.role for each in told["barricades"])
    return Link(line, tuple(counted + branches), tuple(wheres), told["loop"], harmless)


def _kind(barricade: Any) -> str:
    """``stop-gradient``, ``input 1``, ``stop-gradient, bypassed``."""
    kind = barricade.barrier.value
    if barricade.barrier is Barrier.INPUT:
        kind = f"{kind} {barricade.input}"
    return f"{kind}, {barricade.role.value}" if barricade.role else kind
