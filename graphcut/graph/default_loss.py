"""The default loss: the loss to use if the user names none, and how it was found."""

from __future__ import annotations

from typing import AbstractSet, Iterator, List, Optional, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.backward_part import backward_part, differentiated_losses, trains
from graphcut.graph.dtypes import COMPLEX, REAL_FLOATS, VARIANT, base_dtype
from graphcut.graph.flat import FlatGraph, ops_of_kinds
from graphcut.graph.float_walks import upstream
from graphcut.graph.metadata import GraphMetadata
from graphcut.graph.names import Names
from graphcut.graph.op_types import READERS
from graphcut.graph.rewrites import FROZEN, signs
from graphcut.graph.traverse import walk_depth_first
from graphcut.graph.variable_updates import training_part
from graphcut.graph.variables import root, variable_handles
from graphcut.graph.writing_ops import writes
from graphcut.util.text import join_first

Chosen = Tuple[Tuple[int, ...], str]
BACKWARD = "the graph's own backward part"
_NAMED = 6


def default_loss(flat: FlatGraph, names: Names, origin: GraphMetadata) -> Chosen:
    """Return the tensors of the loss, and how it was chosen in words. If none can be chosen, raise an error with candidates.

    The loss of a backward part that trains something takes precedence over the outputs, unless a signature was requested: the
    output of a graph that was saved during training is its prediction. So does a loss beyond the outputs of a file, whose
    gradients Python fetches.
    """
    return (
        (None if origin.asks_for_outputs else _trained_loss(flat, names) or _fetched_loss(flat, names, origin))
        or _only_output(names, origin)
        or _differentiated_loss(flat, names)
        or _collected_loss(names, origin)
        or _only_candidate(flat, names, origin)
        or _refuse(flat, names, origin)
    )


def _only_output(names: Names, origin: GraphMetadata) -> Optional[Chosen]:
    tensors = [tensor for name in origin.outputs.values() for tensor in names.tensors(name)]
    floats = [tensor for tensor in dict.fromkeys(tensors) if base_dtype(names.flat.dtypes[tensor]) in REAL_FLOATS]
    if len(floats) == 1:
        return tuple(floats), "the only float output"
    return (tuple(tensors), "the only output") if len(tensors) == 1 else None


def _trained_loss(flat: FlatGraph, names: Names) -> Optional[Chosen]:
    """Return the loss of the backward part whose gradients train something."""
    calls = backward_part(flat, names).calls
    return _differentiated_loss(flat, names) if any(call.loss and trains(flat, call) for call in calls) else None


def _fetched_loss(flat: FlatGraph, names: Names, origin: GraphMetadata) -> Optional[Chosen]:
    """Return the only loss of a file that is differentiated if no output is computed from it or from its gradients."""
    ends = [tensor for name in origin.outputs.values() for tensor in names.tensors(name)]
    losses = differentiated_losses(flat, names) if origin.foreign and ends else ()
    if len(losses) != 1:
        return None
    own = {flat.producer[tensor] for tensor in losses[0]} | backward_part(flat, names).reached
    return (losses[0], BACKWARD) if own.isdisjoint(upstream(flat, ends)) else None


def _differentiated_loss(flat: FlatGraph, names: Names) -> Optional[Chosen]:
    losses = differentiated_losses(flat, names)
    if len(losses) > 1:
        shown = [printable(flat.tensor_name(each[0])) for each in losses]
        raise GraphcutError(
            "the graph takes the gradients of %d losses: %s\n"
            "Name one with loss=. To see them side by side, audit each and pass the audits to graphcut.table."
            % (len(losses), join_first(shown, _NAMED))
        )
    return (losses[0], BACKWARD) if losses else None


def _collected_loss(names: Names, origin: GraphMetadata) -> Optional[Chosen]:
    tensors = [tensor for name in origin.collected for tensor in names.tensors(name)]
    return (tuple(tensors), "the losses collection") if tensors else None


def _only_candidate(flat: FlatGraph, names: Names, origin: GraphMetadata) -> Optional[Chosen]:
    """Return the only possible tensor if the graph names no outputs."""
    if origin.outputs:
        return None
    logged = logged_scalars(flat, names)
    if logged:
        return ((logged[0],), "the only logged float") if len(logged) == 1 else None
    free = ends(flat, names)
    return ((free[0],), "the only float tensor that nothing reads") if len(free) == 1 else None


