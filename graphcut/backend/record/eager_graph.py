"""Write the graph of an eager gradient: the recorded ops that lead to its targets, as a ``Graph`` message.

Constants and variables come first, then the ops in the order in which they ran. The call of a function is one op,
``PartitionedCall``, with its body in the library. A custom gradient is written as an ``EagerPyFunc``, in which any input may
reach any output; the inputs that its function answered decide.
"""

from __future__ import annotations

import math
import re
import sys
import threading
from bisect import bisect_left
from typing import Any, Dict, Hashable, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2
from tensorflow.python.eager import context

from graphcut.analysis.regions.transfer import READS_CONSTANTS
from graphcut.analysis.rules.constant_zeros import DECIDED_BY_CONSTANTS
from graphcut.analysis.tape_record import GradientCall, Source, Tape
from graphcut.backend.gradient_oracle.single_op_graph import op_def, unlisted_signature
from graphcut.backend.live import function_graphs, serialize
from graphcut.backend.live.trace import describe_variable
from graphcut.backend.live.variable_objects import function_variables, handle_of, variable_of
from graphcut.backend.record.eager_ops import PLAIN, EagerLeaf, EagerOp, EagerOps, Line, Made, Node, line
from graphcut.backend.record.gradient_call import GradientRequest
from graphcut.backend.record.numpy_calls import numpy_line
from graphcut.graph.dtypes import FLOATS, RESOURCE
from graphcut.graph.flat import Shape
from graphcut.graph.messages import CLASSES
from graphcut.graph.metadata import GraphMetadata, Variable
from graphcut.graph.stack_frames import is_library
from graphcut.util.source_lines import line_of

_CUSTOM = "CustomGradient"
_READ_VALUES = READS_CONSTANTS | DECIDED_BY_CONSTANTS
_FUNCTION = re.compile(r"__(?:inference|forward)_+(.*?)_*\d*$")


class WatchedTensors(NamedTuple):
    """What a tape watches. ``watched`` has the ``id`` of each tensor or handle, and the number of ops when watching began."""

    spans: Tuple[Tuple[int, int], ...]
    watched: Tuple[Tuple[int, int], ...]
    automatic: bool
    pauses: Tuple[Tuple[int, int], ...]
    began_before: bool


class EagerCall:
    """An eager gradient call, as recorded just before the gradient is taken."""

    def __init__(self, eager: EagerOps, request: GradientRequest, tape: Optional[WatchedTensors]) -> None:
        self.eager, self.request, self.tape = eager, request, tape
        self.sources = [variable_of(part) for _, part in request.pairs]
        self.targets = [eager.node_of(_tensor(each), line()) for each in request.targets]
        self.names = names_in_code(self.sources)
        self.starts = [None if each is None else eager.node_of(_tensor(each)) for each in request.starts]
        self.source_nodes = [eager.node_of(_tensor(each)) for each in self.sources]
        self.position, self.thread = eager.version, threading.get_ident()
        self.began = min((start for start, _ in tape.spans), default=0) if tape else 0
        self.handles = {id(handle_of(each)) for each in self.sources if isinstance(each, tf.Variable)}
        roots = [node for node, _ in (*self.targets, *self.source_nodes)]
        sources, targets = ({id(node) for node, _ in side} for side in (self.source_nodes, self.targets))
        self.nodes = sorted(_with_assignments(roots, sources, targets, self.began), key=_position)

    def signature(self, answers: Hashable) -> Hashable:
        """Return a key that distinguishes this gradient from others of the same call.

        It holds the ops in between, which of them the tape recorded, the values that can affect a verdict, and whether the
        gradient starts from zeros.
        """
        readers = (node for node in self.nodes if isinstance(node, EagerOp) and node.type in _READ_VALUES)
        valued = {id(each) for node in readers for each, _ in node.inputs}
        places = {id(node): place for place, node in enumerate(self.nodes)}
        spans = () if self.tape is None else self.tape.spans
        rows: List[Hashable] = []
        for node in self.nodes:
            if isinstance(node, EagerLeaf):
                rows.append((node.outputs, _visible(node.value, id(node) in valued)))
            elif any(start < node.position <= end for start, end in spans):
                inputs = tuple((places[id(each)], index) for each, index in node.inputs)
                rows.append((node.type, _hashable(node.attrs), inputs, node.outputs, node.where, tuple(node.carries or ())))
            else:
                rows.append((node.type, node.where))
        sources = tuple((places[id(node)], index) for node, index in self.source_nodes)
        targets = tuple((places[id(node)], index) for node, index in self.targets)
        return hash((tuple(rows), sources, targets, tuple(map(_start, self.request.starts)), self.request.zeros, answers))


