"""One graph or function body as columns of its own, before calls are opened.

Ops and tensors are numbered within the body: arguments first, then the nodes in their order. A call, branch or loop
becomes its own node (no outputs), then one node for each loop variable, then one for each result.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import AbstractSet, Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from graphcut.dag import Call, Kind
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.reading import calls, signatures
from graphcut.reading.attrs import entry
from graphcut.reading.messages import CLASSES

PENDING = -1
_LOOP_END = ("NextIteration", "RefNextIteration")
_LOOP_HEAD = ("Merge", "RefMerge")
_ENTRY = CLASSES["AttrEntry"]


@dataclass
class Kinds:
    """The kinds met so far, shared by all bodies of one graph; with what tells an op's outputs."""

    op_defs: Mapping[str, signatures.Signature]
    functions: Mapping[str, Any]
    opaque: AbstractSet[str] = frozenset()
    table: List[Kind] = field(default_factory=list)
    index: Dict[Any, int] = field(default_factory=dict)
    layouts: List[Tuple[Tuple[str, Tuple[int, ...]], ...]] = field(default_factory=list)

    def of_node(self, node: Any) -> int:
        """The index of a node's kind."""
        key = (node.op, tuple(node.attr))
        found = self.index.get(key)
        return self._add(key, self._layout(*key)) if found is None else found

    def of_outputs(self, op_type: str, outputs: Tuple[int, ...], attrs: Tuple[bytes, ...] = ()) -> int:
        """The index of the kind of a node that graphcut adds: ``_Arg``, ``_Retval``, ``_LoopVar``."""
        key = (op_type, attrs, outputs)
        found = self.index.get(key)
        return self._add(key, (("output", outputs),)) if found is None else found

    def _add(self, key: Any, layout: Tuple[Tuple[str, Tuple[int, ...]], ...]) -> int:
        outputs = tuple(dtype for _, dtypes in layout for dtype in dtypes)
        self.index[key] = len(self.table)
        self.table.append(Kind(key[0], key[1], outputs))
        self.layouts.append(layout)
        return self.index[key]

    def _layout(self, op_type: str, attrs: Tuple[bytes, ...]) -> Tuple[Tuple[str, Tuple[int, ...]], ...]:
        if op_type in self.functions:
            return tuple((arg.name, (arg.type,)) for arg in self.functions[op_type].signature.output_arg)
        values = {each.key: each.value for each in map(_ENTRY.FromString, attrs)}
        signature = self.op_defs.get(op_type) or signatures.known(op_type)
        return guessed(values) if signature is None else signatures.layout(signature, values)


def guessed(values: Mapping[str, Any]) -> Tuple[Tuple[str, Tuple[int, ...]], ...]:
    """One output of the dtype that ``T`` or ``dtype`` names: all that is left for an op type nobody knows."""
    for name in ("Tout", "T", "dtype"):
        if name in values:
            return (("output", tuple(values[name].list.type) or (values[name].type,)),)
    return (("output", (0,)),)


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


def of_graph(nodes: Sequence[Any], kinds: Kinds) -> Body:
    """The body that a graph's nodes make."""
    return _Builder("", kinds).build((), nodes, ())


def of_function(function: Any, kinds: Kinds) -> Body:
    """The body of a ``FunctionDef``."""
    signature = function.signature
    ret = [function.ret[arg.name] if arg.name in function.ret else _missing_return(signature.name, arg.name) for arg in signature.output_arg]
    return _Builder(signature.name, kinds).build(signature.input_arg, function.node_def, ret)


def _missing_return(function: str, name: str) -> Any:
    raise GraphcutError("function %s promises a result %s and returns none of that name" % (printable(function), printable(name)))