def _none(flat: FlatGraph) -> str:
    has_floats = any(dtype in REAL_FLOATS for dtype in flat.dtypes)
    return "none, no float tensor ends a computation" if has_floats else "none, no tensor here is a float"


_FROZEN = ": it was frozen, which makes constants of them, and cannot certify anything. Audit the graph that is trained."
_STEP = "\nA training step that takes its own gradients is for graphcut.audit_step."


def _refuse(flat: FlatGraph, names: Names, origin: GraphMetadata) -> Chosen:
    shown = join_first(list(dict.fromkeys(_candidates(flat, names, origin))), _NAMED)
    step = _STEP if origin.label.startswith(("function ", "model ")) else ""
    if not step and not origin.variables and not variable_handles(flat):
        frozen = any(sign.done == FROZEN for sign in signs(flat))
        raise GraphcutError(
            "%s holds no variables, so no loss can train anything in it%s\n"
            "To audit other tensors, name them with variables= and the loss with loss=; candidates: %s%s"
            % (printable(origin.label), _FROZEN if frozen else "", shown or _none(flat), step)
        )
    if origin.signatures:
        raise GraphcutError(
            "no loss was named, and %s has several signatures: %s\nPick one with signature=, or name the loss with loss=; "
            "candidates: %s"
            % (
                printable(origin.label),
                join_first(list(map(printable, origin.signatures)), _NAMED),
                shown or _none(flat),
            )
        )
    if origin.functions and not origin.outputs:
        raise GraphcutError(
            "%s has no signatures, so the functions of its objects are not in its graph: %s\nSave it with signatures=, or "
            "audit a function of tf.saved_model.load(%s)"
            % (printable(origin.label), join_first(list(map(printable, origin.functions)), _NAMED), printable(origin.label))
        )
    raise GraphcutError(
        "no loss was named, and %s does not show which tensor is meant\nName it with loss=; candidates: %s%s"
        % (printable(origin.label), shown or _none(flat), step)
    )


def _candidates(flat: FlatGraph, names: Names, origin: GraphMetadata) -> Iterator[str]:
    """Yield the tensors that may be the loss: float outputs, or else logged tensors and then tensors that nothing reads."""
    for key, name in origin.outputs.items():
        if is_float(names, name):
            yield "%s (%s)" % (printable(key), name)
    for signature, outputs in origin.signatures.items():
        for key in (key for key, name in outputs.items() if is_float(names, name)):
            yield "%s (of %s)" % (printable(key), printable(signature))
    if not origin.outputs and not origin.signatures:
        candidates = [*logged_scalars(flat, names), *ends(flat, names)]
        for tensor in candidates or _loss_candidates(flat, names, _kept_floats(flat)):
            yield printable(flat.tensor_name(tensor))


def is_float(names: Names, name: str) -> bool:
    """Return whether a name is the name of a tensor of real floats."""
    return any(base_dtype(names.flat.dtypes[tensor]) in REAL_FLOATS for tensor in names.tensors(name))


_GUARDS = frozenset(("Switch", "RefSwitch", "_Arg"))
_LOGS = {"ScalarSummary": 1, "WriteScalarSummary": 3, "WriteSummary": 2, "Print": 1, "StringFormat": 0, "Assert": 1}


def logged_scalars(flat: FlatGraph, names: Names) -> List[int]:
    """Return the float tensors that a summary, a ``Print`` or an ``Assert`` reads, those with *loss* in their name first.

    A tensor counts only if floats lead to it from a variable, because learning rates and step counters are logged too.
    """
    logs = {kind: _LOGS[each.type] for kind, each in enumerate(flat.kind_table) if each.type in _LOGS}
    ops = ops_of_kinds(flat, logs)
    read = dict.fromkeys(_before_guard(flat, tensor) for op in ops for tensor in flat.inputs[op][logs[flat.kinds[op]] :])
    floats = [tensor for tensor in read if flat.dtypes[tensor] in REAL_FLOATS and flat.contexts[flat.producer[tensor]] < 0]
    return _loss_candidates(flat, names, floats) if floats else []


