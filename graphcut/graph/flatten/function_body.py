"""One graph or function body as columns, before its calls are expanded.

Ops and tensors are numbered within the body: arguments first, then the nodes in their order. A call, branch or loop
becomes its own node (no outputs), then one node for each loop variable, then one for each result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.attrs import entry
from graphcut.graph.flat import Call, Kind
from graphcut.graph.flatten import calls
from graphcut.graph.flatten.input_names import Namespace
from graphcut.graph.flatten.node_bytes import UNKNOWN
from graphcut.graph.flatten.op_kinds import Kinds, Layout, shared_name, unknown_outputs
from graphcut.graph.messages import parse_node, parse_nodes
from graphcut.graph.op_types import HANDLES


@dataclass(frozen=True)
class Body:
    """Columns of one body. ``arguments`` are its first ops; ``returns`` the tensors it returns, in order."""

    name: str
    names: Sequence[str]
    kinds: Sequence[int]
    inputs: Sequence[Tuple[int, ...]]
    controls: Sequence[Tuple[int, ...]]
    first_output: Sequence[int]
    arguments: int
    returns: Tuple[int, ...]
    calls: Tuple[Call, ...]
    loop_inputs: Dict[int, Tuple[int, ...]]
    shared: Dict[int, str]

    @property
    def size(self) -> int:
        """Return the number of its ops, tensors or edges, whichever is largest."""
        return max(len(self.names), self.first_output[-1], sum(map(len, self.inputs)))


def of_graph(nodes: Sequence[bytes], kinds: Kinds) -> Body:
    """Return the body that consists of a graph's nodes, each as its bytes."""
    return _lay_out("", kinds, (), nodes).build(())


def of_function(function: Any, kinds: Kinds) -> Body:
    """Return the body of a ``FunctionDef``."""
    signature = function.signature
    ret = [
        function.ret[arg.name] if arg.name in function.ret else _missing_return(signature.name, arg.name)
        for arg in signature.output_arg
    ]
    nodes = [node.SerializeToString() for node in function.node_def]
    return _lay_out(signature.name, kinds, signature.input_arg, nodes).build(ret)


def _missing_return(function: str, name: str) -> Any:
    raise GraphcutError("function %s declares a result %s but does not return it" % (printable(function), printable(name)))


def _lay_out(name: str, kinds: Kinds, arguments: Iterable[Any], nodes: Sequence[bytes]) -> _Builder:
    """Return the builder with all ops of a body.

    An op of an unknown type has as many outputs as other ops read, which is known only after all ops are laid out.
    """
    builder = _Builder(name, kinds, {})
    try:
        builder.lay_out(arguments, nodes)
    except UnicodeDecodeError as error:
        raise GraphcutError(
            "%s has an op whose name or type is no text: %s\nThe file is damaged, or is not a graph."
            % (builder.scope.body, printable(error.object.decode("utf-8", "replace")))
        ) from error
    if builder.has_unknown:
        builder = _Builder(name, kinds, unknown_outputs(nodes, kinds.unknown))
        builder.lay_out(arguments, nodes)
    builder.scope.check(builder.count, chain(arguments, parse_nodes(nodes)))
    return builder


