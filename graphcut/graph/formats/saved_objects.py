"""Read the object graph of a SavedModel: the variables as attributes of the user's model, and the functions that use them."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterator, Set, Tuple

from graphcut.graph.attrs import function_name, shape
from graphcut.graph.dtypes import dtype_name
from graphcut.graph.flat import Kind
from graphcut.graph.messages import parse_nodes
from graphcut.graph.metadata import Variable

_CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
_COPIES = "_all_variables"  # Keras 3 exports a second object for each variable under this name


def saved_variables(meta: Any) -> Iterator[Variable]:
    """Yield the variables of the object graph, in its order.

    The name of each is its own name if it is unique, else its path of attributes, such as ``layers/0``. Its handle is found by
    the functions that capture it. Copies that an export made and that no function reads are left out.
    """
    nodes = meta.object_graph_def.nodes
    if not any(node.HasField("variable") for node in nodes):
        return
    paths, handles, read = _paths(nodes), _handles(meta), _captured_objects(meta)
    places = [
        place
        for place, node in enumerate(nodes)
        if node.HasField("variable") and (place in read or paths.get(place, "").partition("/")[0] != _COPIES)
    ]
    counts = Counter(nodes[place].variable.name for place in places)
    for place in places:
        saved = nodes[place].variable
        is_clear = saved.name and counts[saved.name] == 1
        name = saved.name if is_clear else paths.get(place) or saved.name or "variable %d" % place
        tensors = (handles[place],) if place in handles else ()
        yield Variable(name, tensors, saved.trainable, dtype_name(saved.dtype), shape(saved.shape))


def saved_functions(meta: Any) -> Tuple[str, ...]:
    """Return the paths of the functions in the object graph, such as ``serve``."""
    nodes = meta.object_graph_def.nodes
    paths = _paths(nodes) if any(node.HasField("function") for node in nodes) else {}
    return tuple(
        path
        for place, path in paths.items()
        if path and nodes[place].HasField("function") and nodes[place].function.concrete_functions
    )


def _paths(nodes: Any) -> Dict[int, str]:
    """Return the shortest path of attributes from the saved object to each other object, preferring public ones."""
    paths = {0: ""}
    waiting = [0]
    for place in waiting:
        for child in sorted(nodes[place].children, key=lambda each: each.local_name.startswith("_")):
            if child.node_id not in paths and 0 <= child.node_id < len(nodes):
                paths[child.node_id] = "/".join(filter(None, (paths[place], child.local_name)))
                waiting.append(child.node_id)
    return paths


def _captured_objects(meta: Any) -> Set[int]:
    """Return the objects that functions capture."""
    functions = meta.object_graph_def.concrete_functions
    return {place for name in functions for place in functions[name].bound_inputs}


def _handles(meta: Any) -> Dict[int, str]:
    """Return, for each captured object, the tensor that calls of functions of the object graph pass for it.

    Captures come last.
    """
    functions = meta.object_graph_def.concrete_functions
    handles: Dict[int, str] = {}
    for node in parse_nodes(meta.graph_def.node):
        if node.op not in _CALLS:
            continue
        name = function_name(Kind(node.op, tuple(node.attr), ()), "f")
        captures = functions[name].bound_inputs if name in functions else ()
        inputs = [each for each in node.input if not each.startswith("^")]
        if len(captures) <= len(inputs):
            for place, tensor in zip(captures, inputs[len(inputs) - len(captures) :]):
                handles.setdefault(place, tensor if ":" in tensor else tensor + ":0")
    return handles
