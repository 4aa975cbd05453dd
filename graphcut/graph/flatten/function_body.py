"""One graph or function body as columns, before its calls are expanded.

Ops and tensors are numbered within the body: arguments first, then the nodes in their order. A call, branch or loop
becomes its own node (no outputs), then one node for each loop variable, then one for each result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.attrs import entry
from graphcut.graph.flat import Call, Kind
from graphcut.graph.flatten import calls
from graphcut.graph.flatten.input_names import NO_OUTPUT, Namespace
from graphcut.graph.flatten.op_kinds import Kinds, Layout, unknown_outputs


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


def of_graph(nodes: Sequence[Any], kinds: Kinds) -> Body:
    """Return the body that consists of a graph's nodes."""
    return _Builder("", kinds).build((), list(nodes), ())


def of_function(function: Any, kinds: Kinds) -> Body:
    """Return the body of a ``FunctionDef``."""
    signature = function.signature
    ret = [
        function.ret[arg.name] if arg.name in function.ret else _missing_return(signature.name, arg.name)
        for arg in signature.output_arg
    ]
    return _Builder(signature.name, kinds).build(signature.input_arg, list(function.node_def), ret)


def _missing_return(function: str, name: str) -> Any:
    raise GraphcutError("function %s declares a result %s but does not return it" % (printable(function), printable(name)))


class _Builder:
    """The columns during construction; dropped when the ``Body`` is complete."""

    def __init__(self, name: str, kinds: Kinds) -> None:
        self.name, self.known = name, kinds
        self.names: List[str] = []
        self.kinds: List[int] = []
        self.first_output: List[int] = [0]
        self.inputs: List[Tuple[int, ...]] = []
        self.controls: List[Tuple[int, ...]] = []
        self.calls: List[Call] = []
        self.based: Dict[int, Tuple[int, Layout]] = {}
        self.scope = Namespace(name, partial(_outputs, self.based, self.first_output, self.kinds, kinds.layouts))

    def build(self, arguments: Iterable[Any], nodes: Sequence[Any], ret: Iterable[str]) -> Body:
        listed = [(arg.name, self.known.of_outputs("_Arg", (arg.type,))) for arg in arguments]
        self._extend([name for name, _ in listed], [kind for _, kind in listed])
        count = len(self.names)
        kinds = self._kinds(nodes)
        placed = self._place([node.name for node in nodes], kinds, nodes)
        self._connect(placed, nodes)
        return Body(
            self.name, self.names, self.kinds, self.inputs, self.controls, self.first_output, count,
            tuple(self.scope.tensor(text, self.name, "returns") for text in ret), tuple(self.calls), self._loop_inputs(),
            self.known.shared_names(zip(placed, kinds, nodes)),
        )  # fmt: skip

    def _kinds(self, nodes: Sequence[Any]) -> List[int]:
        kinds = self.known.of_nodes(nodes)
        used = unknown_outputs(nodes, self.known.unknown)
        for index, node in enumerate(nodes) if used else ():
            if node.name in used:
                kinds[index] = self.known.of_unknown(node, used[node.name])
        return kinds

    def _add(self, name: str, kind: int) -> int:
        """Append one op that has no name."""
        self.names.append(name)
        self.kinds.append(kind)
        self.first_output.append(self.first_output[-1] + self.known.sizes[kind])
        self.inputs.append(())
        self.controls.append(())
        return len(self.names) - 1

    def _extend(self, names: Sequence[str], kinds: Sequence[int]) -> range:
        """Append many ops and their names at once."""
        sizes = self.known.sizes
        ops = range(len(self.names), len(self.names) + len(names))
        firsts = list(accumulate([self.first_output.pop(), *[sizes[kind] for kind in kinds]]))
        self.names.extend(names)
        self.kinds.extend(kinds)
        self.first_output.extend(firsts)
        self.inputs.extend([()] * len(names))
        self.controls.extend([()] * len(names))
        self.scope.extend(names, ops, [first if sizes[kind] else NO_OUTPUT for first, kind in zip(firsts, kinds)])
        return ops

    def _place(self, names: List[str], kinds: List[int], nodes: Sequence[Any]) -> List[int]:
        """Return the op of each node; between two calls all at once."""
        opens, start = self.known.opens, 0
        placed: List[int] = []
        for stop in [index for index, kind in enumerate(kinds) if opens[kind]]:
            placed.extend(self._extend(names[start:stop], kinds[start:stop]))
            placed.append(self._place_call(nodes[stop], kinds[stop]))
            start = stop + 1
        placed.extend(self._extend(names[start:], kinds[start:]))
        return placed

    def _place_call(self, node: Any, kind: int) -> int:
        op = self._add(node.name, self.known.of_outputs(node.op, (), tuple(node.attr)))
        outputs = self.known.table[kind].outputs
        if calls.is_loop(node.op):
            for index, dtype in enumerate(outputs):
                self._add("%s!variable#%d" % (node.name, index), self.known.of_outputs("_LoopVar", (dtype,)))
        base = self.first_output[-1]
        merged = (entry("branches", i=calls.branch_count(node, self.known.table[kind])),)
        for index, dtype in enumerate(outputs):
            self._add("%s!result#%d" % (node.name, index), self.known.of_outputs("_Retval", (dtype,), merged))
        self.based[op] = (base, self.known.layouts[kind])
        self.scope.extend([node.name], [op], [base if outputs else NO_OUTPUT])
        return op

    def _connect(self, placed: Sequence[int], nodes: Sequence[Any]) -> None:
        known, inputs = self.scope.tensors, self.inputs
        for op, node in zip(placed, nodes):
            try:
                inputs[op] = tuple([known[text] for text in node.input])
            except KeyError:
                inputs[op] = self._resolve_inputs(op, node)
            if op in self.based:
                self._connect_call(op, node, self.known.table[self.kinds[op]], inputs[op])
                inputs[op] = ()

    def _resolve_inputs(self, op: int, node: Any) -> Tuple[int, ...]:
        """Return the tensors that a node reads, if some of its input strings are new or are control inputs."""
        controls = [self.scope.op(text[1:], node.name) for text in node.input if text[:1] == "^"]
        if controls:
            self.controls[op] = tuple(controls)
        return tuple([self.scope.tensor(text, node.name, "reads") for text in node.input if text[:1] != "^"])

    def _connect_call(self, op: int, node: Any, kind: Kind, tensors: Sequence[int]) -> None:
        outputs = self.known.table[self.known.of_nodes([node])[0]].outputs
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
        found = {}
        for op in (op for op, kind in enumerate(self.kinds) if kind in heads) if looped else ():
            indices = tuple(index for index, tensor in enumerate(self.inputs[op]) if tensor in looped)
            if indices:
                found[op] = indices
        return found


def _outputs(
    based: Mapping[int, Tuple[int, Layout]],
    first_output: Sequence[int],
    kinds: Sequence[int],
    layouts: Sequence[Layout],
    op: int,
) -> Tuple[int, Layout]:
    """Return the first output of an op and the layout of its outputs. The outputs of a call are those of its results."""
    return based.get(op) or (first_output[op], layouts[kinds[op]])