class _Builder:
    """The columns during construction; dropped when the ``Body`` is complete.

    ``used`` is the number of outputs that are read of each op of an unknown type; ``count`` is the number of ops with a name
    of their own. ``waiting`` holds the nodes whose inputs are not simply earlier ops, with their ops.
    """

    def __init__(self, name: str, kinds: Kinds, used: Mapping[str, int]) -> None:
        self.name, self.known, self.used = name, kinds, used
        self.names: List[str] = []
        self.kinds: List[int] = []
        self.first_output: List[int] = [0]
        self.inputs: List[Tuple[int, ...]] = []
        self.controls: Dict[int, Tuple[int, ...]] = {}
        self.calls: List[Call] = []
        self.shared: Dict[int, str] = {}
        self.waiting: List[Tuple[int, Any]] = []
        self.based: Dict[int, Tuple[int, Layout]] = {}
        self.arguments = self.count = 0
        self.has_unknown = False
        outputs = partial(_outputs, self.based, self.first_output, self.kinds, kinds.layouts)
        self.scope = Namespace(name, self.names, self.first_output, outputs)

    def lay_out(self, arguments: Iterable[Any], nodes: Sequence[bytes]) -> None:
        """Append all ops, in one pass."""
        for arg in arguments:
            self.scope.tensors[arg.name.encode()] = self.first_output[-1]
            self._add(arg.name, self.known.of_outputs("_Arg", (arg.type,)))
        self.arguments, self.count = len(self.names), len(self.names) + len(nodes)
        sizes, names, kinds, inputs, firsts = self.known.sizes, self.names, self.kinds, self.inputs, self.first_output
        is_special, tensors, tensor = self.known.is_special, self.scope.tensors, self.first_output[-1]
        for place, (name, kind, texts, attrs) in enumerate(self.known.read(nodes)):
            if kind == UNKNOWN:
                self._place(parse_node(nodes[place]))
                tensor = firsts[-1]
                continue
            if attrs and is_special[kind]:
                self.shared[len(names)] = shared_name(self.known.table[kind].type, attrs)
            size = sizes[kind]
            if size:
                tensors[name] = tensor
                tensor += size
            else:
                self.scope.silent[name] = len(names)
            names.append(name.decode())
            kinds.append(kind)
            firsts.append(tensor)
            try:
                if len(texts) == 1:
                    inputs.append((tensors[texts[0]],))
                elif len(texts) == 2:
                    inputs.append((tensors[texts[0]], tensors[texts[1]]))
                else:
                    inputs.append(tuple([tensors[text] for text in texts]) if texts else ())
            except KeyError:
                self.waiting.append((len(inputs), parse_node(nodes[place])))
                inputs.append(())

    def _place(self, node: Any) -> None:
        """Append the op of a node as protobuf reads it."""
        attrs, known = tuple(node.attr), self.known
        kind = known.of_attrs(node.op, attrs)
        if known.is_special[kind]:
            kind = self._special_kind(node, attrs, kind)
            if known.opens[kind]:
                self._place_call(node, kind)
                return
        if known.sizes[kind]:
            self.scope.tensors[node.name.encode()] = self.first_output[-1]
        else:
            self.scope.silent[node.name.encode()] = len(self.names)
        op, tensors = self._add(node.name, kind), self.scope.tensors
        try:
            self.inputs[op] = tuple([tensors[text.encode()] for text in node.input])
        except KeyError:
            self.waiting.append((op, node))

    def build(self, ret: Iterable[str]) -> Body:
        """Connect the waiting ops, and return the body."""
        for op, node in self.waiting:
            self.inputs[op] = self._resolve_inputs(op, node)
            if op in self.based:
                self._connect_call(op, node, self.known.table[self.kinds[op]], self.inputs[op])
                self.inputs[op] = ()
        controls: List[Tuple[int, ...]] = [()] * len(self.names)
        for op, sources in self.controls.items():
            controls[op] = sources
        return Body(
            self.name, self.names, self.kinds, self.inputs, controls, self.first_output, self.arguments,
            tuple(self.scope.tensor(text, self.name, "returns") for text in ret), tuple(self.calls), self._loop_inputs(),
            self.shared,
        )  # fmt: skip

    def _special_kind(self, node: Any, attrs: Tuple[bytes, ...], kind: int) -> int:
        """Return the kind of a special node: a call, an op of an unknown type, or a handle, whose shared name is recorded."""
        if node.op in HANDLES:
            self.shared[len(self.names)] = shared_name(node.op, attrs)
        elif node.op in self.known.unknown:
            self.has_unknown = True
            return self.known.of_unknown(node, self.used[node.name]) if self.used else kind
        return kind

    def _add(self, name: str, kind: int) -> int:
        """Append one op without inputs, whose name is not entered."""
        self.names.append(name)
        self.kinds.append(kind)
        self.first_output.append(self.first_output[-1] + self.known.sizes[kind])
        self.inputs.append(())
        return len(self.names) - 1

    def _place_call(self, node: Any, kind: int) -> None:
        op = self._add(node.name, self.known.of_outputs(node.op, (), tuple(node.attr)))
        outputs = self.known.table[kind].outputs
        if calls.is_loop(node.op):
            for index, dtype in enumerate(outputs):
                self._add("%s!variable#%d" % (node.name, index), self.known.of_outputs("_LoopVar", (dtype,)))
        self.based[op] = (self.first_output[-1], self.known.layouts[kind])
        self.scope.silent[node.name.encode()] = op
        if outputs:
            self.scope.tensors[node.name.encode()] = self.first_output[-1]
        merged = (entry("branches", i=calls.branch_count(node, self.known.table[kind])),)
        for index, dtype in enumerate(outputs):
            self._add("%s!result#%d" % (node.name, index), self.known.of_outputs("_Retval", (dtype,), merged))
        self.waiting.append((op, node))

    def _resolve_inputs(self, op: int, node: Any) -> Tuple[int, ...]:
        """Return the tensors that a node reads, if some of its input strings are new or are control inputs."""
        controls = [self.scope.op(text[1:], node.name) for text in node.input if text[:1] == "^"]
        if controls:
            self.controls[op] = tuple(controls)
        return tuple([self.scope.tensor(text, node.name, "reads") for text in node.input if text[:1] != "^"])

    def _connect_call(self, op: int, node: Any, kind: Kind, tensors: Sequence[int]) -> None:
        outputs = self.known.table[self.known.of_attrs(node.op, tuple(node.attr))].outputs
        count, loops = len(outputs), calls.is_loop(node.op)
        variables = tuple(range(op + 1, op + 1 + count)) if loops else ()
        start = op + 1 + len(variables)
        call = calls.make(
            op, kind, self.names[op], tensors, variables, tuple(range(start, start + count)), self.known.functions
        )
        self.calls.append(call)

    def _loop_inputs(self) -> Dict[int, Tuple[int, ...]]:
        """Return the heads of v1 loops with the inputs that come from the loop's end."""
        ends, heads = self.known.loop_ends, self.known.loop_heads
        looped = {self.first_output[op] for op, kind in enumerate(self.kinds) if kind in ends} if ends else ()
        loop_inputs = {}
        for op in (op for op, kind in enumerate(self.kinds) if kind in heads) if looped else ():
            indices = tuple(index for index, tensor in enumerate(self.inputs[op]) if tensor in looped)
            if indices:
                loop_inputs[op] = indices
        return loop_inputs


def _outputs(
    based: Mapping[int, Tuple[int, Layout]],
    first_output: Sequence[int],
    kinds: Sequence[int],
    layouts: Sequence[Layout],
    op: int,
) -> Tuple[int, Layout]:
    """Return the first output of an op and the layout of its outputs. For a call, these are the outputs of its results."""
    return based.get(op) or (first_output[op], layouts[kinds[op]])
