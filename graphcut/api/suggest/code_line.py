"""The line of code that a suggestion means, made from the line that is there where it can be read."""

from __future__ import annotations

import ast
import re
from typing import Iterator, Optional, Sequence

from graphcut.analysis.barrier_edges import Fence
from graphcut.analysis.graph_edits import readers_of
from graphcut.analysis.regions.transfer import JOINING
from graphcut.analysis.rules.oracle import FLOATS
from graphcut.graph.flat import REF, SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.variables import READERS, root
from graphcut.results import BarrierKind
from graphcut.util.source_lines import line_of

_REWRITTEN = {
    BarrierKind.STOP_GRADIENT: "{x}",
    BarrierKind.NOT_DIFFERENTIABLE: "({x} + tf.stop_gradient({whole} - {x}))",
}
_OPENED = {
    BarrierKind.STOP_GRADIENT: "{own} = {x}",
    BarrierKind.PREVENT_GRADIENT: "{own} = {x}",
    BarrierKind.STOP_ARGUMENT: "tf.gradients(loss, variables)",
    BarrierKind.NOT_DIFFERENTIABLE: "{x} + tf.stop_gradient({op}({x}) - {x})",
    BarrierKind.NO_GRADIENT: '@tf.RegisterGradient("{type}")',
    BarrierKind.INPUT: "tf.matmul(tf.nn.softmax({x}), values)",
    BarrierKind.DTYPE: "tf.nn.softmax({x})",
    BarrierKind.ZERO: "{own} = {x}",
    BarrierKind.CUSTOM_GRADIENT: "return result, lambda gradient: gradient",
    BarrierKind.STATE: "{own} = {x}",
    BarrierKind.PYTHON: "tf.py_function(function, [{x}], tf.float32)",
    BarrierKind.OUTSIDE_TAPE: "with tf.GradientTape() as tape:  # and {x} is computed inside",
    BarrierKind.NOT_WATCHED: "tape.watch({x})",
}


_SOFT = {
    "ArgMax": "tf.nn.softmax(k * {0})",
    "ArgMin": "tf.nn.softmax(-k * {0})",
    "Equal": "tf.exp(-k * tf.square({0} - {1}))",
    "Greater": "tf.sigmoid(k * ({0} - {1}))",
    "GreaterEqual": "tf.sigmoid(k * ({0} - {1}))",
    "Less": "tf.sigmoid(k * ({1} - {0}))",
    "LessEqual": "tf.sigmoid(k * ({1} - {0}))",
    "NotEqual": "1 - tf.exp(-k * tf.square({0} - {1}))",
    "LogicalAnd": "{0} * {1}",
    "LogicalOr": "{0} + {1} - {0} * {1}",
    "LogicalNot": "1.0 - {0}",
    "OneHot": "{0}  # soft weights already, in place of {own}",
}
_NUMBERS = ("Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual")
_FLOAT = "{x}  # a float, in place of {own}"


def stopping_lines(traced: LoadedGraph, tensors: Sequence[int]) -> Iterator[str]:
    """For each tensor ``h = tf.stop_gradient(h)``, to be written behind the line that makes it."""
    flat, wanted = traced.flat, frozenset(tensors)
    readers = readers_of(flat, lambda op, index: flat.inputs[op][index] in wanted)
    names = {each: known.name for known in traced.variables for name in known.tensors for each in traced.names.tensors(name)}
    for tensor in tensors:
        where = traced.place(flat.producer[tensor])[0]
        last = where is not None and all(traced.place(op)[0] != where for op, _ in readers.get(tensor, ()))
        yield _stopping(flat, tensor, names.get(_handle(flat, tensor)), line_of(where) if last else "")


def _stopping(flat: FlatGraph, tensor: int, variable: Optional[str], line: str) -> str:
    """The line for one tensor; ``variable`` is what it is the value of, ``line`` the one to be changed, where it can be."""
    if variable is not None:
        return "tf.stop_gradient(%s)  # where %s is read" % (identifier(variable), variable)
    statement = _statement(line)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return "{0} = tf.stop_gradient({0})".format(statement.targets[0].id)
    if isinstance(statement, ast.Return):
        return "return tf.stop_gradient(%s)" % line[len("return") :].strip()
    name = identifier(flat.names[flat.producer[tensor]])
    return f"{name} = tf.stop_gradient({name})  # {flat.tensor_name(tensor)}"


def _handle(flat: FlatGraph, tensor: int) -> int:
    """The variable's handle where a tensor is read of one, else the tensor."""
    op = flat.producer[tensor]
    reads = flat.type(op) in READERS | {"Identity"} and flat.inputs[op]
    return root(flat, flat.inputs[op][0]) if reads else tensor


