"""The English for each verdict and barrier. A test holds the tables complete."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from graphcut.errors import printable
from graphcut.results import Barrier, BarrierKind, Condition, Role, Verdict
from graphcut.util.source_lines import nearby

VERDICTS = {
    Verdict.RAISES: "makes TensorFlow raise an error",
    Verdict.NONE: "gets no gradient: TensorFlow answers None",
    Verdict.ZERO: "gets a gradient that is always zero: momentum and weight decay still move it",
    Verdict.CONDITIONAL: "gets a gradient in some runs only",
    Verdict.FLOWS: "gets a gradient",
}


@dataclass(frozen=True)
class BarrierWords:
    """``one`` and ``many`` are nouns to count with; ``because`` says why no gradient passes."""

    one: str
    many: str
    because: str


BARRIERS = {
    BarrierKind.STOP_GRADIENT: BarrierWords("stop_gradient", "stop_gradients", "tf.stop_gradient was put there to stop it"),
    BarrierKind.PREVENT_GRADIENT: BarrierWords(
        "prevent-gradient", "prevent-gradients", "the op forbids a gradient, and raises when asked for one"
    ),
    BarrierKind.STOP_ARGUMENT: BarrierWords("stop argument", "stop arguments", "the tensor was named in stop_gradients="),
    BarrierKind.NOT_DIFFERENTIABLE: BarrierWords(
        "not-differentiable op", "not-differentiable ops", "TensorFlow gives this op no gradient at all"
    ),
    BarrierKind.NO_GRADIENT: BarrierWords(
        "op without a gradient", "ops without a gradient", "nothing is registered for this op, so TensorFlow raises"
    ),
    BarrierKind.INPUT: BarrierWords(
        "input without a gradient", "inputs without a gradient", "the op has a gradient, but not for this input"
    ),
    BarrierKind.DTYPE: BarrierWords(
        "integer, bool or string tensor", "integer, bool or string tensors", "a tensor of this dtype has no gradient"
    ),
    BarrierKind.ZERO: BarrierWords(
        "zero gradient", "zero gradients", "what comes back through this op is zero whatever is fed"
    ),
    BarrierKind.ZERO_FILLED: BarrierWords(
        "zero-filled gradient", "zero-filled gradients", "no gradient comes there, and TensorFlow fills in zeros"
    ),
    BarrierKind.CUSTOM_GRADIENT: BarrierWords(
        "custom gradient", "custom gradients", "the user's own gradient function answers None or zeros"
    ),
    BarrierKind.PYTHON: BarrierWords("Python call", "Python calls", "Python code that has no gradient computes the value"),
    BarrierKind.STATE: BarrierWords(
        "assignment", "assignments", "the value gets there only through state: a variable, a table, a queue or a dataset"
    ),
    BarrierKind.OUTSIDE_TAPE: BarrierWords(
        "value made outside the tape", "values made outside the tape", "no tape recorded how it was computed"
    ),
    BarrierKind.NOT_WATCHED: BarrierWords("unwatched tensor", "unwatched tensors", "the tape was never told to watch it"),
}


FROM_ZEROS = "the gradient of the loss starts from zeros there"
ROLES = {
    Role.DEAD: "does not feed the loss",
    Role.REDUNDANT: "no variable feeds it",
    Role.CUTS: "cuts off the gradient",
    Role.BYPASSED: "every variable behind it gets its gradient another way, or in the runs of another branch",
    Role.SHADOWED: "another barrier stops everything before it does",
}


@lru_cache(maxsize=4096)
def shown(name: str, limit: int = 120) -> str:
    """``name`` with control characters, terminal escapes and bidirectional marks escaped, shortened to ``limit``."""
    return printable(name, limit)[1:-1]


def at(where: str) -> str:
    """``model.py:12`` as it is shown: from the folder one is in, escaped."""
    return shown(nearby(where))


def place(cut: Barrier) -> str:
    """``stop-gradient at z/StopGradient``, ``input 1 at gather (GatherV2)``."""
    kind = f"input {cut.input}" if cut.kind is BarrierKind.INPUT else cut.kind.value
    plain = kind.replace("-", "") == cut.type.lower()
    return f"{kind} at {shown(cut.op)}" + ("" if plain else f" ({shown(cut.type)})")


def because(cut: Barrier, made: str) -> str:
    """Why no gradient passes a barrier; ``made`` is the dtype of what its op makes, empty where that is not known."""
    if cut.type == "Cast" and cut.kind is BarrierKind.NOT_DIFFERENTIABLE and made:
        return f"no gradient passes a cast to {made}"
    return BARRIERS[cut.kind].because


def branch(condition: Condition) -> str:
    """``the then branch of cond (predicate p:0)``, ``branch 2 of case (predicate i:0)``."""
    name = f"branch {condition.branch}" if isinstance(condition.branch, int) else f"the {condition.branch} branch"
    return f"{name} of {shown(condition.op)} (predicate {shown(condition.predicate)})"