def _visible(value: Any, is_read: bool) -> Hashable:
    """Return the part of a value that a verdict can depend on.

    It is the full value if an op that selects pieces reads it, otherwise only whether the value is zero.
    """
    if value is None:
        return None
    return value.tobytes() if is_read else not value.any()


def names_in_code(values: Sequence[Any]) -> List[str]:
    """Return the names of tensors in the code that asks for their gradients; empty for a tensor without a name there."""
    frame: Any = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    scopes = () if frame is None else (frame.f_locals, frame.f_globals)
    known = {id(value): name for scope in reversed(scopes) for name, value in list(scope.items()) if not name.startswith("_")}
    return [known.get(id(each), "") for each in values]


def _position(node: Node) -> Tuple[int, int]:
    return (1, node.position) if isinstance(node, EagerOp) else (0, node.position)


def _tensor(value: Any) -> Any:
    return handle_of(value) if isinstance(value, tf.Variable) else value


def _reached(roots: Iterable[Node]) -> List[Node]:
    known: Dict[int, Node] = {}
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if id(node) not in known:
            known[id(node)] = node
            if isinstance(node, EagerOp):
                waiting += [each for each, _ in node.inputs]
    return list(known.values())


def _with_assignments(roots: Sequence[Node], sources: Set[int], targets: Set[int], began: int) -> List[Node]:
    """Return the nodes that lead to some nodes.

    A variable that is read, or that is itself a target, is connected to the op that assigned to it before, if the assigned
    value depends on a source. A value computed with a gradient before the tape ``began`` is the update of an earlier step,
    and is not followed.
    """
    nodes = _reached(roots)
    last: Dict[int, float] = dict.fromkeys(targets, math.inf)
    for node in nodes:
        for each, _ in node.inputs if isinstance(node, EagerOp) else ():
            last[id(each)] = max(last.get(id(each), 0), node.position)
    before = [each.assigned for each in nodes if each.assigned and each.assigned.position < last.get(id(each), 0)]
    assigned = [each for each in before if each.position > began or not each.is_of_gradient]
    leading = _ids_between(assigned, sources)
    more = [each for each in assigned if any(id(node) in leading for node, _ in each.inputs[1:])]
    known = set(map(id, nodes))
    return nodes if known.issuperset(map(id, more)) else _with_assignments([*roots, *more], sources, targets, began)


def _ids_between(roots: Sequence[Node], sources: Set[int]) -> Set[int]:
    """Return the ``id`` of the nodes on paths from one of ``sources`` to a root, including both ends."""
    result: Set[int] = set()
    for node in sorted(_reached(roots), key=_position):  # the inputs of a node come before it
        inputs = node.inputs if isinstance(node, EagerOp) else ()
        if id(node) in sources or any(id(each) in result for each, _ in inputs):
            result.add(id(node))
    return result


def _hashable(attrs: Any) -> Hashable:
    try:
        hash(attrs)
    except TypeError:
        return str(attrs)
    return attrs