def opening_line(traced: LoadedGraph, fence: Fence, where: Optional[str]) -> str:
    """The line without the barrier: the stop taken out of it, or what carries a gradient in its place."""
    flat = traced.flat
    op = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", flat.type(fence.op)).lower()
    if _is_choice(flat, fence):
        return _soft(traced, fence)
    written = _rewritten(line_of(where), op, fence.kind)
    if written is not None:
        return written
    x = _called(traced, flat.inputs[fence.op][fence.input])
    own = identifier(flat.names[fence.op])
    if fence.kind is BarrierKind.ZERO and flat.type(fence.op) in JOINING:
        return f"tf.reduce_sum({x})  # the loss reads other pieces of {own} alone"
    return _OPENED[fence.kind].format(own=own, x=x, op="tf." + op, type=flat.type(fence.op))


def _is_choice(flat: FlatGraph, fence: Fence) -> bool:
    """Whether the op takes or makes no float: what goes straight through it would be none either."""
    made = [flat.dtypes[tensor] % REF for tensor in flat.outputs(fence.op)]
    discrete = flat.type(fence.op) in _SOFT or FLOATS.isdisjoint(made)
    return fence.kind is BarrierKind.NOT_DIFFERENTIABLE and discrete


def _soft(traced: LoadedGraph, fence: Fence) -> str:
    """What makes a float in place of a choice."""
    flat = traced.flat
    read = [_called(traced, tensor) for tensor in flat.inputs[fence.op]]
    own = identifier(flat.names[fence.op])
    if flat.type(fence.op) in _NUMBERS:  # a choice that was made soft is a float, what it is compared with is none yet
        whole = [not FLOATS.issuperset([flat.dtypes[tensor] % REF]) for tensor in flat.inputs[fence.op]]
        read = [f"tf.cast({name}, tf.float32)" if each else name for name, each in zip(read, whole)]
    return _SOFT.get(flat.type(fence.op), _FLOAT).format(*read, x=read[fence.input], own=own)


def _called(traced: LoadedGraph, tensor: int) -> str:
    """What code may call a tensor: by the variable that it is the value of, else by its op."""
    flat = traced.flat
    handle = flat.tensor_name(_handle(flat, tensor))
    name = next((each.name for each in traced.variables if handle in each.tensors), "")
    return identifier(name or flat.names[flat.producer[tensor]])


def _rewritten(line: str, op: str, barrier: BarrierKind) -> Optional[str]:
    """The line with its one call of ``op`` replaced; ``None`` where there is no such call, or where it takes more."""
    calls = list(re.finditer(r"(?<![\w.])(?:\w+\.)*%s\(" % op, line))
    end = _closing(line, calls[0].end()) if len(calls) == 1 and barrier in _REWRITTEN else None
    x = line[calls[0].end() : end].strip() if end is not None else ""
    if end is None or _parsed(x) is None:
        return None
    before, after = line[: calls[0].start()], line[end + 1 :]
    made = _REWRITTEN[barrier].format(whole=line[calls[0].start() : end + 1], x=_bracketed(x))
    alone = not after and before.endswith(("= ", "return "))
    made = made[1:-1] if alone and made.startswith("(") and _parsed(made[1:-1]) is not None else made
    return before + made + after if _statement(before + made + after) is not None else None


def _bracketed(expression: str) -> str:
    """An expression that can stand next to an operator."""
    whole = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)
    return expression if isinstance(_parsed(expression), whole) else f"({expression})"


def _parsed(text: str) -> Optional[ast.expr]:
    """One expression; ``None`` where the text is none, or several."""
    try:
        found = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # the last two: brackets nested too deep
        return None
    return None if isinstance(found, ast.Tuple) else found


def _closing(line: str, start: int) -> Optional[int]:
    """Where the bracket closes that is open at ``start``."""
    depth = 1
    for place in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[place], 0)
        if not depth:
            return place
    return None


def identifier(name: str) -> str:
    """The last piece of a name, as Python may have it: ``kernel`` of ``dense/kernel``."""
    last = re.sub(r"\W", "_", re.split(r"[/%s]" % re.escape(SEPARATOR), name)[-1])
    return last if last.isidentifier() else "x_" + last


def _statement(line: str) -> Optional[ast.stmt]:
    """The one statement in a line; ``None`` where the line is but a part of one."""
    try:
        body = ast.parse(line).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # the last two: brackets nested too deep
        return None
    return body[0] if len(body) == 1 else None