def _before_guard(flat: FlatGraph, tensor: int) -> int:
    """Return the tensor that a conditional passes to an ``Assert`` in its branch; return any other tensor unchanged."""
    while flat.type(flat.producer[tensor]) in _GUARDS and flat.inputs[flat.producer[tensor]]:
        tensor = flat.inputs[flat.producer[tensor]][0]
    return tensor


def ends(flat: FlatGraph, names: Names) -> List[int]:
    """Return the float tensors outside functions that nothing reads.

    Those with *loss* in their name come first, then the latest. What a ``Switch`` passes to an empty branch is none of them.
    """
    read = {tensor for inputs in flat.inputs for tensor in inputs}
    outside = (op for op, context in enumerate(flat.contexts) if context < 0 and flat.inputs[op])
    computed = [op for op in outside if not flat.type(op).startswith("ReadVariable") and flat.type(op) not in _GUARDS]
    free = [flat.first_output[op] for op in computed if flat.outputs(op) and flat.first_output[op] not in read]
    floats = [tensor for tensor in reversed(free) if flat.dtypes[tensor] in REAL_FLOATS]
    return _loss_candidates(flat, names, floats)


def _kept_floats(flat: FlatGraph) -> List[int]:
    """Return the floats that are stored in a variable, and the inputs of the op that makes them: ``min(best, loss)``."""
    values = [flat.inputs[each.op][index] for each in writes(flat) for index in each.values]
    inputs = [tensor for value in values for tensor in flat.inputs[flat.producer[value]]]
    return [
        tensor
        for tensor in dict.fromkeys([*inputs, *values])
        if flat.dtypes[tensor] in REAL_FLOATS
        and flat.inputs[flat.producer[tensor]]
        and flat.contexts[flat.producer[tensor]] < 0
    ]


def _loss_candidates(flat: FlatGraph, names: Names, tensors: List[int]) -> List[int]:
    """Return the tensors that may be a loss.

    They are computed from a variable by floats, outside the backward part. A value that adds a derivative of another one (a
    gradient penalty) counts only if there is no other.
    """
    part, aside = backward_part(flat, names), training_part(flat, names)
    variables = variable_handles(flat)
    candidates = [tensor for tensor in tensors if flat.producer[tensor] not in part.inside.union(aside.ops)]
    candidates = [each for each in candidates if not variables or _floats_from(flat, each, variables - aside.aside)]
    candidates = [each for each in candidates if not _is_value(flat, each, variables)]
    serving = {tensor for call in part.calls for tensor in call.loss}  # otherwise one of them would have been the answer
    candidates = [tensor for tensor in candidates if tensor not in serving] or candidates
    forward = [tensor for tensor in candidates if flat.producer[tensor] not in part.reached]
    return sorted(forward or candidates, key=lambda tensor: not _has_loss_name(flat, tensor))


def _is_value(flat: FlatGraph, tensor: int, variables: AbstractSet[int]) -> bool:
    """Return whether a tensor is the value of a variable: ``rate/read``, or a ``ReadVariableOp``."""
    op, source = flat.producer[tensor], root(flat, tensor)
    return flat.type(op) in READERS or source in variables and flat.names[op] == flat.names[flat.producer[source]] + "/read"


def _has_loss_name(flat: FlatGraph, tensor: int) -> bool:
    return "loss" in flat.names[flat.producer[tensor]].lower()


def _floats_from(flat: FlatGraph, tensor: int, variables: AbstractSet[int]) -> bool:
    """Return whether a path of floats leads from a variable to a tensor; an accuracy is computed through booleans."""
    read = walk_depth_first(
        [tensor], lambda each: [source for source in flat.inputs[flat.producer[each]] if _carries(flat.dtypes[source])]
    )
    return any(_is_of_variable(flat, flat.producer[each], variables) for each in read)


def _is_of_variable(flat: FlatGraph, op: int, variables: AbstractSet[int]) -> bool:
    """Return whether an op is a variable or reads one."""
    handles = flat.inputs[op][:1] if flat.type(op) in READERS else ()
    return any(root(flat, each) in variables for each in (*handles, *flat.outputs(op)))


def _carries(dtype: int) -> bool:
    return base_dtype(dtype) in REAL_FLOATS or dtype in (*COMPLEX, VARIANT)