class _Builder:
    """The columns while they are being laid out; dropped once the ``Body`` is complete."""

    def __init__(self, name: str, kinds: Kinds) -> None:
        self.name, self.known = name, kinds
        self.names: List[str] = []
        self.kinds: List[int] = []
        self.first: List[int] = [0]
        self.inputs: List[Tuple[int, ...]] = []
        self.controls: List[Tuple[int, ...]] = []
        self.tensors: Dict[str, int] = {}
        self.ops: Dict[str, int] = {}
        self.layouts: Dict[str, Tuple[int, int]] = {}
        self.calls: List[Call] = []

    def build(self, arguments: Iterable[Any], nodes: Sequence[Any], ret: Iterable[str]) -> Body:
        for arg in arguments:
            self._add(arg.name, self.known.of_outputs("_Arg", (arg.type,)))
            self._name(arg.name, len(self.names) - 1, PENDING)
        count = len(self.names)
        placed = [self._place(node) for node in nodes]
        for op, node in zip(placed, nodes):
            self._connect(op, node)
        return Body(
            self.name, self.names, self.kinds, self.inputs, self.controls, self.first, count,
            tuple(self._tensor(text, self.name, "returns") for text in ret), tuple(self.calls), self._loop_inputs(),
        )  # fmt: skip

    def _add(self, name: str, kind: int) -> int:
        self.names.append(name)
        self.kinds.append(kind)
        self.first.append(self.first[-1] + len(self.known.table[kind].outputs))
        self.inputs.append(())
        self.controls.append(())
        return len(self.names) - 1

    def _name(self, name: str, op: int, kind: int, base: int = PENDING) -> None:
        if name in self.ops or not name:
            raise GraphcutError(
                "%s has %s\nEach op needs a name of its own; the file is damaged or was edited by hand."
                % (self._place_name(), "two ops named " + printable(name) if name else "an op without a name")
            )
        self.ops[name] = op
        self.tensors[name] = self.first[op] if base == PENDING else base
        self.layouts[name] = (kind, self.tensors[name])

    def _place_name(self) -> str:
        return "function " + printable(self.name) if self.name else "the graph"

    def _place(self, node: Any) -> int:
        kind = self.known.of_node(node)
        if not self._opens(node.op):
            op = self._add(node.name, kind)
            self._name(node.name, op, kind)
            return op
        op = self._add(node.name, self.known.of_outputs(node.op, (), tuple(node.attr)))
        outputs = self.known.table[kind].outputs
        if calls.is_loop(node.op):
            for index, dtype in enumerate(outputs):
                self._add("%s!variable#%d" % (node.name, index), self.known.of_outputs("_LoopVar", (dtype,)))
        base = self.first[-1]
        merged = (entry("branches", i=calls.branch_count(node, self.known.table[kind])),)
        for index, dtype in enumerate(outputs):
            self._add("%s!result#%d" % (node.name, index), self.known.of_outputs("_Retval", (dtype,), merged))
        self._name(node.name, op, kind, base)
        return op

    def _opens(self, op_type: str) -> bool:
        return op_type not in self.known.opaque and calls.is_call(op_type, self.known.functions)

    def _connect(self, op: int, node: Any) -> None:
        tensors, controls = [], []
        known = self.tensors
        for text in node.input:
            tensor = known.get(text)
            if tensor is not None:
                tensors.append(tensor)
            elif text[:1] == "^":
                controls.append(self._op(text[1:], node.name))
            else:
                tensors.append(self._tensor(text, node.name, "reads"))
        kind = self.known.table[self.kinds[op]]
        if self._opens(node.op):
            tensors = self._connect_call(op, node, kind, tensors)
        self.inputs[op] = tuple(tensors)
        if controls:
            self.controls[op] = tuple(controls)

    def _connect_call(self, op: int, node: Any, kind: Kind, tensors: List[int]) -> List[int]:
        outputs = self.known.table[self.known.of_node(node)].outputs
        count, loops = len(outputs), calls.is_loop(node.op)
        variables = tuple(range(op + 1, op + 1 + count)) if loops else ()
        start = op + 1 + len(variables)
        call = calls.make(op, kind, self.names[op], tensors, variables, tuple(range(start, start + count)), self.known.functions)
        self.calls.append(call)
        return []

    def _op(self, name: str, reader: str) -> int:
        if name in self.ops:
            return self.ops[name]
        raise self._unknown(name, reader, "waits for")

    def _unknown(self, name: str, reader: str, verb: str) -> GraphcutError:
        hint = near_names(name, self.ops) if len(self.ops) < 20000 else ""
        return GraphcutError(
            "op %s %s %s, and there is no such op in %s%s\nThe file is damaged, or an op was removed without its consumers."
            % (printable(reader), verb, printable(name), self._place_name(), hint)
        )

    def _tensor(self, text: str, reader: str, verb: str) -> int:
        """The tensor an input string names: ``op``, ``op:1``, in functions ``op:output_arg:1``; remembered."""
        if text in self.tensors:
            return self.tensors[text]
        name, _, rest = text.partition(":")
        if name not in self.ops:
            raise self._unknown(name, reader, verb)
        kind, base = self.layouts[name]
        offset = self._offset(kind, rest)
        if offset is None:
            raise GraphcutError(
                "op %s %s %s, and that op has no such output\nThe file is damaged, or was written by another version of the op."
                % (printable(reader), verb, printable(text))
            )
        self.tensors[text] = base + offset
        return base + offset

    def _offset(self, kind: int, rest: str) -> Optional[int]:
        layout = (("", (0,)),) if kind == PENDING else self.known.layouts[kind]
        arg, _, number = rest.rpartition(":")
        index = int(number) if number.isdigit() else -1
        before = 0
        for name, dtypes in layout:
            if arg in ("", name):
                size = len(dtypes) if arg else sum(len(each) for _, each in layout)
                return before + index if 0 <= index < size else None
            before += len(dtypes)
        return None

    def _loop_inputs(self) -> Dict[int, Tuple[int, ...]]:
        table = self.known.table
        heads = {kind for kind, each in enumerate(table) if each.type in _LOOP_HEAD}
        ends = {kind for kind, each in enumerate(table) if each.type in _LOOP_END}
        looped = {tensor: None for op, kind in enumerate(self.kinds) if kind in ends for tensor in range(self.first[op], self.first[op + 1])}
        found = {op: tuple(i for i, tensor in enumerate(self.inputs[op]) if tensor in looped) for op, kind in enumerate(self.kinds) if kind in heads}
        return {op: indices for op, indices in found.items() if indices}