class EagerGraph:
    """The recorded ops with the interface of a ``tf.Graph`` that audits need.

    ``began`` is the number of ops that had run when the tape began; ``read`` are the variables that the gradient call left
    out, each with the name of its handle.
    """

    building_function = True  # a function that eager code calls is differentiated in a function, too
    captures = ()
    variables = ()

    def __init__(
        self, lines: Mapping[str, Line], shapes: Mapping[str, Tuple[Shape, ...]], functions: Mapping[str, Any]
    ) -> None:
        self.lines, self.shapes, self._functions = lines, shapes, functions
        self.answered: Dict[str, Tuple[Optional[bool], ...]] = {}
        self.replaced: Dict[str, Optional[str]] = {}
        self.began = 0
        self.read: Tuple[Tuple[Any, str], ...] = ()

    def get_operations(self) -> Tuple[Any, ...]:
        """Return no ops, because none is alive any more."""
        return ()

    def get_operation_by_name(self, name: str) -> Any:
        """Raise the error of a graph that has no op of that name."""
        raise KeyError(name)

    def get_collection(self, name: str) -> Tuple[Any, ...]:
        """Return no collection, because eager code has none."""
        return ()


class _Function(NamedTuple):
    """A called function; TensorFlow dismantles its graph when the last reference to ``concrete`` is gone."""

    graph: Any
    concrete: Any


def write_gradient(call: EagerCall, api: str, where: Optional[str], key: Any, answers: Any, error: str) -> GradientCall:
    """Return the record of the gradient: the message, the names in it, and the tape by positions in it."""
    graph = CLASSES["Graph"]()
    writer = _Writer(graph, call)
    for node in call.nodes:
        writer.add(node)
    holders = dict(_escaped_constants(call, writer))
    live = EagerGraph(writer.lines, writer.shapes, writer.functions)
    live.answered.update(writer.answered)
    live.replaced.update(_input_positions(call, writer))
    live.began, live.read = call.began, tuple((each, writer.name((node, 0))) for node, each in writer.others)
    sources = tuple(_sources(call, writer))
    targets = tuple(writer.name(each) for each in call.targets)
    starts = tuple((name, _start(start)) for name, start in zip(targets, call.request.starts))
    return GradientCall(
        api, live, graph.SerializeToString(), {}, targets, sources, (), _tape(call, writer), call.request.zeros, where, key,
        answers=answers, error=error, starts=starts, value_holders=holders,
    )  # fmt: skip


def _input_positions(call: EagerCall, writer: _Writer) -> Iterator[Tuple[str, Optional[str]]]:
    """Return the places that computed the sources that are tensors, not variables."""
    for made in call.source_nodes:
        if isinstance(made[0], EagerOp) and made[0].outputs[made[1]].dtype != RESOURCE:
            yield writer.name(made), made[0].where[0]


def _escaped_constants(call: EagerCall, writer: _Writer) -> Iterator[Tuple[int, Tuple[Tuple[None, str], ...]]]:
    """Yield, for each variable whose value left TensorFlow, the constants created after that; they carry the line."""
    constants = [node for node in call.nodes if isinstance(node, EagerLeaf) and node.outputs[0].dtype in FLOATS]
    escapes = [each for each in call.eager.escapes.values() if not _is_shown(each.where)]
    wanted = {id(made[0]): source for source, made in zip(call.sources, call.source_nodes)}
    result: Dict[int, List[str]] = {}
    last: Dict[int, int] = {}
    for escape in sorted(escapes, key=lambda each: each.position):
        later = [writer.name((each, 0))[:-2] for each in constants if each.position >= escape.position]
        for node in _reached([escape.source[0]]) if later else ():
            if id(node) in wanted:
                result[id(wanted[id(node)])] = later
                last[id(wanted[id(node)])] = escape.position
                writer.lines.update(dict.fromkeys(later, escape.where))
    reached = {id(node) for node in _reached(node for node, _ in call.targets)}
    for source, (node, _) in zip(call.sources, call.source_nodes):
        if id(node) in reached or node.read is None:
            continue
        if id(source) not in result:
            result[id(source)] = list(_by_numpy(node.read, call, constants, writer))
        elif last[id(source)] <= call.began:  # a value of an earlier step; NumPy may have read one of this step
            result[id(source)] = list(_by_numpy_since(node, call, constants, writer)) or result[id(source)]
    for key, names in result.items():
        yield key, tuple((None, name) for name in names)


