"""Mark conditionals and loops of eager code, which Python runs itself when the code runs eagerly.

A trace makes an op of each. TensorFlow's gradient of such an op is zeros for variables that its branches or its body do not
use, whereas an eager tape records the ops that run and answers ``None``. An attribute of the op marks those of eager code.
"""

from __future__ import annotations

from typing import Any, Tuple

from graphcut.graph.attrs import attribute, entry
from graphcut.graph.flat import Kind
from graphcut.graph.flatten.calls import branches
from graphcut.graph.messages import CLASSES
from graphcut.graph.op_types import CALLS, CASES, IFS, LOOPS

_MARK = "_graphcut_runs_in_python"
_WRAPPER = "cflow_gradient_wrapper"  # control_flow_util_v2.run_as_function_for_tape_gradients


def mark_eager_calls(written: bytes) -> bytes:
    """Return a graph with its conditionals and loops marked, including those in their bodies."""
    message = CLASSES["Graph"].FromString(written)
    bodies = {each.signature.name: each.node_def for each in message.library.function}
    waiting, visited, count = [message.node], set(), 0
    for nodes in waiting:
        for node in filter(_is_control_flow, nodes):
            called = [name for _, name in _branches(node) if name in bodies and name not in visited]
            visited.update(called)
            waiting.extend(bodies[name] for name in called)
            node.attr.append(entry(_MARK, b=True))
            count += 1
    return bytes(message.SerializeToString()) if count else written


def has_eager_calls(written: bytes) -> bool:
    """Return whether a graph has any mark."""
    return _MARK.encode() in written


def is_eager_call(kind: Kind) -> bool:
    """Return whether ops of this kind have the mark."""
    return attribute(kind, _MARK) is not None


def _is_control_flow(node: Any) -> bool:
    """Return whether a node is a conditional or a loop, or the call that TensorFlow wraps one in for a persistent tape."""
    if node.op in CALLS:
        return any(_WRAPPER in name for _, name in _branches(node))
    return node.op in IFS or node.op in CASES or node.op in LOOPS


def _branches(node: Any) -> Tuple[Tuple[str, str], ...]:
    return branches(Kind(node.op, tuple(node.attr), ()))
