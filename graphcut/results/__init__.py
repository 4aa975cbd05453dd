"""The words of graphcut and the plain results that carry them.

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


# The verdicts of a variable that gets a gradient which can be nonzero.
WITH_GRADIENT = (Verdict.FLOWS, Verdict.CONDITIONAL)


class Role(enum.Enum):
    """What a ``StopGradient`` does for one loss; the first that fits.

    ``dead``: it does not feed the loss; ``redundant``: no variable upstream; ``cuts``: it is in the cut of some variable;
    ``bypassed``: every variable upstream gets its gradient another way; ``shadowed``: another barrier stops everything
    before it does.
    """

    DEAD = "dead"
    REDUNDANT = "redundant"
    CUTS = "cuts"
    BYPASSED = "bypassed"
    SHADOWED = "shadowed"


class LeftOutReason(str, enum.Enum):
    """Why a gradient call did not ask for a variable that its loss reads.

    ``forgotten``: it is trainable, and a gradient could get there; ``frozen``: it is not trainable, or a stop that somebody
    put there lies on every route to it.
    """

    FORGOTTEN = "forgotten"
    FROZEN = "frozen"


class Late:
    """A field of a result that may be given as a function; it is called when the field is read.

    Paths are kept as one parent pointer for each tensor: a path for every variable, stored, would be quadratic.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return ()
        value = instance.__dict__[self.name]
        return value() if callable(value) else value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.name] = value


ResultT = TypeVar("ResultT")


def replace_fields(result: ResultT, **values: Any) -> ResultT:
    """Return a copy of a result with other values in some fields.

    A ``Late`` field stays one: ``dataclasses.replace`` reads it.
    """
    copy: ResultT = object.__new__(type(result))
    copy.__dict__.update(result.__dict__)
    for name, value in values.items():
        object.__setattr__(copy, name, value)
    return copy


@dataclass(frozen=True)
class Barrier:
    """One barrier of a variable's cut: the edge into ``op`` at ``input`` that no gradient crosses.

    ``type`` is the op's type, ``kind`` why no gradient crosses, ``deliberate`` whether somebody put it there for that.
    ``where`` is ``file:line`` of the innermost frame outside TensorFlow, Keras and graphcut, or ``None``.
    ``library`` is true where the op was made inside TensorFlow or Keras.

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
    """One branch that every carrying path passes.

    ``op`` is the ``If`` or ``Case``, or the op of a v1 predicate; ``predicate`` the tensor that picks the
    branch; ``branch`` is ``"then"``, ``"else"`` or the index of a ``Case`` branch.

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
    """An op whose gradient could not be asked for; it is taken to carry from float to float.

    ``whole``: the op tells that the graph is not the one that was built, optimized or frozen since; what the audit says
    holds for what is left, and certifies nothing.
    ``op`` is its name, ``type`` its type, ``reason`` why TensorFlow could not be asked.

    >>> print(Assumption("sort", "MySort", "its library is not loaded"))
    sort (MySort) is assumed to carry a gradient: its library is not loaded
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
    """One ``StopGradient`` op; ``role``, ``sole`` and ``cuts`` are for the audited loss.

    ``op`` is its name; ``role`` what it does; ``sole`` is true if taking it away alone brings a gradient back to some
    variable; ``cuts`` has the names of the variables that it cuts off; ``library`` is true where TensorFlow or Keras made
    it; ``where`` is ``file:line`` or ``None``.

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
    """What one variable (or input, or tensor) gets from the loss, and why.

    ``name`` is the variable's own, ``tensor`` (``op:0``) what stands for it in the graph, ``None`` where the graph does not
    hold it; ``verdict`` what TensorFlow answers; ``trainable`` is ``None`` where nobody knows; ``dtype`` is TensorFlow's name
    (``float32``). ``conditions`` are the branches that every carrying path passes.
    ``shape`` is a tuple of ``int`` and ``None``, or ``None`` where the rank is unknown. ``cut`` is empty when a
    gradient flows or the variable is ``unused``; ``path`` holds op names, loss first, and is empty when none flows.
    ``cut_size`` counts the barriers of the cut, of which ``cut`` names at most a handful. ``sparse``: the gradient
    comes as ``tf.IndexedSlices``. ``is_updated``: the step writes the variable, or an optimizer of the graph does; ``None``
    where nobody knows. ``optimizer_got_gradient``: whether an optimizer of the step ever received a gradient for it;
    ``False`` where it received ``None``, ``None`` where no optimizer received the variable. ``trained_by``: the other losses
    of the graph whose gradients update the variable. ``only_through``: of a loss that is a sum, the op of the only term that
    the gradient comes through; empty if it comes through several terms, or if there is one term.

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
    only_through: Tuple[str, ...] = Late()  # type: ignore[assignment]

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.variable(self)


@dataclass(frozen=True)
class LeftOut:
    """A variable that the loss reads and that the gradient call did not ask for.

    ``name`` is the variable's; ``trainable`` is ``None`` where nobody knows; ``reason`` is why it was not asked for.
    ``is_updated``: the step writes it all the same; ``None`` where nobody knows. ``is_stopped``: a stop that somebody put
    there lies on every route to it. ``is_untracked``: the Keras model whose step this is does not list it among its variables.
    ``is_average``: it is a moving average of a batch normalization, which moves with ``training=True`` only. ``copy_of``: the
    variable that is asked for at its place in a network that this one's is a copy of, by names and shapes; ``""`` for none.

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

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.left_out(self)


