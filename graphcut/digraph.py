"""The flat graph as a networkx DAG, what people and networkx's algorithms walk.

A million ops are a million dicts of attributes: tuples that say the same are one object, and the dicts go straight into
the DiGraph, which takes a third of the time that ``add_node`` and ``add_edge`` take to copy them.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

import networkx as nx

from graphcut.dag import FlatGraph, Shape, dtype_name

Attributes = Dict[str, Any]


def to_networkx(
    flat: FlatGraph, shapes_of: Callable[[int], Sequence[Shape]], variables: Mapping[int, str]
) -> nx.DiGraph:
    """The DAG of design: a node for each op, an edge for each producer and consumer, loop-carried edges beside it.

    ``shapes_of`` gives the shapes of an op's outputs, ``variables`` the name of the variable an op stands for.
    """
    dag = nx.DiGraph()
    node, successors, predecessors = dag._node, dag._succ, dag._pred
    for name, attributes in zip(flat.names, _nodes(flat, shapes_of, variables)):
        node[name], successors[name], predecessors[name] = attributes, {}, {}
    for source, target, attributes in _edges(flat):
        successors[source][target] = predecessors[target][source] = attributes
    dag.graph["loop_edges"] = tuple(
        (flat.names[source], flat.names[op]) for op in sorted(flat.loop_inputs) for source in _looped(flat, op)
    )
    return dag


def _nodes(
    flat: FlatGraph, shapes_of: Callable[[int], Sequence[Shape]], variables: Mapping[int, str]
) -> Iterator[Attributes]:
    """The attributes of each op, in order."""
    tensors = _tensor_names(flat)
    kinds = [(kind.type, tuple([dtype_name(dtype) for dtype in kind.outputs])) for kind in flat.kind_table]
    functions = [context.function for context in flat.context_table] + [None]
    known: Dict[Tuple[Shape, ...], Tuple[Shape, ...]] = {}
    for op, (kind, inputs, context) in enumerate(zip(flat.kinds, flat.inputs, flat.contexts)):
        op_type, dtypes = kinds[kind]
        shapes = tuple(shapes_of(op))
        yield {
            "type": op_type,
            "inputs": tuple([tensors[tensor] for tensor in inputs]),
            "dtypes": dtypes,
            "shapes": known.setdefault(shapes, shapes),
            "function": functions[context],
            "variable": variables.get(op),
        }


def _tensor_names(flat: FlatGraph) -> List[str]:
    suffixes = [":%d" % output for output in range(max((len(kind.outputs) for kind in flat.kind_table), default=0))]
    sizes = [len(kind.outputs) for kind in flat.kind_table]
    return [name + suffixes[each] for name, kind in zip(flat.names, flat.kinds) for each in range(sizes[kind])]


def _edges(flat: FlatGraph) -> Iterator[Tuple[str, str, Attributes]]:
    """Each edge with its attributes, loop-carried edges left out."""
    names, producer, first = flat.names, flat.producer, flat.first
    known: Dict[Tuple[Tuple[int, int], ...], Tuple[Tuple[int, int], ...]] = {}
    for op, (inputs, controls) in enumerate(zip(flat.inputs, flat.controls)):
        read: Dict[int, List[Tuple[int, int]]] = {}
        for index, tensor in enumerate(inputs):
            source = producer[tensor]
            read.setdefault(source, []).append((tensor - first[source], index))
        looped = _looped(flat, op) if op in flat.loop_inputs else ()
        for source, listed in read.items():
            if source not in looped:
                uses = tuple(listed)
                yield names[source], names[op], {"tensors": known.setdefault(uses, uses), "control": False}
        for source in controls:
            if source not in read:
                yield names[source], names[op], {"tensors": (), "control": True}


def _looped(flat: FlatGraph, op: int) -> Sequence[int]:
    """The ops at the end of a loop that feed ``op``, its head."""
    return tuple(dict.fromkeys(flat.producer[flat.inputs[op][index]] for index in flat.loop_inputs[op]))
