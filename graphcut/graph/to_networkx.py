"""Convert the flat graph to a networkx DAG, for people and networkx's algorithms.

A million ops need a million dicts of attributes. So equal tuples are shared, and the dicts are inserted directly into the
DiGraph, which takes a third of the time of ``add_node`` and ``add_edge``, which copy them.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

import networkx as nx

from graphcut.graph.dtypes import dtype_name
from graphcut.graph.flat import FlatGraph, Shape

Attributes = Dict[str, Any]


def to_networkx(flat: FlatGraph, shapes: Iterable[Tuple[Shape, ...]], variables: Mapping[int, str]) -> nx.DiGraph:
    """Return the DAG: a node for each op, an edge from each producer to each consumer; loop back-edges are kept separately.

    ``shapes`` has the shapes of each op's outputs, ``variables`` the name of the variable that an op stands for.
    """
    dag, names = nx.DiGraph(), flat.names
    dag._node.update(zip(names, _nodes(flat, shapes)))
    for op, variable in variables.items():
        dag._node[names[op]]["variable"] = variable
    dag._succ.update(zip(names, [{} for _ in names]))
    dag._pred.update(zip(names, _predecessors(flat, dag._succ)))
    dag.graph["loop_edges"] = tuple(
        (names[source], names[op]) for op in sorted(flat.loop_inputs) for source in _loop_ends(flat, op)
    )
    return dag


def _nodes(flat: FlatGraph, shapes: Iterable[Tuple[Shape, ...]]) -> Iterator[Attributes]:
    """Yield the attributes of each op, in order."""
    tensors = _tensor_names(flat)
    kinds = [(kind.type, tuple([dtype_name(dtype) for dtype in kind.outputs])) for kind in flat.kind_table]
    functions = [context.function for context in flat.context_table] + [None]
    shared_shapes: Dict[Tuple[Shape, ...], Tuple[Shape, ...]] = {}
    for kind, inputs, context, sizes in zip(flat.kinds, flat.inputs, flat.contexts, shapes):
        op_type, dtypes = kinds[kind]
        yield {
            "type": op_type,
            "inputs": tuple([tensors[tensor] for tensor in inputs]),
            "dtypes": dtypes,
            "shapes": shared_shapes.setdefault(sizes, sizes),
            "function": functions[context],
            "variable": None,
        }


def _tensor_names(flat: FlatGraph) -> List[str]:
    suffixes = [":%d" % output for output in range(max((len(kind.outputs) for kind in flat.kind_table), default=0))]
    sizes = [len(kind.outputs) for kind in flat.kind_table]
    return [name + suffixes[each] for name, kind in zip(flat.names, flat.kinds) for each in range(sizes[kind])]


def _predecessors(flat: FlatGraph, successors: Mapping[str, Dict[str, Attributes]]) -> Iterator[Dict[str, Attributes]]:
    """Yield the inputs and control inputs of each op, except loop-carried edges; ``successors`` is filled along the way."""
    looped = {op: {flat.names[source] for source in _loop_ends(flat, op)} for op in flat.loop_inputs}
    sources = [flat.names[op] for op in flat.producer]
    outputs = [tensor - flat.first_output[op] for tensor, op in enumerate(flat.producer)]
    shared_edges: Dict[Tuple[int, int], Tuple[Tuple[int, int], ...]] = {}
    for op, (name, inputs, controls) in enumerate(zip(flat.names, flat.inputs, flat.controls)):
        edges: Dict[str, Attributes] = {}
        left_out = looped.get(op, ())
        for index, tensor in enumerate(inputs):
            source, use = sources[tensor], (outputs[tensor], index)
            if source in edges:
                edges[source]["tensors"] += (use,)
            elif source not in left_out:
                edges[source] = successors[source][name] = {"tensors": shared_edges.setdefault(use, (use,)), "control": False}
        for source in [flat.names[each] for each in controls]:
            if source not in edges and source not in left_out:
                edges[source] = successors[source][name] = {"tensors": (), "control": True}
        yield edges


def _loop_ends(flat: FlatGraph, op: int) -> Sequence[int]:
    """Return the ops at the end of a loop that feed ``op``, its head."""
    return tuple(dict.fromkeys(flat.producer[flat.inputs[op][index]] for index in flat.loop_inputs[op]))