def _by_numpy(read: Line, call: EagerCall, constants: Sequence[EagerLeaf], writer: _Writer) -> Iterator[str]:
    """Yield the constants that NumPy made after a variable was read; they carry the line that calls NumPy.

    A target that is a Python value was certainly made this way, at the latest by the gradient call.
    """
    plain = {id(node) for each, (node, _) in zip(call.request.targets, call.targets) if isinstance(each, PLAIN)}
    for each in constants:
        place = numpy_line(read[0] or "", each.where[0] or "") or (read[0] if id(each) in plain else None)
        if place is not None:
            name = writer.name((each, 0))[:-2]
            writer.lines[name] = (place, False)
            yield name


def _by_numpy_since(source: Node, call: EagerCall, constants: Sequence[EagerLeaf], writer: _Writer) -> Iterator[str]:
    """Yield the constants of this step that a NumPy call makes of a tensor that depends on a source, with that line."""

    def depends(value: Any) -> bool:
        known = call.eager.pairs.get(id(value))
        return known is not None and any(each is source for each in _reached([known.node]))

    for each in constants:
        if each.position > call.began and source.read is not None:
            place = numpy_line(source.read[0] or "", each.where[0] or "", depends)
            if place is not None:
                name = writer.name((each, 0))[:-2]
                writer.lines[name] = (place, False)
                yield name


def _is_shown(where: Line) -> bool:
    """Return whether a value left TensorFlow only for display."""
    return line_of(where[0]).startswith(("print(", "logging.", "logger.", "log."))


def _start(start: Any) -> Any:
    if start is None:
        return None
    dense = getattr(start, "values", start)
    return bool((tf.math.count_nonzero(dense) == 0).numpy())


def _sources(call: EagerCall, writer: _Writer) -> Iterator[Source]:
    for index, ((_, given), each, made) in enumerate(zip(call.request.pairs, call.sources, call.source_nodes)):
        name = writer.name(made)
        if isinstance(each, tf.Variable):
            yield Source(describe_variable(given, (name,)), True, id(each), id(handle_of(each)))
        else:
            output = made[0].outputs[made[1]]
            label = call.names[index] or (name.rpartition(":")[0] if isinstance(made[0], EagerOp) else "sources[%d]" % index)
            facts = Variable(label, (name,), None, tf.as_dtype(output.dtype).name, output.shape, (_Gone(),))
            yield Source(facts, False, id(each))


class _Gone:
    """A stand-in for a tensor that is not kept."""


def _tape(call: EagerCall, writer: _Writer) -> Optional[Tape]:
    if call.tape is None:
        return None
    keys = [node.position - 1 if isinstance(node, EagerOp) else -1 for node in call.nodes]

    def index(count: int) -> int:
        return bisect_left(keys, count) if count else 0

    spans = tuple((index(start), index(end)) for start, end in call.tape.spans)
    known = {id(_tensor(source)): writer.name(made) for source, made in zip(call.sources, call.source_nodes)}
    known.update(writer.tensors)
    watched = tuple((known[key], index(since)) for key, since in call.tape.watched if key in known)
    paused = frozenset(place for start, end in call.tape.pauses for place in range(index(start), index(end)))
    paused |= {place for place, node in enumerate(call.nodes) if isinstance(node, EagerOp) and node.thread != call.thread}
    return Tape(spans, watched, call.tape.automatic, paused, began_before=call.tape.began_before)


