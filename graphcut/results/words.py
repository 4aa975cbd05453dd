"""The texts for verdicts, roles and single barriers; those for kinds of barrier are in ``results.barrier_kinds``."""

from __future__ import annotations

import re
from functools import lru_cache

from graphcut.errors import printable
from graphcut.results import Barrier, BarrierKind, Condition, Role, VariableAudit, Verdict
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from graphcut.util.source_lines import nearby

VERDICTS = {
    Verdict.RAISES: "makes TensorFlow raise an error",
    Verdict.NONE: "gets no gradient: TensorFlow answers None",
    Verdict.ZERO: "gets a gradient that is always zero: only momentum or weight decay could still move it",
    Verdict.CONDITIONAL: "gets a gradient in some runs only",
    Verdict.FLOWS: "gets a gradient",
}


SAVED_GRADIENT = "TensorFlow traced its custom gradient anew when it saved the model"
CONDITION = "it only decides what runs, or how often, and no gradient passes a decision"
FROM_ZEROS = "the gradient of the loss starts from zeros there"
ROLES = {
    Role.DEAD: "does not feed the loss",
    Role.REDUNDANT: "no variable feeds it",
    Role.CUTS: "cuts off the gradient",
    Role.BYPASSED: "every variable behind it gets its gradient by another route, or in runs of another branch",
    Role.SHADOWED: "another barrier cuts off the variables behind it that get no gradient",
}

_ARGUMENTS = {
    ("Gather", 1): "indices",
    ("GatherV2", 1): "indices",
    ("GatherV2", 2): "axis",
    ("GatherNd", 1): "indices",
    ("ResourceGather", 1): "indices",
    ("ResourceGatherNd", 1): "indices",
    ("Select", 0): "condition",
    ("SelectV2", 0): "condition",
    ("Reshape", 1): "shape",
    ("BroadcastTo", 1): "shape",
    ("Tile", 1): "multiples",
    ("Transpose", 1): "perm",
    ("Pad", 1): "paddings",
    ("Slice", 1): "begin",
    ("Slice", 2): "size",
    ("StridedSlice", 1): "begin",
    ("StridedSlice", 2): "end",
    ("StridedSlice", 3): "strides",
    ("UnsortedSegmentSum", 1): "segment_ids",
    ("SegmentSum", 1): "segment_ids",
}
_RESULT = re.compile(r"(.+)!result#([0-9]+)(?::0)?$", re.DOTALL)


def error_at(raised: str) -> str:
    """Return the type and the line of an error in one line.

    >>> error_at("ValueError: No gradients provided for any variable: (['w:0'],) at train.py:9")
    'ValueError at train.py:9'
    """
    name, _, message = raised.partition(":")
    place = re.search(r" at \S+:\d+$", message)
    return name + (place.group() if place else "")


@lru_cache(maxsize=4096)
def escape_name(name: str, limit: int = 120) -> str:
    """Return ``name`` with control characters, terminal escapes and bidirectional marks escaped, shortened to ``limit``."""
    return printable(name, limit)[1:-1]


def at(where: str) -> str:
    """Return a place such as ``model.py:12`` for display: relative to the current folder, escaped."""
    return escape_name(nearby(where))


def shape_text(shape: object) -> str:
    """Return a shape for display.

    >>> shape_text((32, None)), shape_text(()), shape_text(None)
    ('[32, ?]', '[]', '?')
    """
    if not isinstance(shape, tuple):
        return "?"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def result_of(name: str) -> str:
    """Return a name; for a result of a loop, a conditional or a call, ``result n of`` its op.

    >>> result_of("while!result#3:0"), result_of("dense/BiasAdd:0")
    ('result 3 of while', 'dense/BiasAdd:0')
    """
    match = _RESULT.match(name)
    return f"result {match.group(2)} of {match.group(1)}" if match else name


def name_words(name: str, limit: int = 120) -> str:
    """Return a name for display: see ``result_of``, escaped and shortened to ``limit``."""
    return escape_name(result_of(name), limit)


def trainers(variable: VariableAudit) -> str:
    """Return the names of the other losses that train a variable, joined by *and*."""
    return " and ".join(map(escape_name, variable.trained_by))


def is_condition(cut: Barrier) -> bool:
    """Return whether a barrier is the condition of a call, such as a loop or a conditional of TensorFlow 2."""
    return cut.kind is BarrierKind.INPUT and cut.type == "_Retval" and _RESULT.match(cut.op) is not None


def place(cut: Barrier) -> str:
    """Return words such as ``stop-gradient at z/StopGradient`` or ``input 1 (indices) at gather (GatherV2)``."""
    kind, result = kind_words(cut), _RESULT.match(cut.op)
    if is_condition(cut) and result:
        return f"the condition of {escape_name(result.group(1))}"
    if result:
        return f"{kind} at {name_words(cut.op)}"
    plain = kind.replace("-", "") == cut.type.lower()
    return f"{kind} at {escape_name(cut.op)}" + ("" if plain else f" ({escape_name(cut.type)})")


def kind_words(cut: Barrier) -> str:
    """Return the kind of a barrier, for an input with its number: ``stop-gradient``, ``input 1 (indices)``."""
    if cut.kind is not BarrierKind.INPUT:
        return str(cut.kind.value)
    name = _ARGUMENTS.get((cut.type, cut.input))
    return f"input {cut.input} ({name})" if name else f"input {cut.input}"


def because(cut: Barrier, made: str) -> str:
    """Return why no gradient passes a barrier; ``made`` is the dtype of its op's output, empty if unknown."""
    if cut.type == "Cast" and cut.kind is BarrierKind.NOT_DIFFERENTIABLE and made:
        return f"no gradient passes a cast to {made}"
    if is_condition(cut) or cut.type == "LoopCond":
        return CONDITION
    return BARRIER_RECORDS[cut.kind].because


def branch(condition: Condition) -> str:
    """Return words such as ``the then branch of cond (predicate p:0)`` or ``branch 2 of case (predicate i:0)``."""
    name = f"branch {condition.branch}" if isinstance(condition.branch, int) else f"the {condition.branch} branch"
    return f"{name} of {escape_name(condition.op)} (predicate {name_words(condition.predicate)})"
