"""The enums and dataclasses of graphcut's results.

A *verdict* says what TensorFlow answers for one variable and one loss. A *barrier* is the reason why a
gradient does not cross an edge. The *cut* of a variable is the barriers on the routes from the loss to it
that cross the fewest. The values of the enums are the words used in JSON, on the command line and in pictures.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple, TypeVar, Union

from graphcut.results.barrier_kinds import BarrierKind as BarrierKind


class Verdict(enum.Enum):
    """What ``tf.gradients`` answers for a variable, worst first (``tensorflow/python/ops/gradients_util.py``).

    ``raises``: an error; ``none``: ``None``; ``zero``: a tensor, always zeros; ``conditional``: a gradient, in some runs;
    ``flows``: a gradient.
    """

    RAISES = "raises"
    NONE = "none"
    ZERO = "zero"
    CONDITIONAL = "conditional"
    FLOWS = "flows"


# The verdicts of variables whose gradient can be nonzero.
WITH_GRADIENT = (Verdict.FLOWS, Verdict.CONDITIONAL)


class Role(enum.Enum):
    """The effect of a ``StopGradient`` on one loss; the first that applies.

    ``dead``: it does not feed the loss; ``redundant``: there is no variable upstream; ``cuts``: it is in the cut of some
    variable; ``bypassed``: every variable upstream gets its gradient by another route; ``shadowed``: another barrier blocks
    the variables upstream that get no gradient.
    """

    DEAD = "dead"
    REDUNDANT = "redundant"
    CUTS = "cuts"
    BYPASSED = "bypassed"
    SHADOWED = "shadowed"


class LeftOutReason(str, enum.Enum):
    """Why a gradient call did not ask for a variable that its loss reads.

    ``forgotten``: it is trainable, and a gradient can reach it; ``frozen``: it is not trainable, or every route to it passes a
    deliberate stop.
    """

    FORGOTTEN = "forgotten"
    FROZEN = "frozen"


class Late:
    """A field of a result that may hold a function: reading the field calls it with the field's name.

    Paths are stored as one parent pointer for each tensor: a stored path for each variable would take quadratic space.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.field, self.name = name, "_" + name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return ()
        value = getattr(instance, self.name)
        return value(self.field) if callable(value) else value

    def __set__(self, instance: Any, value: Any) -> None:
        object.__setattr__(instance, self.name, value)  # instance.__dict__ would create a dictionary for each result


ResultT = TypeVar("ResultT")


def replace_fields(result: ResultT, **values: Any) -> ResultT:
    """Return a copy of a result with other values in some fields.

    A ``Late`` field stays unread; ``dataclasses.replace`` would compute it.
    """
    copy: ResultT = object.__new__(type(result))
    copy.__dict__.update(result.__dict__)
    for name, value in values.items():
        object.__setattr__(copy, name, value)
    return copy


@dataclass(frozen=True)
class Barrier:
    """One barrier of a variable's cut: no gradient crosses the edge into ``op`` at ``input``.

    ``type`` is the type of the op and ``kind`` the reason why no gradient crosses. ``deliberate`` says whether that is the
    purpose of the op. ``where`` is ``file:line`` of the innermost frame outside TensorFlow, Keras and graphcut, or ``None``.
    ``library`` is true if TensorFlow or Keras created the op.

    >>> print(Barrier("hidden", "StopGradient", 0, BarrierKind.STOP_GRADIENT, deliberate=True, where="model.py:12"))
    stop-gradient at hidden, model.py:12: tf.stop_gradient was put there to stop it
    """

    op: str
    type: str
    input: int
    kind: BarrierKind
    deliberate: bool
    library: bool = False
    where: Optional[str] = None

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.barrier(self)


@dataclass(frozen=True)
class Condition:
    """One branch that is on every path of the gradient.

    ``op`` is the ``If`` or ``Case`` op, or the op of a v1 predicate. ``predicate`` is the tensor that picks the branch.
    ``branch`` is ``"then"``, ``"else"`` or the index of a ``Case`` branch.

    >>> print(Condition("cond", "flag:0", "then"))
    the then branch of cond (predicate flag:0)
    """

    op: str
    predicate: str
    branch: Union[str, int]

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.condition(self)