class _Writer:
    """Write nodes with unique names into a message."""

    def __init__(self, graph: Any, call: EagerCall) -> None:
        self.graph = graph
        self.lines: Dict[str, Line] = {}
        self.shapes: Dict[str, Tuple[Shape, ...]] = {}
        self.functions: Dict[str, Any] = {}
        self.answered: Dict[str, Tuple[Optional[bool], ...]] = {}
        self._names: Dict[int, str] = {}
        self._counts: Dict[str, int] = {}
        self._last_output: Dict[int, int] = {}
        read = [each for node in call.nodes if isinstance(node, EagerOp) for each in node.inputs]
        for node, index in (*read, *call.targets, *call.source_nodes):
            self._last_output[id(node)] = max(index, self._last_output.get(id(node), 0))
        pairs = zip(call.sources, call.source_nodes)
        self._variables = {id(made[0]): each for each, made in pairs if isinstance(each, tf.Variable)}
        nodes = {id(node) for node in call.nodes}
        alive = ((key, each) for key, each in list(call.eager.pairs.items()) if id(each.node) in nodes)
        self._alive = {key: (each.node, each.index) for key, each in alive}
        self.others = tuple(self._read_variables(call))
        self._variables.update((id(node), each) for node, each in self.others)
        self._wanted = {key: _label(each) for key, each in self._variables.items()}

    def _read_variables(self, call: EagerCall) -> Iterator[Tuple[Node, Any]]:
        """Yield the handles of variables that are read but left out of the gradient call, each with its variable."""
        functions = [node.function for node in call.nodes if isinstance(node, EagerOp) and node.function is not None]
        captured = (each for function in functions for each in function_variables(function.graph))
        known = {**call.eager.variables, **{id(handle_of(each)): each for each in captured}}
        for key, (node, index) in self._alive.items():
            if key in known and node.outputs[index].dtype == RESOURCE and id(node) not in self._variables:
                yield node, known[key]

    @property
    def tensors(self) -> Dict[int, str]:
        """The names of the tensors that are alive, by their ``id``."""
        return {key: self.name(made) for key, made in self._alive.items()}

    def name(self, made: Made) -> str:
        """Return the name of a tensor."""
        return "%s:%d" % (self._names[id(made[0])], made[1])

    def add(self, node: Node) -> None:
        """Write a node."""
        name = self._names[id(node)] = self._unused_name(self._wanted.get(id(node)) or _called(node))
        self.lines[name] = node.where
        self.shapes[name] = tuple(each.shape for each in node.outputs)
        if isinstance(node, EagerLeaf):
            self._leaf(node, name)
        else:
            self._op(node, name)

    def _leaf(self, node: EagerLeaf, name: str) -> None:
        output = node.outputs[0]
        attr = attr_value_pb2.AttrValue(type=output.dtype)
        if output.dtype == RESOURCE:
            variable = self._variables.get(id(node))
            known = {} if variable is None else {"dtype": _type(variable.dtype.base_dtype), "shape": _shape(variable.shape)}
            self._node(name, "VarHandleOp", (), {**known, **_handle(name)})
        elif node.value is not None:
            value = attr_value_pb2.AttrValue(tensor=tf.make_tensor_proto(node.value))
            self._node(name, "Const", (), {"dtype": attr, "value": value})
        else:
            shape = attr_value_pb2.AttrValue(shape=tf.TensorShape(output.shape).as_proto())
            self._node(name, "Placeholder", (), {"dtype": attr, "shape": shape})

    def _op(self, node: EagerOp, name: str) -> None:
        inputs = [self._input(each) for each in node.inputs]
        function = node.function
        if node.type == "VarHandleOp":
            given = _attrs(node)
            self._node(name, node.type, (), {**given, **_handle(name)})
        elif function is not None:
            self._call(node, name, inputs, function)
        elif node.type == _CUSTOM or op_def(node.type) is None:
            self.answered[name] = tuple(node.carries or (None,) * len(node.inputs))
            own = name.encode()  # each has its own function, so no two are of one kind
            self._node(name, "EagerPyFunc", inputs, _lists(node, len(node.outputs), token=own, is_async=False))
        else:
            self._node(name, node.type, inputs, _attrs(node))

    def _input(self, made: Made) -> str:
        node, index = made
        return self._names[id(node)] if not index else "%s:%d" % (self._names[id(node)], index)

    def _call(self, node: EagerOp, name: str, inputs: Sequence[str], function: Any) -> None:
        """Return the function that the tape differentiates.

        If an output is read that exists only for its gradient, it is the function that ran.
        """
        definition = CLASSES["Function"].FromString(function.function_def.SerializeToString())
        if self._last_output.get(id(node), 0) >= len(definition.signature.output_arg):
            run = context.context().get_function_def(node.type)
            definition = CLASSES["Function"].FromString(run.SerializeToString())
        called = definition.signature.name
        if called not in self.functions:
            self.functions[called] = _Function(function.graph, function)
            known = {each.signature.name for each in self.graph.library.function}
            inner = serialize.parse_graph(serialize.data(function.graph)).library.function
            self.graph.library.function.extend(each for each in (definition, *inner) if each.signature.name not in known)
        count = min(len(definition.signature.output_arg), len(node.outputs))
        attrs = _lists(node, count)
        attrs["f"] = attr_value_pb2.AttrValue(func=attr_value_pb2.NameAttrList(name=called))
        self._node(name, "PartitionedCall", inputs, attrs)

    def _node(self, name: str, op: str, inputs: Sequence[str], attrs: Mapping[str, Any]) -> None:
        made = self.graph.node.add(name=name, op=op, input=inputs)
        for key in sorted(attrs):
            value = CLASSES["AttrValue"].FromString(attrs[key].SerializeToString())
            made.attr.append(CLASSES["AttrEntry"](key=key, value=value).SerializeToString())

    def _unused_name(self, wanted: str) -> str:
        count = self._counts.get(wanted, 0)
        name = wanted if not count else "%s_%d" % (wanted, count)
        while count and name in self._counts:
            count += 1
            name = "%s_%d" % (wanted, count)
        self._counts[wanted] = count + 1
        self._counts.setdefault(name, 1)
        return name


