"""Decide whether a traced function is a training step: it takes gradients of variables, but not to compute its result.

A gradient penalty and a meta-learning loss take gradients, too, and compute their result from them. A step applies its
gradients, returns them, or returns something else.
"""

from __future__ import annotations

from typing import Any, Iterable, Optional, Sequence, Set

import tensorflow as tf

from graphcut.backend.live.variable_objects import function_variables, handle_of
from graphcut.backend.record import variable_writes
from graphcut.backend.record.gradient_calls import Note
from graphcut.graph.op_types import OPTIMIZERS
from graphcut.graph.traverse import walk_depth_first
from graphcut.util.source_lines import nearby

_HANDS_ON = ("Identity", "IdentityN")


def step_place(concrete: Any, notes: Sequence[Note]) -> Optional[str]:
    """Return where a traced function takes its gradients, in words, if it is a step; else ``None``."""
    own = [each for each in notes if each.of_variables]
    if not own:
        return "with an optimizer" if _is_trained(concrete.graph) else None
    answers = {tensor.op for each in own for tensor in each.answers}
    if _writes_trainable(concrete.graph) or not _is_computed_with(concrete.outputs, answers):
        place = own[0].where
        return own[0].api + (" at %s" % nearby(place) if place else "")
    return None


def _is_computed_with(outputs: Iterable[Any], answers: Set[Any]) -> bool:
    """Return whether a result is computed with a gradient; one that is a gradient itself is not."""
    ends = [_origin(each) for each in outputs if isinstance(each, tf.Tensor)]
    starts = [each for each in ends if each not in answers]
    return any(op in answers for op in walk_depth_first(starts, lambda op: [tensor.op for tensor in op.inputs]))


def _origin(tensor: Any) -> Any:
    op = tensor.op
    while op.type in _HANDS_ON and len(op.inputs) == 1:
        op = op.inputs[0].op
    return op


def _is_trained(graph: Any) -> bool:
    """Return whether an optimizer's op, or an op that uses a tape's gradient, writes a trainable variable."""
    ops = graph.get_operations()
    trains = any(op.type.startswith(OPTIMIZERS) or op.name.startswith("gradient_tape/") for op in ops)
    return trains and _writes_trainable(graph)


def _writes_trainable(graph: Any) -> bool:
    handles = {id(handle_of(each)) for each in function_variables(graph) if each.trainable}
    return not handles.isdisjoint(variable_writes.written_variables(graph))