@dataclass(frozen=True)
class Assumption:
    """An op whose gradient could not be determined; it is assumed to pass gradients from float to float.

    If TensorFlow traced a custom gradient when it saved the model, that is assumed to be the gradient. ``op`` is the name of
    the op, ``type`` its type, and ``reason`` says why TensorFlow could not be asked. ``whole`` is true if the op shows that
    the whole graph was optimized or frozen after it was built; the audit then describes what is left of the graph and
    certifies nothing.

    >>> print(Assumption("sort", "MySort", "its library is not loaded"))
    sort (MySort) is assumed to let gradients through: its library is not loaded
    """

    op: str
    type: str
    reason: str
    whole: bool = False

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.assumption(self)


@dataclass(frozen=True)
class Stop:
    """One ``StopGradient`` op; ``role``, ``sole`` and ``cuts`` refer to the audited loss.

    ``op`` is the name of the op and ``role`` its effect. ``sole`` is true if removing this stop alone gives some variable its
    gradient back. ``cuts`` names the variables that it cuts off. ``library`` is true if TensorFlow or Keras created it.
    ``where`` is ``file:line`` or ``None``.

    >>> print(Stop("hidden", Role.CUTS, sole=True, cuts=("w1", "w2"), where="model.py:12"))
    stop-gradient hidden, model.py:12, cuts off w1 and w2; without it a gradient gets through
    """

    op: str
    role: Role
    sole: bool
    cuts: Tuple[str, ...]
    library: bool = False
    where: Optional[str] = None

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.stop(self)


@dataclass(frozen=True)
class VariableAudit:
    """The verdict for one variable (or input, or tensor), and the reason.

    ``name`` is the name of the variable. ``tensor`` (``op:0``) stands for it in the graph; it is ``None`` if the variable is
    not in the graph. ``verdict`` is TensorFlow's answer. ``trainable`` is ``None`` if unknown. ``dtype`` is TensorFlow's
    name, such as ``float32``. ``shape`` is a tuple of ``int`` and ``None``, or ``None`` if the rank is unknown.

    ``cut`` names the barriers, at most a handful, and ``cut_size`` counts all of them. It is empty if a gradient flows or the
    variable is ``unused``. ``path`` holds the names of the ops on one path of the gradient, the loss first; it is empty if
    none flows. ``conditions`` are the branches that are on every such path. If the loss is a sum and the gradient comes
    through one term only, ``only_through`` is the op of that term; otherwise it is empty.

    ``sparse`` says that the gradient is a ``tf.IndexedSlices``. ``is_updated`` says whether the step or an optimizer in the
    graph writes the variable, and more than zeros in place of its gradient; ``None`` means unknown. ``optimizer_got_gradient``
    says whether an optimizer of the step received a gradient for the variable: ``False`` means that the optimizer received
    ``None``, and ``None`` that it did not receive the variable. ``trained_by`` lists the other losses of the step or graph
    whose gradients update the variable. ``is_trained`` says whether the gradient of this loss updates it, as the backward
    part of a graph shows; ``None`` means unknown.

    >>> cut = Barrier("hidden", "StopGradient", 0, BarrierKind.STOP_GRADIENT, deliberate=True)
    >>> print(VariableAudit("w1", "w1:0", Verdict.NONE, True, "float32", (2, 3), (cut,), path=()))
    w1 [2, 3] gets no gradient: TensorFlow answers None (none); cut by stop-gradient at hidden
    """

    name: str
    tensor: Optional[str]
    verdict: Verdict
    trainable: Optional[bool]
    dtype: str
    shape: Optional[Tuple[Optional[int], ...]]
    cut: Tuple[Barrier, ...]
    path: Tuple[str, ...] = Late()  # type: ignore[assignment]
    conditions: Tuple[Condition, ...] = ()
    unused: bool = False
    sparse: bool = False
    cut_size: int = 0
    is_updated: Optional[bool] = None
    optimizer_got_gradient: Optional[bool] = None
    trained_by: Tuple[str, ...] = ()
    is_trained: Optional[bool] = None
    only_through: Tuple[str, ...] = Late()  # type: ignore[assignment]

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.variable(self)


@dataclass(frozen=True)
class LeftOut:
    """A variable that the loss reads but the gradient call does not include.

    ``name`` is the name of the variable. ``trainable`` is ``None`` if unknown. ``reason`` says why it is not included.
    ``is_updated`` says whether the step writes it anyway; ``None`` means unknown. ``is_stopped`` says that a deliberate stop
    is on every route to it. ``is_untracked`` says that the audited Keras model does not list it among its variables.
    ``is_average`` says that it is a moving average of a batch normalization, which changes only with ``training=True``.
    ``copy_of`` names the variable that it is a copy of, judged by names and shapes, as in a target network; else it is empty.
    ``shape`` is ``None`` if unknown.

    >>> print(LeftOut("w2", trainable=True, reason=LeftOutReason.FORGOTTEN))
    w2 was forgotten: the loss reads it (trainable), and no gradient was asked for it
    """

    name: str
    trainable: Optional[bool]
    reason: LeftOutReason
    is_updated: Optional[bool] = None
    is_stopped: bool = False
    is_untracked: bool = False
    is_average: bool = False
    copy_of: str = ""
    shape: Optional[Tuple[Optional[int], ...]] = None

    @property
    def is_plain(self) -> bool:
        """Return whether it is a plain variable, outside the scope of any layer."""
        return "/" not in self.name

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.left_out(self)


