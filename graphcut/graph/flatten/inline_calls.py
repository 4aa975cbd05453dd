"""Expand calls: build one flat graph from bodies, with a copy for each call, to any depth, without recursion."""

from __future__ import annotations

from dataclasses import replace
from typing import AbstractSet, Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.flat import SEPARATOR, Call, Context, FlatGraph
from graphcut.graph.flatten import calls, function_body
from graphcut.graph.flatten.function_body import Body
from graphcut.graph.flatten.op_kinds import Kinds
from graphcut.graph.op_outputs import Signature
from graphcut.graph.variables import inert
from graphcut.util.gc import collector_paused

OpDefs = Callable[[str], Optional[Signature]]
_LONGEST_PREFIX = 400


def _none(op_type: str) -> Optional[Signature]:
    return None


def flatten(graph: Any, op_defs: OpDefs = _none, opaque: AbstractSet[str] = frozenset()) -> FlatGraph:
    """Return the flat graph of a ``RawGraph`` message.

    ``op_defs`` has the outputs of op types that are not in the table; calls of the functions in ``opaque`` are not expanded.
    """
    with collector_paused():
        functions = _functions(graph.library.function)
        kinds = Kinds(op_defs, functions, opaque)
        bodies = _bodies(function_body.of_graph(graph.node, kinds), functions, kinds)
        return _Opening(bodies, kinds).run()


def _functions(listed: Sequence[Any]) -> Dict[str, Any]:
    functions: Dict[str, Any] = {}
    for each in listed:
        first = functions.setdefault(each.signature.name, each)
        if first is not each and first != each:
            raise GraphcutError(
                "the graph's library has two functions named %s\ngraphcut cannot tell which of them is meant."
                % printable(each.signature.name)
            )
    return functions


def _bodies(root: Body, functions: Mapping[str, Any], kinds: Kinds) -> Dict[str, Body]:
    calls.check_outputs(root.first_output[-1], len(root.names))
    bodies, waiting = {"": root}, [root]
    while waiting:
        for name in _called_functions(waiting.pop()):
            if name not in bodies:
                bodies[name] = function_body.of_function(functions[name], kinds)
                waiting.append(bodies[name])
    if root.calls:
        calls.opened_sizes(
            "",
            {name: each.size for name, each in bodies.items()},
            {name: _called_functions(each) for name, each in bodies.items()},
        )
    return bodies


def _called_functions(each: Body) -> List[str]:
    return [function for call in each.calls for _, function in call.branches]


