"""Make the functions of a ``GraphDef`` callable again, so that their gradients can be taken in scratch graphs, too.

TensorFlow differentiates a call through its Python object, which a ``GraphDef`` does not hold; without one it uses
``SymbolicGradient``, which returns a gradient for every input. A SavedModel is loaded in the same way
(``function_deserialization.load_function_def_library``).
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List

import tensorflow as tf
from tensorflow.core.framework import function_pb2
from tensorflow.python.saved_model import function_deserialization

from graphcut.graph.op_types import CALLS, GRADIENT_TYPE

Functions = Dict[str, Any]


def load(graph_def: Any) -> Functions:
    """Create the functions that calls in ``graph_def`` run in the default graph, and rename the calls to run these.

    The result is empty if TensorFlow cannot load them (1.15 does not follow a ``Case`` within a function). The bodies of
    conditionals and loops stay as they are: TensorFlow makes their graphs from the ``FunctionDef``.
    """
    functions = _load(graph_def, _called_and_needed(graph_def))
    for nodes in [graph_def.node, *[each.node_def for each in graph_def.library.function]]:
        for node in nodes:
            _rename(node, functions)
    return {_name(each): each for each in functions.values()}


def _load(graph_def: Any, wanted: FrozenSet[str]) -> Functions:
    """Return the functions of these names, by name; nothing if TensorFlow cannot load all of them."""
    if not wanted:
        return {}
    library = function_pb2.FunctionDefLibrary()
    library.function.extend(each for each in graph_def.library.function if each.signature.name in wanted)
    verbosity = tf.compat.v1.logging.get_verbosity()
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    try:
        return dict(function_deserialization.load_function_def_library(library))
    except (ValueError, KeyError, RuntimeError, tf.errors.OpError):
        return {}
    finally:
        tf.compat.v1.logging.set_verbosity(verbosity)


def connect(graph: Any, functions: Functions) -> None:
    """Give the calls of a graph the gradients of these functions."""
    for op in graph.get_operations():
        if op.type in CALLS and hasattr(op, "_gradient_function"):
            function = functions.get(op.get_attr("f").name)
            if function is not None:
                op._gradient_function = function._get_gradient_function()


def _called_and_needed(graph_def: Any) -> FrozenSet[str]:
    """Return the functions that calls run, and all that these need."""
    bodies = {each.signature.name: each.node_def for each in graph_def.library.function}
    nodes = [node for each in [graph_def.node, *bodies.values()] for node in each if node.op in CALLS]
    waiting = [name for node in nodes for name in _function_names(node)]
    result: Dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name in bodies and name not in result:
            result[name] = None
            waiting.extend(each for node in bodies[name] for each in _function_names(node))
    return frozenset(result)


def _function_names(node: Any) -> List[str]:
    single = [value.func.name for value in node.attr.values() if value.WhichOneof("value") == "func"]
    return [node.op] + single + [each.name for value in node.attr.values() for each in value.list.func]


def _rename(node: Any, functions: Functions) -> None:
    """Make a call run the loaded function; without one, drop the call's gradient, which would rewrite the live function."""
    if node.op not in CALLS:
        return
    function = functions.get(node.attr["f"].func.name)
    if function is not None:
        node.attr["f"].func.name = _name(function)
    if function is not None and hasattr(function, "_register_delayed_rewrite_gradient"):
        node.attr[GRADIENT_TYPE].s = function._register_delayed_rewrite_gradient().encode()
    elif GRADIENT_TYPE in node.attr:
        del node.attr[GRADIENT_TYPE]


def _name(function: Any) -> str:
    name = function.name
    return name.decode() if isinstance(name, bytes) else str(name)