@dataclass(frozen=True)
class Change:
    """One variable whose verdict differs between two audits, and the op that makes the difference.

    ``name`` is the name of the variable. ``before`` and ``after`` are its verdicts; one of them is ``None`` if that audit does
    not have the variable. ``op`` is the op that makes the difference: the stop that was added or removed, or the conditional
    that the gradient depends on. It is ``None`` if no single op does, as for an unused variable. ``renamed`` is the name in
    the other audit if that differs. ``matched_by`` says how the two were matched: by ``object``, ``name`` or ``position``.

    >>> print(Change("w1", Verdict.NONE, Verdict.FLOWS, "hidden"))
    w1 was none and is flows: hidden makes the difference
    >>> print(Change("dense/kernel", Verdict.NONE, Verdict.FLOWS, "hidden", "dense_2/kernel", "position"))
    dense/kernel (dense_2/kernel in the second, matched by position) was none and is flows: hidden makes the difference
    """

    name: str
    before: Optional[Verdict]
    after: Optional[Verdict]
    op: Optional[str] = None
    renamed: str = ""
    matched_by: str = ""

    @property
    def direction(self) -> str:
        """Return ``gained``, ``lost`` or ``changed`` for the gradient; ``new`` or ``gone`` if one audit lacks the variable."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        before, after = (each in WITH_GRADIENT for each in (self.before, self.after))
        return "changed" if before == after else "gained" if after else "lost"

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.change(self)


@dataclass(frozen=True)
class Reach:
    """The answer of ``Audit.reaches``: true if a gradient reaches any of the variables.

    ``reached`` names these variables. ``paths`` maps each of them to one path: the names of its ops, the loss first.

    >>> print(Reach(("w1",), paths={"w1": ("loss", "output", "w1")}))
    a gradient reaches w1: loss → output → w1
    """

    reached: Tuple[str, ...]
    paths: Mapping[str, Tuple[str, ...]] = Late()  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.reached)

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.reach(self)


@dataclass(frozen=True)
class Disagreement:
    """One variable for which ``tf.gradients`` contradicts the verdict, or could not be asked.

    ``name`` is the name of the variable and ``verdict`` that of the audit. ``answer`` is TensorFlow's: ``none``, ``gradient``,
    ``raises`` or ``not checked``. ``reason`` says why it was not checked, or holds TensorFlow's message.

    >>> print(Disagreement("w1", Verdict.NONE, "gradient"))
    w1 was judged none, but TensorFlow answers a gradient
    """

    name: str
    verdict: Verdict
    answer: str
    reason: str = ""

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.disagreement(self)


@dataclass(frozen=True)
class Suggestion:
    """One tensor to stop, or one barrier to remove.

    ``tensor`` (``op:0``) is the tensor to stop, or the output of the barrier. ``op`` produces it, and ``where`` is its
    ``file:line`` or ``None``. ``prose`` says what to do. ``diff`` is the edit of your source, a patch for ``git apply``;
    apply it after those of the earlier suggestions of the same alternative. ``code`` holds the lines that it writes. Both
    are empty if no code is known to be right, or if an earlier edit of the alternative already covers this barrier.
    ``confirmed`` says that graphcut traced and audited the edited source, and that it has the effect you asked for.
    Suggestions with the same number in ``alternative`` belong together; try 0 first. ``note`` says what a deliberate stop
    is for.

    >>> print(Suggestion("output:0", "output", None, prose="put tf.stop_gradient around output:0"))
    put tf.stop_gradient around output:0
    """

    tensor: str
    op: str
    where: Optional[str]
    code: str = ""
    diff: str = ""
    confirmed: bool = False
    alternative: int = 0
    prose: str = ""
    note: str = ""

    def __str__(self) -> str:
        unconfirmed = ["not confirmed: this source cannot be traced again"] * bool(self.diff and not self.confirmed)
        return "\n".join([*unconfirmed, *filter(None, [self.note, self.diff.rstrip("\n") or self.prose])])
