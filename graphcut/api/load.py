"""Load any source into a flat graph with its names and variables. All user input is verified here."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from graphcut.api.tensor_spec import refuse_specs
from graphcut.errors import GraphcutError, printable
from graphcut.graph.loaded import LoadedGraph, VariableIndex
from graphcut.graph.metadata import GraphMetadata
from graphcut.graph.names import Names
from graphcut.util.gc import collector_paused
from graphcut.util.text import object_name

if TYPE_CHECKING:
    import networkx as nx

    from graphcut.analysis.rules.op_overlay import OpOverlay


def trace(source: Any, *args: Any, signature: Optional[str] = None, **kwargs: Any) -> nx.DiGraph:
    """Read a TensorFlow graph into a networkx DAG. The graph is not run and not changed.

    Args:
        source: a ``tf.function``, a ``ConcreteFunction``, a Python callable (a Keras model is one), a ``tf.Graph``, a
            ``GraphDef`` or ``MetaGraphDef`` message, or the path or URL of a ``.pb``, ``.pbtxt``,
            ``.meta`` or SavedModel.
        *args: example arguments of a callable: arrays, tensors or ``tf.TensorSpec``.
        signature: the signature of a SavedModel.
        **kwargs: example arguments by name.

    Returns:
        A ``networkx.DiGraph`` with a node for each op, including the ops in the bodies of functions. Nodes have ``type``,
        ``inputs``, ``dtypes``, ``shapes``, ``function`` and ``variable``. Edges have ``tensors`` (pairs of output and input
        index) and ``control``. The graph has ``source``, ``outputs``, ``variables``, ``captured`` (inputs of a function that
        stand for values computed before) and ``loop_edges`` (pairs of names, which are not edges of the DAG because they
        close cycles).

    Raises:
        GraphcutError: the source cannot be read or traced, or it is not a file and TensorFlow is not installed.

    >>> import graphcut
    >>> dag = graphcut.trace("fixtures/documents/003.meta")
    >>> dag.nodes["hidden"]["type"], dag.nodes["hidden"]["inputs"], dag.nodes["hidden"]["dtypes"]
    ('StopGradient', ('product:0',), ('float32',))
    >>> dag.edges["product", "hidden"]
    {'tensors': ((0, 0),), 'control': False}
    """
    return to_dag(read(source, args, kwargs, signature))


def keras_model(source: Any, oracle: Optional[str]) -> Optional[Tuple[Any, List[Any]]]:
    """Return the model in a Keras file and its inputs, if the oracle is the installed TensorFlow; else ``None``."""
    from graphcut.graph.formats import keras_files

    path = os.fsdecode(source) if oracle == "installed" and isinstance(source, (str, os.PathLike)) else ""
    if not os.path.isfile(path) or not keras_files.may_be(path):
        return None
    from graphcut.backend import tensorflow_needed

    with tensorflow_needed("to build a Keras model"):
        from graphcut.backend.live import load_keras_file as live
    return live.load(path)


def title(source: Any) -> str:
    """Return the name of a source for the progress line."""
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    return object_name(source)


def afresh(source: Any) -> Any:
    """Return the source without its traces, as a new copy of a ``tf.function``."""
    from graphcut.backend.live import edited_code

    return edited_code.fresh(source)


def to_dag(traced: LoadedGraph) -> nx.DiGraph:
    """Return the networkx DAG of a loaded graph."""
    from graphcut.graph.to_networkx import to_networkx

    with collector_paused():
        variable_ops = {
            op: each.name
            for each in traced.variables
            for name in each.tensors
            for op in traced.names.ops(name.rpartition(":")[0])[:1]
        }
        dag = to_networkx(traced.flat, traced.every_shape(), variable_ops)
    dag.graph["source"] = traced.origin.label
    dag.graph["outputs"] = dict(traced.origin.outputs)
    dag.graph["variables"] = {each.name: (each.tensors[0] if each.tensors else None) for each in traced.variables}
    dag.graph["captured"] = _captured_values(traced)
    dag.graph["traced"] = traced
    return dag


def _captured_values(traced: LoadedGraph) -> Tuple[str, ...]:
    """Return the inputs of a traced function that stand for values computed before, not for variables or arguments."""
    if not hasattr(traced.origin.live, "captures"):
        return ()
    from graphcut.backend.live import variable_objects

    variables = {name for each in traced.variables for name in each.tensors}
    inside = (str(inner.name) for _, inner in variable_objects.captures(traced.origin.live))
    return tuple(name.rpartition(":")[0] for name in inside if name not in variables)


def read(
    source: Any,
    args: Sequence[Any] = (),
    kwargs: Optional[Mapping[str, Any]] = None,
    signature: Optional[str] = None,
    overlay: Optional[OpOverlay] = None,
) -> LoadedGraph:
    """Return the loaded graph, as columns. ``overlay`` has the outputs of ops of other packages."""
    if _is_dag(source):
        _refuse_extras("a DAG of graphcut.trace", args, kwargs, signature)
        return _of_dag(source)
    message, origin = _message(source, args, dict(kwargs or {}), signature)
    if overlay is not None:
        own = origin.op_defs
        origin = replace(origin, op_defs=lambda op_type: own(op_type) or overlay.signature(op_type))
    return open_graph(message, origin)


def _is_dag(source: Any) -> bool:
    """Return whether a source is a networkx graph, without importing networkx."""
    return "networkx" in sys.modules and isinstance(source, sys.modules["networkx"].DiGraph)


def _of_dag(dag: nx.DiGraph) -> LoadedGraph:
    traced = dag.graph.get("traced")
    if not isinstance(traced, LoadedGraph) or dag.number_of_nodes() != len(traced.flat.names):
        raise GraphcutError(
            "this DAG was not made by graphcut.trace, or has been edited since\n"
            "To ask what an edit would do, use audit.what_if."
        )
    return traced


_FUNCTION = re.compile(r"(.+\.py|[A-Za-z_]\w*(\.\w+)*):[A-Za-z_]\w*")


def refuse_function_name(name: str) -> None:
    """Raise an error for ``path.py:name`` or ``package.module:name``, unless that is a file."""
    if _FUNCTION.fullmatch(name) and not os.path.exists(name):
        raise GraphcutError(
            "%s names a Python function, as on the command line\nIn Python, import it and pass the function itself."
            % printable(name)
        )


def _message(source: Any, args: Sequence[Any], kwargs: Dict[str, Any], signature: Optional[str]) -> Tuple[Any, GraphMetadata]:
    from graphcut.graph.formats import metagraph, reader

    if isinstance(source, (str, os.PathLike)) or hasattr(source, "SerializeToString"):
        if args or kwargs:
            raise GraphcutError("a graph file or message takes no arguments, but %d were given" % (len(args) + len(kwargs)))
        path = not hasattr(source, "SerializeToString")
        if path:
            refuse_function_name(os.fsdecode(source))
        content = reader.read(os.fsdecode(source)) if path else reader.of_message(source, source.DESCRIPTOR.name)
        return content.graph, replace(metagraph.origin(content, signature), owner=source)
    if not callable(source) and not hasattr(source, "as_graph_def"):
        raise GraphcutError(
            "a value of type %s was given, which is not a TensorFlow graph\n"
            "graphcut reads a tf.function, a callable with example arguments, a tf.Graph, a GraphDef, "
            "a MetaGraphDef, or the path of one." % type(source).__name__
        )
    _refuse_extras("a function or a live graph", (), None, signature)
    return _live(source, args, kwargs)


def _refuse_extras(what: str, args: Sequence[Any], kwargs: Optional[Mapping[str, Any]], signature: Optional[str]) -> None:
    """Raise an error for arguments that mean nothing for a source."""
    count = len(args) + len(kwargs or {})
    if count:
        raise GraphcutError("%s takes no arguments, but %d %s given" % (what, count, "was" if count == 1 else "were"))
    if signature is not None:
        raise GraphcutError(
            "%s has no signatures, but signature=%s was given\nOnly a SavedModel has signatures; leave signature= out."
            % (what, printable(signature))
        )


def _live(source: Any, args: Sequence[Any], kwargs: Dict[str, Any]) -> Tuple[Any, GraphMetadata]:
    from graphcut.backend import tensorflow_needed

    refuse_specs(args, kwargs)
    with tensorflow_needed("to trace a live source"):
        from graphcut.backend.live import trace as live
    return live.read(source, args, kwargs)


def open_graph(message: Any, origin: GraphMetadata) -> LoadedGraph:
    """Return the flat graph of a message, with its names and variables."""
    from graphcut.graph.flatten import calls
    from graphcut.graph.flatten.inline_calls import flatten
    from graphcut.graph.traverse import topological_order
    from graphcut.graph.variables import variable_ops, variables

    flat = flatten(message, origin.op_defs, origin.opaque)
    if origin.foreign:
        calls.check(flat)
    topological_order(flat)  # refuses a cycle that is no loop
    listed = variables(flat, origin)
    names = Names(flat, {flat.names[op] + ":0": flat.first_output[op] for op, _ in variable_ops(flat)})
    return LoadedGraph(flat, origin, listed, names, VariableIndex(listed, _tensor_name_finder(origin)))


def _tensor_name_finder(origin: GraphMetadata) -> Callable[[Any], str]:
    """Return the function that finds the tensor's name for an object of a live graph."""
    live, arguments = origin.live, {id(each): name for each, name in origin.arguments}
    captured: List[Mapping[int, Tuple[int, str]]] = []

    def find_tensor_name(value: Any) -> str:
        from graphcut.backend.live import variable_objects

        if not captured:
            captured.append(variable_objects.captured_names(live))
        return arguments.get(id(value)) or variable_objects.tensor_name(value, live, captured[0])

    return find_tensor_name
