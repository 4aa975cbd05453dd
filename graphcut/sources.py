"""From whatever the user has to a flat graph with its names and variables: the door where everything is verified."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import networkx as nx

from graphcut.dag import SEPARATOR, FlatGraph, Kind, Shape, collector_paused
from graphcut.digraph import to_networkx
from graphcut.errors import GraphcutError
from graphcut.reading import attrs
from graphcut.reading.names import Names
from graphcut.reading.source import Origin, Variable


class VariableIndex:
    """Finds the variables of a graph by name, by the name of a tensor and by live object, each in one look-up.

    Of several variables that a key fits the first counts. Live objects are compared by identity: ``variables`` keep them
    alive, so an ``id`` is not used again.
    """

    def __init__(self, variables: Sequence[Variable], find_tensor_name: Callable[[Any], str]) -> None:
        self._variables, self._find_tensor_name = variables, find_tensor_name
        self._names: Dict[str, int] = {}
        self._tensors: Dict[str, int] = {}
        self._objects: Dict[int, int] = {}
        self._parts: Dict[str, List[Variable]] = {}
        for place, each in enumerate(variables):
            self._names.setdefault(each.name, place)
            self._tensors.update((name, place) for name in each.tensors if name not in self._tensors)
            self._objects.update((id(known), place) for known in each.objects if id(known) not in self._objects)
            if each.whole is not None:
                self._parts.setdefault(each.whole.name, []).append(each)

    def by_name(self, name: str) -> Optional[Variable]:
        """The variable of exactly that name."""
        return self._at(self._names.get(name))

    def by_key(self, name: str, tensor: str) -> Optional[Variable]:
        """The first variable of that name or with that tensor."""
        places = [place for place in (self._names.get(name), self._tensors.get(tensor)) if place is not None]
        return self._at(min(places, default=None))

    def by_object(self, *objects: Any) -> Optional[Variable]:
        """The first variable that one of these live objects stands for."""
        return self._at(min((self._objects[id(each)] for each in objects if id(each) in self._objects), default=None))

    def parts(self, name: str) -> Sequence[Variable]:
        """The parts of the partitioned variable of that name."""
        return self._parts.get(name, ())

    def tensor_name(self, value: Any) -> str:
        """The name of the tensor of the live graph that is or stands for a live object; empty where there is none."""
        return self._find_tensor_name(value)

    def _at(self, place: Optional[int]) -> Optional[Variable]:
        return None if place is None else self._variables[place]


@dataclass(frozen=True)
class Traced:
    """A graph that was read: its ops, where it came from, its variables and names; ``edited``: it is what an edit would
    make of that graph."""

    flat: FlatGraph
    origin: Origin
    variables: Tuple[Variable, ...]
    names: Names
    index: VariableIndex
    edited: bool = False

    def shapes(self, op: int) -> Tuple[Shape, ...]:
        """The static shapes of an op's outputs, ``None`` each where nobody knows."""
        flat = self.flat
        name = flat.names[op].rpartition(SEPARATOR)[2]
        live = self.origin.shapes(flat.function(op), name) if self.origin.live is not None else None
        return _shapes(flat.kind_table[flat.kinds[op]], live)

    def every_shape(self) -> Iterator[Tuple[Shape, ...]]:
        """The same of each op, in order."""
        flat, kinds, shapes = self.flat, self.flat.kind_table, self.origin.shapes
        if self.origin.live is None:
            known = [_shapes(kind, None) for kind in kinds]
            yield from map(known.__getitem__, flat.kinds)
            return
        functions = [context.function for context in flat.context_table] + [None]
        counts = [len(kind.outputs) for kind in kinds]
        for name, kind, context in zip(flat.names, flat.kinds, flat.contexts):
            own = name if context < 0 else name.rpartition(SEPARATOR)[2]
            found = shapes(functions[context], own) if counts[kind] else ()
            yield found if found is not None and len(found) == counts[kind] else _shapes(kinds[kind], found)

    def place(self, op: int) -> Tuple[Optional[str], bool]:
        """``file:line`` of an op, and whether a library made it."""
        return self.origin.where(self.flat.function(op), self.flat.names[op].rpartition(SEPARATOR)[2])


def _shapes(kind: Kind, live: Optional[Tuple[Shape, ...]]) -> Tuple[Shape, ...]:
    """The shapes of an op's outputs: those of the live graph, else what its attributes tell."""
    known = live or (attrs.output_shapes(kind) if kind.outputs else None) or ()
    return known if len(known) == len(kind.outputs) else (None,) * len(kind.outputs)


