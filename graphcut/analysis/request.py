"""The input of an audit: the graph, the loss, and what counts as a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from graphcut.graph.loaded import LoadedGraph
from graphcut.results import BarrierKind

if TYPE_CHECKING:
    from graphcut.analysis.rules.oracle import GradientOracle


class Start(NamedTuple):
    """The initial gradient of one loss: a tensor of the graph, else a value (a number or an array), else ones."""

    loss: int
    tensor: Optional[int] = None
    value: Any = None

    @property
    def is_given(self) -> bool:
        """Return whether it differs from the ones that TensorFlow starts from by default."""
        return self.tensor is not None or self.value is not None


class Loss(NamedTuple):
    """The tensors of the loss (several are summed), and how it was chosen, in words.

    The gradient of those in ``dead`` starts from zeros; ``starts`` is what ``grad_ys=`` says. ``together`` are the tensors
    that a recorded call asked for, which are judged together; without it each tensor is judged alone. ``where`` is the
    ``file:line`` of that call.
    """

    tensors: Tuple[int, ...]
    source: str
    dead: FrozenSet[int] = frozenset()
    starts: Tuple[Start, ...] = ()
    together: Tuple[int, ...] = ()
    where: Optional[str] = None


class StopOps(NamedTuple):
    """The ops whose outputs count as constants, and the calls whose gradient is taken by ``SymbolicGradient`` instead.

    ``reasons`` has the barrier of an op if that is not ``stop_gradients=``, or ``None`` if the op has no barrier itself.
    ``unwatched`` are tensors that get no gradient whatever reads them, each with the barrier to report, if any.
    ``idle`` are those of ``ops`` that a tape would record if it watched what they read. ``plain`` are the ops that a tape
    records itself: it uses the gradient of their type and ignores ``gradient_override_map``.
    """

    ops: FrozenSet[int] = frozenset()
    symbolic: FrozenSet[int] = frozenset()
    reasons: Mapping[int, Optional[BarrierKind]] = {}
    unwatched: Mapping[int, Optional[BarrierKind]] = {}
    idle: FrozenSet[int] = frozenset()
    plain: FrozenSet[int] = frozenset()


class AuditRequest(NamedTuple):
    """The loaded graph, the loss, what counts as a constant, and the oracle for the gradients of ops.

    An oracle of ``None`` is the installed TensorFlow. ``hypothesis`` says how the graph differs from the one that was read; it
    is empty if it does not differ.
    """

    traced: LoadedGraph
    loss: Loss
    stopped: StopOps
    oracle: Optional[GradientOracle] = None
    hypothesis: str = ""