@dataclass(frozen=True)
class Change:
    """One variable whose verdict differs between two audits, and the op that makes the difference.

    ``name`` is the variable's.
    ``op`` is in the cut of the variable where it gets less: the stop that was added or taken out, or the conditional that
    the gradient hangs on. ``None``: no single op does, as for an unused variable. ``before`` or ``after`` is ``None`` where
    that audit does not have the variable. ``renamed`` is its name in the other audit if that differs; ``matched_by`` says how
    it was known again: ``object``, ``name`` or ``position``.

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
        """``gained`` or ``lost`` its gradient; ``new`` or ``gone`` where one audit lacks the variable; else ``changed``."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        before, after = (each in WITH_GRADIENT for each in (self.before, self.after))
        return "changed" if before == after else "gained" if after else "lost"

    def __str__(self) -> str:
        from graphcut.results import sentences

        return sentences.change(self)


@dataclass(frozen=True)
class Reach:
    """True if any of the variables asked about is reached.

    ``reached`` has the names of those that are;
    ``paths`` maps the name of each variable that is reached to one such path: op names, loss first.

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
    """One variable for which the real ``tf.gradients`` answers otherwise than its verdict says, or could not be asked.

    ``name`` is the variable's, ``verdict`` what the audit says.
    ``answer`` is ``none``, ``gradient``, ``raises`` or ``not checked``; ``reason`` says why it could not be, or what
    TensorFlow said.

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
    """One tensor to stop, or one barrier to take out.

    ``tensor`` (``op:0``) is the one to stop, or the output of the barrier; ``op`` makes it; ``where`` is ``file:line`` of the
    op or ``None``. ``diff`` is the edit of the user's source as a unified diff, to be applied after those of the suggestions
    before it in the same alternative; ``code`` the lines that it writes. Both are empty where no code can be vouched for, or
    where an earlier edit of the alternative serves this barrier, too: ``prose`` says what to do. ``confirmed``: the edited
    source was traced and audited, and the gradient is as it was asked for. ``alternative``: suggestions with the same number
    belong together; each number is a way of its own, the one to try first is 0. ``note`` names what a deliberate stop is for.

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
        return "\n".join([*unconfirmed, *filter(None, [self.note, self.diff or self.prose])])