def trace(source: Any, *args: Any, signature: Optional[str] = None, **kwargs: Any) -> nx.DiGraph:
    """Read a TensorFlow graph into a networkx DAG. Nothing of it runs, nothing of it changes.

    Args:
        source: a ``tf.function``, a ``ConcreteFunction``, a Python callable (a Keras model is one), a ``tf.Graph``, a
            ``GraphDef`` or ``MetaGraphDef`` message, or the path of a ``.pb``, ``.pbtxt``, ``.meta`` or SavedModel.
        *args: example arguments of a callable: arrays, tensors or ``tf.TensorSpec``.
        signature: which signature of a SavedModel.
        **kwargs: the same by name.

    Returns:
        A ``networkx.DiGraph`` with a node for each op, the bodies of functions opened. Nodes have ``type``, ``inputs``,
        ``dtypes``, ``shapes``, ``function``, ``variable``; edges ``tensors`` (pairs of output and input index) and
        ``control``; the graph ``source``, ``outputs``, ``variables`` and ``loop_edges`` (pairs of names, left out of the
        DAG because they close cycles).

    Raises:
        GraphcutError: the source cannot be read or traced; the message says why. Or it is live, and TensorFlow is not
            installed; a file needs none.

    >>> import graphcut
    >>> dag = graphcut.trace("fixtures/documents/003.meta")
    >>> dag.nodes["hidden"]["type"], dag.nodes["hidden"]["inputs"], dag.nodes["hidden"]["dtypes"]
    ('StopGradient', ('product:0',), ('float32',))
    >>> dag.edges["product", "hidden"]
    {'tensors': ((0, 0),), 'control': False}
    """
    return to_dag(read(source, args, kwargs, signature))


def to_dag(traced: Traced) -> nx.DiGraph:
    """The networkx DAG of a graph that was read."""
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
    dag.graph["traced"] = traced
    return dag


def read(
    source: Any, args: Sequence[Any] = (), kwargs: Optional[Mapping[str, Any]] = None, signature: Optional[str] = None
) -> Traced:
    """The same as ``trace``, as columns."""
    if isinstance(source, nx.DiGraph):
        return _of_dag(source)
    message, origin = _message(source, args, dict(kwargs or {}), signature)
    return opened(message, origin)


def _of_dag(dag: nx.DiGraph) -> Traced:
    traced = dag.graph.get("traced")
    if not isinstance(traced, Traced) or dag.number_of_nodes() != len(traced.flat.names):
        raise GraphcutError(
            "this DAG was not made by graphcut.trace, or was edited since\nTo ask what an edit would do, use audit.what_if."
        )
    return traced


def _message(source: Any, args: Sequence[Any], kwargs: Dict[str, Any], signature: Optional[str]) -> Tuple[Any, Origin]:
    from graphcut.reading import files, metagraph

    if isinstance(source, (str, os.PathLike)) or hasattr(source, "SerializeToString"):
        if args or kwargs:
            raise GraphcutError("a graph file or message takes no arguments, %d were given" % (len(args) + len(kwargs)))
        path = not hasattr(source, "SerializeToString")
        content = files.read(os.fsdecode(source)) if path else files.of_message(source, source.DESCRIPTOR.name)
        return content.graph, replace(metagraph.origin(content, signature), owner=source)
    if not callable(source) and not hasattr(source, "as_graph_def"):
        raise GraphcutError(
            "a value of type %s was given, which is no TensorFlow graph\n"
            "graphcut reads a tf.function, a callable with example arguments, a tf.Graph, a GraphDef, "
            "a MetaGraphDef, or the path of one." % type(source).__name__
        )
    return _live(source, args, kwargs)


def _live(source: Any, args: Sequence[Any], kwargs: Dict[str, Any]) -> Tuple[Any, Origin]:
    from graphcut.installation import tensorflow_needed

    with tensorflow_needed("to trace a live source"):
        from graphcut.tracing import live
    return live.read(source, args, kwargs)


def opened(message: Any, origin: Origin) -> Traced:
    """The flat graph of a message, with its names and variables."""
    from graphcut.reading import arity
    from graphcut.reading.flatten import flatten
    from graphcut.reading.order import topological
    from graphcut.reading.variables import variables

    flat = flatten(message, origin.op_defs, origin.opaque)
    if origin.foreign:
        arity.check(flat)
    topological(flat)  # refuses a cycle that is no loop
    known = variables(flat, origin)
    return Traced(flat, origin, known, Names(flat), VariableIndex(known, _tensor_name_finder(origin.live)))


def _tensor_name_finder(live: Any) -> Callable[[Any], str]:
    """What finds the name of the tensor of a live graph that an object is or stands for."""
    captured: List[Mapping[int, Tuple[int, str]]] = []

    def find_tensor_name(value: Any) -> str:
        from graphcut.tracing import objects

        if not captured:
            captured.append(objects.captured_names(live))
        return objects.tensor_name(value, live, captured[0])

    return find_tensor_name
