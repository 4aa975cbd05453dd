"""Find the ops that call functions, their inputs, and the size of their expanded bodies.

This module also checks the number of inputs of ops whose gradient depends on their surroundings, because the analysis reads
these inputs by position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.attrs import attributes, function_name
from graphcut.graph.flat import Call, FlatGraph, Kind, ops_of_kinds
from graphcut.graph.op_types import CALLS, CASES, IFS, LOOPS

if TYPE_CHECKING:
    import networkx as nx

LIMIT = 2000000


def is_call(op_type: str, functions: Mapping[str, Any]) -> bool:
    """Return whether ops of this type run the body of a function of the library."""
    return op_type in CALLS or op_type in IFS or op_type in CASES or op_type in LOOPS or op_type in functions


def is_loop(op_type: str) -> bool:
    """Return whether an op of this type is a ``While``."""
    return op_type in LOOPS


def branch_count(node: Any, kind: Kind) -> int:
    """Return the number of bodies that may compute a result: that of the branches for a conditional, otherwise 1."""
    return len(branches(Kind(node.op, tuple(node.attr), kind.outputs))) if node.op in IFS + CASES else 1


def branches(kind: Kind) -> Tuple[Tuple[str, str], ...]:
    """Return the labelled functions that ops of this kind run."""
    if kind.type in CALLS:
        return (("", function_name(kind, "f")),)
    if kind.type in IFS:
        return (("then", function_name(kind, "then_branch")), ("else", function_name(kind, "else_branch")))
    if kind.type in LOOPS:
        return (("cond", function_name(kind, "cond")), ("body", function_name(kind, "body")))
    if kind.type in CASES:
        listed = attributes(kind)["branches"].list.func if "branches" in attributes(kind) else []
        return tuple((str(index), each.name) for index, each in enumerate(listed))
    return (("", kind.type),)


def make(
    op: int,
    kind: Kind,
    name: str,
    tensors: Sequence[int],
    variables: Tuple[int, ...],
    results: Tuple[int, ...],
    functions: Mapping[str, Any],
) -> Call:
    """Return the ``Call`` that an op makes, checked against the functions that it names."""
    labelled = branches(kind)
    for _, function in labelled:
        if function not in functions:
            raise GraphcutError(
                "op %s calls function %s, which is not in the graph's library%s"
                % (printable(name), printable(function), near_names(function, functions))
            )
    conditional = kind.type in IFS or kind.type in CASES
    arguments = tuple(tensors[1:] if conditional else tensors)
    for _, function in labelled:
        wanted = len(functions[function].signature.input_arg)
        if wanted != len(arguments):
            raise GraphcutError(
                "op %s passes %d inputs to function %s, which takes %d"
                % (printable(name), len(arguments), printable(function), wanted)
            )
    return Call(op, kind.type, arguments, tensors[0] if conditional and tensors else None, labelled, variables, results)


def opened_sizes(root: str, sizes: Dict[str, int], called: Dict[str, List[str]]) -> Dict[str, int]:
    """Return the size of each body with all its calls expanded; refuse recursion, and bodies that do not fit in memory."""
    if not any(called.values()):
        return {root: sizes[root]}
    import networkx as nx

    graph = nx.DiGraph((caller, callee) for caller, callees in called.items() for callee in callees)
    graph.add_node(root)
    opened: Dict[str, int] = {}
    for name in _callees_first(graph):
        opened[name] = sizes[name] + sum(opened[callee] for callee in called[name])
    if opened[root] > sizes[root] + LIMIT:
        raise GraphcutError(
            "expanding the graph's functions would make %s ops; the limit is %d\n"
            "Audit one of the functions, or the part of the model that matters."
            % (_approximate(opened[root]), sizes[root] + LIMIT)
        )
    return opened


def check_outputs(outputs: int, ops: int) -> None:
    """Refuse ops that declare, in a few bytes, more outputs than fit in memory."""
    if outputs > 2 * LIMIT + 10 * ops:
        raise GraphcutError("the graph's ops declare %d outputs or more\nThe file is damaged." % outputs)


def _approximate(count: int) -> str:
    return str(count) if count < 10**12 else "more than 10^%d" % (count.bit_length() * 301 // 1000 - 1)


def _callees_first(graph: nx.DiGraph) -> Iterable[str]:
    import networkx as nx

    try:
        return list(reversed(list(nx.topological_sort(graph))))
    except nx.NetworkXUnfeasible:
        names = [edge[0] for edge in nx.find_cycle(graph)]
        raise GraphcutError(
            "function %s calls itself%s\ngraphcut expands every call in place and cannot expand a recursion."
            % (printable(names[0]), " by way of " + printable(names[1]) if len(names) > 1 else "")
        ) from None


_ONE = (
    "Enter", "Exit", "NextIteration", "RefEnter", "RefExit", "RefNextIteration", "LoopCond", "Shape", "ReadVariableOp",
    "Identity", "StopGradient", "PreventGradient", "ZerosLike", "OnesLike",
)  # fmt: skip
INPUTS = {**dict.fromkeys(_ONE, 1), "Switch": 2, "RefSwitch": 2, "ResourceGather": 2, "ResourceGatherNd": 2}


def check(flat: FlatGraph) -> None:
    """Refuse a graph in which a calling op has too few or too many inputs; TensorFlow cannot have built it."""
    wanted = {kind: INPUTS[each.type] for kind, each in enumerate(flat.kind_table) if each.type in INPUTS}
    for op in ops_of_kinds(flat, wanted):
        if len(flat.inputs[op]) != wanted[flat.kinds[op]]:
            raise GraphcutError(
                "op %s (%s) has %d inputs, its type takes %d\nThe file is damaged, or was edited by hand."
                % (printable(flat.names[op]), flat.type(op), len(flat.inputs[op]), wanted[flat.kinds[op]])
            )
