"""Join graphs if the body of a function takes the gradient of a value that was computed outside of the body.

The captures and arguments of a body are its *entries*, placeholders. If a requested variable leads to an entry, the outer ops
on the way are put before the body's own ops, and the entry becomes an ``Identity`` of its outer tensor. A tape that records
while a body captures a tensor records the capture as an op, but it never records arguments (``FuncGraph._capture_helper``).
``tf.gradients`` goes through captures, too, but not to eager variables, which it searches only in the innermost body
(``gradients_util._MaybeCaptured``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from graphcut.analysis.tape_record import GradientCall, Source, Span, Tape
from graphcut.backend.live.serialize import serialize_graph
from graphcut.backend.live.variable_objects import captures, is_symbolic, stand_ins, variable_of
from graphcut.backend.record.captures import Entry, entries_of, ops_leading_in
from graphcut.graph.attrs import entry
from graphcut.graph.messages import CLASSES


class Level(NamedTuple):
    """One graph: its message, its entries by name, the names of the kept ops, and a prefix for names."""

    graph: Any
    tape: Optional[Tape]
    nodes: Sequence[Any]
    entries: Mapping[str, Entry]
    kept: Set[str]
    prefix: str

    def places(self) -> List[Tuple[int, str]]:
        """Return the positions and names of the kept ops."""
        return [(place, node.name) for place, node in enumerate(self.nodes) if node.name in self.kept]


def join_outer_graph(gradient: GradientCall) -> GradientCall:
    """Return the gradient with the ops of outer graphs between its sources and its own graph put before that graph."""
    graphs = [gradient.graph, *[each for each, _ in gradient.outer_graphs]]
    entries = [entries_of(inner, graphs[place + 1 :]) for place, inner in enumerate(graphs)]
    ops_by_graph = ops_leading_in(graphs, entries) if len(graphs) > 1 and entries[0] else {}
    if not ops_by_graph or not any(_outer_names(source, graphs[1:], ops_by_graph) for source in gradient.sources):
        return gradient
    message = CLASSES["Graph"].FromString(gradient.message)
    used = {node.name.partition("/")[0] for node in message.node}
    levels = [Level(gradient.graph, gradient.tape, message.node, entries[0], {node.name for node in message.node}, "")]
    for place, (graph, tape) in enumerate(gradient.outer_graphs):
        around = CLASSES["Graph"].FromString(serialize_graph(graph))
        functions = {each.signature.name for each in message.library.function}
        message.library.function.extend(each for each in around.library.function if each.signature.name not in functions)
        prefix = _unused_scope(getattr(graph, "name", "graph"), used)
        levels.append(Level(graph, tape, around.node, entries[place + 1], ops_by_graph[id(graph)], prefix))
    return _joined(gradient, message, levels[::-1])


def _joined(gradient: GradientCall, message: Any, levels: Sequence[Level]) -> GradientCall:
    prefixes = {id(level.graph): level.prefix for level in levels}
    nodes = [_rename_node(level, node, prefixes) for level in levels for node in level.nodes if node.name in level.kept]
    library = message.library
    whole = CLASSES["Graph"](node=nodes, library=library, versions=message.versions).SerializeToString()
    outer = {id(level.graph): level for level in levels[:-1]}
    sources = tuple(_source_with_stand_ins(each, outer) for each in gradient.sources)
    places = {level.prefix + name: (level.graph, name) for level in levels[:-1] for name in level.kept}
    tape = None if gradient.tape is None else _tape(gradient.tape, levels, prefixes)
    outside = () if tape is not None else tuple(_tensors_from_outside(gradient.sources, levels, prefixes))
    return replace(gradient, message=whole, sources=sources, tape=tape, places=places, outside=outside)


def _outer_names(source: Source, graphs: Sequence[Any], ops_by_graph: Mapping[int, Set[str]]) -> List[Tuple[Any, str]]:
    """Return the tensors of kept ops that are a source or stand for one, each with its graph."""
    own = [tensor for each in source.facts.objects[-1:] for tensor in _tensors(each)]
    result = [(tensor.graph, tensor) for tensor in own if id(getattr(tensor, "graph", None)) in map(id, graphs)]
    ids = {id(tensor) for tensor in own}
    result += [(graph, inner) for graph in graphs for outer, inner in captures(graph) if id(outer) in ids]
    return [(graph, tensor.name) for graph, tensor in result if tensor.op.name in ops_by_graph[id(graph)]]


def _tensors(value: Any) -> Sequence[Any]:
    inner = variable_of(value)
    return stand_ins(inner) if hasattr(inner, "assign") else (inner,)


def _source_with_stand_ins(source: Source, outer: Mapping[int, Level]) -> Source:
    """Return a source with the outer tensors that stand for it, in addition to those of the body."""
    levels = list(outer.values())
    ops_by_graph = {key: level.kept for key, level in outer.items()}
    names = _outer_names(source, [level.graph for level in levels], ops_by_graph)
    own = source.facts.tensors if source.is_variable or not names else ()
    names_in_message = (*own, *(outer[id(graph)].prefix + name for graph, name in names))
    label = source.facts.name if source.is_variable or not names_in_message else names_in_message[0].rpartition(":")[0]
    return replace(source, facts=source.facts._replace(name=label, tensors=names_in_message))


def _rename_node(level: Level, node: Any, prefixes: Mapping[int, str]) -> Any:
    """Return a node with its name in the joined graph; an entry reads its outer tensor."""
    copy = CLASSES["Node"].FromString(node.SerializeToString())
    copy.name = level.prefix + node.name
    capture = level.entries.get(node.name)
    if capture is None:
        inputs = node.input if not level.prefix else [each for each in node.input if not each.startswith("^")]
        copy.input[:] = [level.prefix + each for each in inputs]
        return copy
    copy.op = "Identity"
    copy.input[:] = [_name(capture.outer, prefixes)]
    copy.attr[:] = [entry("T", type=capture.outer.dtype.as_datatype_enum)]
    return copy


def _name(tensor: Any, prefixes: Mapping[int, str]) -> str:
    return str(prefixes[id(tensor.graph)] + tensor.name)


def _unused_scope(name: str, used: Set[str]) -> str:
    """Return a name scope that no op is in yet."""
    scope, count = name.strip("_<>") or "around", 1
    while scope in used:
        scope, count = "%s_%d" % (name.strip("_<>"), count), count + 1
    used.add(scope)
    return scope + "/"


def _tape(own: Tape, levels: Sequence[Level], prefixes: Mapping[int, str]) -> Tape:
    """Return the record of the tape, by positions in the joined graph."""
    inside: List[bool] = []
    paused: Set[int] = set()
    captured: Set[int] = set()
    arguments: Set[int] = set()
    made: Dict[str, bool] = {}
    for level in levels:
        tape = own if level.tape is None else level.tape
        for place, name in level.places():
            capture = level.entries.get(name)
            records = tape.records(place)
            if capture is not None and capture.is_argument:
                records = not made.get(_name(capture.outer, prefixes).rpartition(":")[0], False)
            if place in tape.paused:
                paused.add(len(inside))
            if capture is not None and capture.is_argument and records:
                arguments.add(len(inside))
            if capture is not None and not capture.is_argument:
                captured.add(len(inside))
            made[level.prefix + name] = records
            inside.append(records)
    watched = tuple(_watched(own, levels))
    names = frozenset(level.prefix + name for level in levels for name in (level.tape or own).placeholders)
    return Tape(
        _spans(inside),
        watched,
        own.automatic,
        frozenset(paused),
        frozenset(captured),
        placeholders=names,
        began_before=own.began_before,
        arguments=frozenset(arguments),
    )


def _watched(own: Tape, levels: Sequence[Level]) -> Iterator[Tuple[str, int]]:
    """Yield the tensors that the tape watched, each with the position at which watching began."""
    counts = [len(level.places()) for level in levels]
    innermost = len(levels) - 1
    for at, level in enumerate(levels):
        tape = own if level.tape is None else level.tape
        for (name, since), depth in zip(tape.watched, tape.depths or [innermost - at] * len(tape.watched)):
            where = innermost - depth
            yield level.prefix + name, sum(counts[:where]) + sum(place < since for place, _ in levels[where].places())


def _spans(inside: Sequence[bool]) -> Tuple[Span, ...]:
    return tuple((place, place + 1) for place, each in enumerate(inside) if each)


def _tensors_from_outside(sources: Sequence[Source], levels: Sequence[Level], prefixes: Mapping[int, str]) -> Iterator[str]:
    """Yield the tensors at which ``tf.gradients`` ends: arguments of a body, and eager variables outside of it."""
    for level in levels:
        arguments = (each for name, each in level.entries.items() if each.is_argument and name in level.kept)
        yield from (_name(each.outer, prefixes) for each in arguments)
    graphs = [level.graph for level in levels[:-1]]
    ops_by_graph = {id(level.graph): level.kept for level in levels[:-1]}
    for source in sources:
        eager = [each for each in _tensors(source.facts.objects[-1]) if not is_symbolic(each)]
        yield from (prefixes[id(graph)] + name for graph, name in _outer_names(source, graphs, ops_by_graph) if eager)
