"""One graph or function body as columns of its own, before calls are opened.

Ops and tensors are numbered within the body: arguments first, then the nodes in their order. A call, branch or loop
becomes its own node (no outputs), then one node for each loop variable, then one for each result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from graphcut.dag import Call, Kind
from graphcut.errors import GraphcutError, printable
from graphcut.reading import calls
from graphcut.reading.attrs import entry
from graphcut.reading.kinds import Kinds, Layout, unknown_outputs
from graphcut.reading.namespace import NO_OUTPUT, Namespace


@dataclass(frozen=True)
class Body:
    """Columns of one body. ``arguments`` are its first ops; ``returns`` the tensors it returns, in order."""

    name: str
    names: Sequence[str]
    kinds: Sequence[int]
    inputs: Sequence[Tuple[int, ...]]
    controls: Sequence[Tuple[int, ...]]
    first: Sequence[int]
    arguments: int
    returns: Tuple[int, ...]
    calls: Tuple[Call, ...]
    loop_inputs: Dict[int, Tuple[int, ...]]

    @property
    def size(self) -> int:
        """How many ops, tensors or edges it has, whichever are most."""
        return max(len(self.names), self.first[-1], sum(map(len, self.inputs)))


def of_graph(nodes: Sequence[Any], kinds: Kinds) -> Body:
    """The body that a graph's nodes make."""
    return _Builder("", kinds).build((), nodes, ())


def of_function(function: Any, kinds: Kinds) -> Body:
    """The body of a ``FunctionDef``."""
    signature = function.signature
    ret = [
        function.ret[arg.name] if arg.name in function.ret else _missing_return(signature.name, arg.name)
        for arg in signature.output_arg
    ]
    return _Builder(signature.name, kinds).build(signature.input_arg, function.node_def, ret)


def _missing_return(function: str, name: str) -> Any:
    raise GraphcutError(
        "function %s promises a result %s and returns none of that name" % (printable(function), printable(name))
    )


class _Builder:
    """The columns while they are being laid out; dropped once the ``Body`` is complete."""

    def __init__(self, name: str, kinds: Kinds) -> None:
        self.name, self.known = name, kinds
        self.names: List[str] = []
        self.kinds: List[int] = []
        self.first: List[int] = [0]
        self.inputs: List[Tuple[int, ...]] = []
        self.controls: List[Tuple[int, ...]] = []
        self.calls: List[Call] = []
        self.based: Dict[int, Tuple[int, Layout]] = {}
        self.scope = Namespace(name, self._outputs)

    def build(self, arguments: Iterable[Any], nodes: Sequence[Any], ret: Iterable[str]) -> Body:
        for arg in arguments:
            self.scope.add(arg.name, self._add(arg.name, self.known.of_outputs("_Arg", (arg.type,))), self.first[-2])
        count = len(self.names)
        used = unknown_outputs(nodes, self.known)
        placed = [self._place(node, used.get(node.name)) for node in nodes]
        for op, node in zip(placed, nodes):
            self._connect(op, node)
        return Body(
            self.name, self.names, self.kinds, self.inputs, self.controls, self.first, count,
            tuple(self.scope.tensor(text, self.name, "returns") for text in ret), tuple(self.calls), self._loop_inputs(),
        )  # fmt: skip

    def _outputs(self, op: int) -> Tuple[int, Layout]:
        """The first output of an op and how its outputs are laid out; those of a call are its results'."""
        return self.based.get(op) or (self.first[op], self.known.layouts[self.kinds[op]])

    def _add(self, name: str, kind: int) -> int:
        self.names.append(name)
        self.kinds.append(kind)
        self.first.append(self.first[-1] + self.known.sizes[kind])
        self.inputs.append(())
        self.controls.append(())
        return len(self.names) - 1

    def _place(self, node: Any, outputs_used: Optional[int]) -> int:
        kind = self.known.of_node(node) if outputs_used is None else self.known.of_unknown(node, outputs_used)
        if self.known.opens[kind]:
            return self._place_call(node, kind)
        name = node.name
        op = self._add(name, kind)
        first = self.first
        self.scope.add(name, op, first[op] if first[op] != first[op + 1] else NO_OUTPUT)
        return op

    def _place_call(self, node: Any, kind: int) -> int:
        op = self._add(node.name, self.known.of_outputs(node.op, (), tuple(node.attr)))
        outputs = self.known.table[kind].outputs
        if calls.is_loop(node.op):
            for index, dtype in enumerate(outputs):
                self._add("%s!variable#%d" % (node.name, index), self.known.of_outputs("_LoopVar", (dtype,)))
        base = self.first[-1]
        merged = (entry("branches", i=calls.branch_count(node, self.known.table[kind])),)
        for index, dtype in enumerate(outputs):
            self._add("%s!result#%d" % (node.name, index), self.known.of_outputs("_Retval", (dtype,), merged))
        self.based[op] = (base, self.known.layouts[kind])
        self.scope.add(node.name, op, base if outputs else NO_OUTPUT)
        return op

    def _connect(self, op: int, node: Any) -> None:
        known = self.scope.tensors
        try:
            tensors = [known[text] for text in node.input]
        except KeyError:
            tensors = self._resolved(op, node)
        if op in self.based:
            self._connect_call(op, node, self.known.table[self.kinds[op]], tensors)
        else:
            self.inputs[op] = tuple(tensors)

    def _resolved(self, op: int, node: Any) -> List[int]:
        """The tensors that a node reads, where some are not yet known by their string or are control inputs."""
        controls = [self.scope.op(text[1:], node.name) for text in node.input if text[:1] == "^"]
        if controls:
            self.controls[op] = tuple(controls)
        return [self.scope.tensor(text, node.name, "reads") for text in node.input if text[:1] != "^"]

    def _connect_call(self, op: int, node: Any, kind: Kind, tensors: List[int]) -> None:
        outputs = self.known.table[self.known.of_node(node)].outputs
        count, loops = len(outputs), calls.is_loop(node.op)
        variables = tuple(range(op + 1, op + 1 + count)) if loops else ()
        start = op + 1 + len(variables)
        call = calls.make(
            op, kind, self.names[op], tensors, variables, tuple(range(start, start + count)), self.known.functions
        )
        self.calls.append(call)

    def _loop_inputs(self) -> Dict[int, Tuple[int, ...]]:
        """The heads of v1 loops with the inputs that come from the loop's end."""
        ends, heads = self.known.loop_ends, self.known.loop_heads
        looped = {self.first[op] for op, kind in enumerate(self.kinds) if kind in ends} if ends else ()
        found = {}
        for op in (op for op, kind in enumerate(self.kinds) if kind in heads) if looped else ():
            indices = tuple(index for index, tensor in enumerate(self.inputs[op]) if tensor in looped)
            if indices:
                found[op] = indices
        return found