class _Opening:
    """The columns of the flat graph while bodies are appended to them."""

    def __init__(self, bodies: Mapping[str, Body], kinds: Kinds) -> None:
        self.bodies, self.known = bodies, kinds
        self.names: List[str] = []
        self.kinds: List[int] = []
        self.inputs: List[Tuple[int, ...]] = []
        self.controls: List[Tuple[int, ...]] = []
        self.first_output: List[int] = [0]
        self.contexts: List[int] = []
        self.context_table: List[Context] = []
        self.calls: List[Call] = []
        self.loop_inputs: Dict[int, Tuple[int, ...]] = {}
        self.shared: Dict[int, str] = {}

    def run(self) -> FlatGraph:
        self._append(self.bodies[""], "", -1)
        opened = 0
        while opened < len(self.calls):
            self._open(opened)
            opened += 1
        return self._flat()

    def _append(self, each: Body, prefix: str, context: int) -> Tuple[int, int]:
        """Append a copy of a body, and return its first op and first tensor."""
        ops, tensors = len(self.names), self.first_output[-1]
        self.names.extend([prefix + name for name in each.names] if prefix else each.names)
        self.kinds.extend(each.kinds)
        self.inputs.extend(
            [tuple([tensor + tensors for tensor in inputs]) for inputs in each.inputs] if tensors else each.inputs
        )
        self.controls.extend(
            [tuple([op + ops for op in controls]) if controls else () for controls in each.controls] if ops else each.controls
        )
        self.first_output.extend([number + tensors for number in each.first_output[1:]] if tensors else each.first_output[1:])
        self.contexts.extend([context] * len(each.names))
        self.loop_inputs.update({op + ops: indices for op, indices in each.loop_inputs.items()})
        self.shared.update({op + ops: name for op, name in each.shared.items()})
        self.calls.extend(_shift_call(call, ops, tensors) for call in each.calls)
        return ops, tensors

    def _open(self, index: int) -> None:
        call = self.calls[index]
        arguments, returns = [], []
        for label, function in call.branches:
            each = self.bodies[function]
            self.context_table.append(Context(index, function, label))
            context = len(self.context_table) - 1
            ops, tensors = self._append(each, self._prefix(call, label, context), context)
            arguments.append(tuple(range(ops, ops + each.arguments)))
            returns.append(tuple(tensor + tensors for tensor in each.returns))
        call = replace(call, arguments=tuple(arguments), returns=tuple(returns))
        self.calls[index] = call
        self._join_loop(call) if call.variables else self._join(call)
        self.controls[call.op] += call.results

    def _prefix(self, call: Call, label: str, context: int) -> str:
        name = self.names[call.op]
        if len(name) > _LONGEST_PREFIX:
            name = "%s…#%d" % (name[: _LONGEST_PREFIX // 2].rpartition(SEPARATOR)[0] or name[:20], context)
        return name + SEPARATOR + (label + SEPARATOR if label else "")

    def _join(self, call: Call) -> None:
        for arguments in call.arguments:
            for argument, tensor in zip(arguments, call.inputs):
                self.inputs[argument] = (tensor,)
        extra = () if call.predicate is None else (call.predicate,)
        for index, result in enumerate(call.results):
            self.inputs[result] = tuple(self._return(call, returns, index) for returns in call.returns) + extra

    def _join_loop(self, call: Call) -> None:
        condition, body_returns = call.returns
        for arguments in call.arguments:
            for argument, variable in zip(arguments, call.variables):
                self.inputs[argument] = (self.first_output[variable],)
        for index, (variable, result) in enumerate(zip(call.variables, call.results)):
            self.inputs[variable] = (call.inputs[index], self._return(call, body_returns, index))
            self.loop_inputs[variable] = (1,)
            self.inputs[result] = (self.first_output[variable], self._return(call, condition, 0))

    def _return(self, call: Call, returns: Sequence[int], index: int) -> int:
        if index < len(returns):
            return returns[index]
        raise GraphcutError(
            "op %s has %d outputs, its function returns %d" % (printable(self.names[call.op]), len(call.results), len(returns))
        )

    def _flat(self) -> FlatGraph:
        table = self.known.table
        outputs = [kind.outputs for kind in table]
        dtypes = [dtype for kind in self.kinds for dtype in outputs[kind]]
        producer = [op for op, kind in enumerate(self.kinds) for _ in outputs[kind]]
        flat = FlatGraph(
            _unique(self.names) if self.calls else self.names, self.kinds, tuple(table), self.inputs, self.controls,
            self.first_output, producer, dtypes,
            self.contexts, tuple(self.context_table), tuple(self.calls), self.loop_inputs, self.shared,
        )  # fmt: skip
        return replace(flat, undifferentiable=inert(flat))


def _shift_call(call: Call, ops: int, tensors: int) -> Call:
    return replace(
        call,
        op=call.op + ops,
        inputs=tuple(tensor + tensors for tensor in call.inputs),
        predicate=None if call.predicate is None else call.predicate + tensors,
        variables=tuple(op + ops for op in call.variables),
        results=tuple(op + ops for op in call.results),
    )


def _unique(names: List[str]) -> List[str]:
    """Return unique names, even if a file uses the separators that TensorFlow forbids."""
    if len(set(names)) == len(names):
        return names
    used: Set[str] = set()
    free = set(names)
    for index, name in enumerate(names):
        while names[index] in used or (names[index] != name and names[index] in free):
            names[index] += "#%d" % index
        used.add(names[index])
    return names
