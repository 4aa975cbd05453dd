"""The flat graph as a networkx DAG, what people and networkx's algorithms walk.

A million ops are a million dicts of attributes: tuples that say the same are one object, and the dicts go straight into
the DiGraph, which takes a third of the time that ``add_node`` and ``add_edge`` take to copy them.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

import networkx as nx

from graphcut.dag import FlatGraph, Shape, dtype_name

Attributes = Dict[str, Any]
Uses = Tuple[Tuple[int, int], ...]


def to_networkx(flat: FlatGraph, shapes: Iterable[Sequence[Shape]], variables: Mapping[int, str]) -> nx.DiGraph:
    """The DAG of design: a node for each op, an edge for each producer and consumer, loop-carried edges beside it.

    ``shapes`` has those of each op's outputs, ``variables`` the name of the variable an op stands for.
    """
    dag, names = nx.DiGraph(), flat.names
    dag._node.update(zip(names, _nodes(flat, shapes, variables)))
    successors: Dict[str, Dict[str, Attributes]] = {name: {} for name in names}
    dag._succ.update(successors)
    dag._pred.update(zip(names, _predecessors(flat, successors)))
    dag.graph["loop_edges"] = tuple(
        (names[source], names[op]) for op in sorted(flat.loop_inputs) for source in _looped(flat, op)
    )
    return dag


def _nodes(flat: FlatGraph, shapes: Iterable[Sequence[Shape]], variables: Mapping[int, str]) -> Iterator[Attributes]:
    """The attributes of each op, in order."""
    tensors = _tensor_names(flat)
    kinds = [(kind.type, tuple([dtype_name(dtype) for dtype in kind.outputs])) for kind in flat.kind_table]
    functions = [context.function for context in flat.context_table] + [None]
    known: Dict[Tuple[Shape, ...], Tuple[Shape, ...]] = {}
    variable = variables.get
    for op, (kind, inputs, context, sizes) in enumerate(zip(flat.kinds, flat.inputs, flat.contexts, map(tuple, shapes))):
        op_type, dtypes = kinds[kind]
        yield {
            "type": op_type,
            "inputs": tuple([tensors[tensor] for tensor in inputs]),
            "dtypes": dtypes,
            "shapes": known.setdefault(sizes, sizes),
            "function": functions[context],
            "variable": variable(op),
        }


def _tensor_names(flat: FlatGraph) -> List[str]:
    suffixes = [":%d" % output for output in range(max((len(kind.outputs) for kind in flat.kind_table), default=0))]
    sizes = [len(kind.outputs) for kind in flat.kind_table]
    return [name + suffixes[each] for name, kind in zip(flat.names, flat.kinds) for each in range(sizes[kind])]


def _predecessors(flat: FlatGraph, successors: Mapping[str, Dict[str, Attributes]]) -> Iterator[Dict[str, Attributes]]:
    """What each op reads and waits for, loop-carried edges left out, entered into ``successors`` as well."""
    names, producer, first = flat.names, flat.producer, flat.first
    known: Dict[Uses, Uses] = {}
    for op, (name, inputs, controls) in enumerate(zip(names, flat.inputs, flat.controls)):
        read: Dict[int, Uses] = {}
        for index, tensor in enumerate(inputs):
            source = producer[tensor]
            uses = ((tensor - first[source], index),)
            read[source] = read[source] + uses if source in read else uses
        looped = _looped(flat, op) if op in flat.loop_inputs else ()
        edges = {
            names[source]: {"tensors": known.setdefault(uses, uses), "control": False}
            for source, uses in read.items()
            if source not in looped
        }
        for source in controls:
            if source not in read:
                edges[names[source]] = {"tensors": (), "control": True}
        for before, attributes in edges.items():
            successors[before][name] = attributes
        yield edges


def _looped(flat: FlatGraph, op: int) -> Sequence[int]:
    """The ops at the end of a loop that feed ``op``, its head."""
    return tuple(dict.fromkeys(flat.producer[flat.inputs[op][index]] for index in flat.loop_inputs[op]))