def _label(variable: Any) -> str:
    name = str(variable.name).rpartition(":")[0] or str(variable.name)
    return re.sub(r"[^A-Za-z0-9_.\\/-]", "_", name).lstrip("_-/\\") or "variable"


def _called(node: Node) -> str:
    if isinstance(node, EagerLeaf):
        return "variable" if node.outputs[0].dtype == RESOURCE else "constant"
    if node.type == "VarHandleOp":
        return "variable"
    called = _FUNCTION.match(node.type)
    if called:
        return called.group(1) or "function"
    return "custom_gradient" if node.type == _CUSTOM else re.sub(r"[^A-Za-z0-9_]", "_", node.type).lstrip("_")


def _handle(name: str) -> Dict[str, Any]:
    return {"shared_name": attr_value_pb2.AttrValue(s=name.encode())}


def _lists(node: EagerOp, count: int, token: Optional[bytes] = None, is_async: Optional[bool] = None) -> Dict[str, Any]:
    """Return the attributes of an op with lists of inputs and outputs."""
    given = [each.outputs[index].dtype for each, index in node.inputs]
    made = [each.dtype for each in node.outputs[:count]]
    lists = {"Tin": given, "Tout": made}
    attrs = {key: attr_value_pb2.AttrValue(list=attr_value_pb2.AttrValue.ListValue(type=each)) for key, each in lists.items()}
    if token is not None:
        attrs["token"] = attr_value_pb2.AttrValue(s=token)
        attrs["is_async"] = attr_value_pb2.AttrValue(b=bool(is_async))
    return attrs


def _attrs(node: EagerOp) -> Dict[str, Any]:
    """Return the attributes of an op as messages: the given ones, and those that follow from its inputs."""
    known = op_def(node.type)
    given = dict(zip(node.attrs[::2], node.attrs[1::2]))
    given.update(_of_inputs(known, [each.outputs[index].dtype for each, index in node.inputs], given))
    result = {}
    for attr in known.attr:
        if given.get(attr.name) is not None:  # None is the default
            try:
                result[attr.name] = _message(attr.type, given[attr.name])
            except (TypeError, ValueError, AttributeError):
                continue
    return result


def _of_inputs(known: Any, dtypes: Sequence[int], given: Mapping[str, Any]) -> Dict[str, Any]:
    result: Dict[str, Any] = {}
    place = 0
    for index, arg in enumerate(known.input_arg):
        count = 1
        if arg.number_attr:
            count = int(given.get(arg.number_attr, len(dtypes) - place - (len(known.input_arg) - index - 1)))
            result[arg.number_attr] = count
        elif arg.type_list_attr:
            listed = given.get(arg.type_list_attr)
            rest = len(dtypes) - place - (len(known.input_arg) - index - 1)
            count = len(listed) if isinstance(listed, (list, tuple)) else rest
            result[arg.type_list_attr] = list(dtypes[place : place + count])
        if arg.type_attr and dtypes[place : place + 1]:
            result[arg.type_attr] = dtypes[place]
        place += count
    return result


def _message(kind: str, value: Any) -> Any:
    if isinstance(value, attr_value_pb2.AttrValue):
        return value
    if kind.startswith("list("):
        parts = [_message(kind[5:-1], each) for each in value]
        listed = attr_value_pb2.AttrValue.ListValue()
        for part in parts:
            field = part.WhichOneof("value")
            target, each = getattr(listed, field), getattr(part, field)
            (target.add().CopyFrom if hasattr(each, "CopyFrom") else target.append)(each)
        return attr_value_pb2.AttrValue(list=listed)
    return _SCALARS[kind](value)


def _type(value: Any) -> Any:
    return attr_value_pb2.AttrValue(type=value if isinstance(value, int) else tf.as_dtype(value).as_datatype_enum)


def _bytes(value: Any) -> Any:
    return attr_value_pb2.AttrValue(s=value if isinstance(value, bytes) else str(value).encode())


def _shape(value: Any) -> Any:
    made = value if hasattr(value, "unknown_rank") else tf.TensorShape(value).as_proto()
    return attr_value_pb2.AttrValue(shape=made)


def _func(value: Any) -> Any:
    name = getattr(value, "name", value)
    return attr_value_pb2.AttrValue(func=attr_value_pb2.NameAttrList(name=_bytes(name).s.decode()))


_SCALARS = {
    "type": _type,
    "int": lambda value: attr_value_pb2.AttrValue(i=int(value)),
    "float": lambda value: attr_value_pb2.AttrValue(f=float(value)),
    "bool": lambda value: attr_value_pb2.AttrValue(b=bool(value)),
    "string": _bytes,
    "shape": _shape,
    "func": _func,
    "tensor": lambda value: attr_value_pb2.AttrValue(tensor=value),
}


def open_eager_gradient(gradient: GradientCall) -> Tuple[Any, GraphMetadata]:
    """Return the ``RawGraph`` message and the origin of a gradient that was taken eagerly."""
    live = gradient.graph
    own = {each.identity: each.facts for each in gradient.sources if each.is_variable}
    result = function_graphs.graphs(live)
    where, shapes = function_graphs.Where(result), function_graphs.Shapes(result)
    message = CLASSES["RawGraph"].FromString(gradient.message)
    origin = GraphMetadata(
        "%s at %s" % (gradient.api, gradient.where),
        {},
        (*own.values(), *_read(gradient)),
        foreign=False,
        where=lambda function, name: live.lines.get(name, (None, False)) if function is None else where(function, name),
        shapes=lambda function, name: live.shapes.get(name) if function is None else shapes(function, name),
        live=live,
        owner=gradient.owner,
        op_defs=unlisted_signature,
        knows_variables=True,
        answered=live.answered,
        value_holders=gradient.value_holders,
        replaced=live.replaced,
    )
    return message, origin


def _read(gradient: GradientCall) -> Iterator[Variable]:
    """Yield the variables that are read but left out of the gradient call, as the models in use list them."""
    for variable, name in gradient.graph.read:
        listed, trained = gradient.owned.get(id(variable), (variable, None))
        yield describe_variable(listed, (name,), trained)
