"""The query about one kind of op, TensorFlow's reply, and the behavior of a TensorFlow version, as plain data.

Rules send queries and the backend answers them. Neither imports the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, FrozenSet, NamedTuple, Optional, Tuple

from graphcut.graph.dtypes import DIFFERENTIABLE
from graphcut.graph.flat import Shape
from graphcut.graph.metadata import GraphMetadata, SavedGradient


class GradientQuery(NamedTuple):
    """One op alone: type, attributes as ``AttrEntry`` bytes, dtypes of inputs and outputs.

    ``zeros``: the inputs known to be all zeros. ``shapes``, ``output_shapes`` and ``constants`` are set only for a second,
    exact query: static shapes, and for each input the attributes of the constant that feeds it. ``inside``: the op is in a
    function's body that a plain graph calls; its gradient must not wait for ops of that body. ``place``: the function and the
    name of the op, so that a user's gradient function is asked about exactly that op. ``slices``: the outputs whose gradient
    comes as ``IndexedSlices``, which matters only to such functions. ``soft``: an input of integers, booleans or strings that
    is asked about as if floats were there. ``starts``: integer or boolean outputs from which a gradient starts nevertheless.
    ``taped``: a tape recorded the op itself and passes the gradient function a stand-in for the op (``backprop._MockOp``),
    without name, device or graph.
    """

    type: str
    attrs: Tuple[bytes, ...]
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]
    zeros: Tuple[int, ...] = ()
    shapes: Optional[Tuple[Shape, ...]] = None
    constants: Tuple[Optional[Tuple[bytes, ...]], ...] = ()
    inside: bool = False
    output_shapes: Optional[Tuple[Shape, ...]] = None
    soft: Optional[int] = None
    starts: Tuple[int, ...] = ()
    place: Optional[Tuple[Optional[str], str]] = None
    slices: Tuple[int, ...] = ()
    taped: bool = False


# What an oracle caches for the whole process, counted by ``weight``: some ten thousand answers about common ops.
ROOM = 1 << 18


def weight(question: GradientQuery) -> int:
    """Return roughly how many objects a cached answer to the query keeps alive."""
    constants = [attr for attrs in question.constants for attr in attrs or ()]
    size = sum(map(len, question.attrs)) + sum(map(len, constants))
    return 16 + len(question.inputs) + len(question.outputs) + size // 64


class InputGradient(NamedTuple):
    """The tensor that a gradient function gave one input; ``sparse``: it came as ``IndexedSlices``."""

    tensor: str
    sparse: bool


@dataclass(frozen=True)
class InputAnswer:
    """The gradient of one input.

    It holds the outputs that the input gets a gradient from, whether the gradient is made as ``IndexedSlices``, and whether it
    is the gradient of the first output, passed on unchanged. ``independent``: it is nonzero whatever the upstream gradients
    are; ``reads``: it reads one of them.
    """

    outputs: FrozenSet[int]
    sparse: bool = False
    passes: bool = False
    independent: bool = False
    reads: bool = True


@dataclass(frozen=True)
class GradientReply:
    """What TensorFlow answered.

    It holds the bytes of the scratch graph, the placeholders ``upstream`` in it that stand for the gradients of the outputs,
    and for each input the gradient returned.

    ``missing``: TensorFlow raises because nothing is registered or the gradient is forbidden. ``failed``: why the query was
    impossible. ``custom``: the gradient function is the user's. ``registered``: false if TensorFlow has no gradient for the op
    and never needs one, because all outputs are integers and the like. ``inputs`` and ``outputs`` are empty, or map each
    tensor of the op to the tensor that was asked about in its place, if the query had fewer tensors. ``own``: the answer holds
    for one op only, not for its kind. ``zeros`` are tensors of the graph known to be all zeros. ``answers``: what a table
    holds instead of a graph. ``op_defs`` has the outputs of ops that come from other packages.
    """

    graph: bytes = b""
    upstream: Tuple[Optional[str], ...] = ()
    gradients: Tuple[Optional[InputGradient], ...] = ()
    missing: bool = False
    failed: Optional[str] = None
    custom: bool = False
    registered: bool = True
    inputs: Tuple[int, ...] = ()
    outputs: Tuple[int, ...] = ()
    own: bool = False
    zeros: Tuple[str, ...] = ()
    answers: Optional[Tuple[Optional[InputAnswer], ...]] = None
    op_defs: Callable[[str], Any] = lambda op_type: None


AskGradient = Callable[[GradientQuery], GradientReply]

Place = Tuple[Optional[str], str]


@dataclass(frozen=True)
class TensorFlowBehavior:
    """What rules need to know besides the graph.

    ``trainable``: the dtypes that can carry a gradient, as numbers. ``inert_counts``: whether TensorFlow looks at the
    elements of a variant. ``foreign``: another process built the graph, so its own gradients are not registered here.
    ``fills_branches``: ``If`` and ``Case`` answer zeros where newer versions answer ``None``. ``dead_exits`` and
    ``second_exits``: the v1 ``Exit`` ops of loops with ``back_prop=False``, and of loops that compute gradients themselves,
    each as function (or ``None``) and name. ``opaque``: functions with a gradient function of their own. ``saved_gradient``:
    finds a custom gradient that the file holds. ``plain_root``: the graph is live and no function's body.
    ``empty_calls_raise``: a function that gives no argument a gradient makes TensorFlow raise where newer versions answer
    ``None``. ``rebuilds_cases``: the gradient of a ``Case`` builds its branches anew, and forgets how functions called there
    are differentiated.
    """

    trainable: FrozenSet[int] = DIFFERENTIABLE
    inert_counts: bool = True
    foreign: bool = False
    fills_branches: bool = False
    dead_exits: FrozenSet[Place] = frozenset()
    second_exits: FrozenSet[Place] = frozenset()
    opaque: FrozenSet[str] = frozenset()
    saved_gradient: Callable[[str], Optional[SavedGradient]] = lambda op_type: None
    plain_root: bool = False
    empty_calls_raise: bool = False
    rebuilds_cases: bool = False

    def of(self, origin: GraphMetadata) -> TensorFlowBehavior:
        """Return this behavior for a graph of that origin."""
        return replace(
            self,
            foreign=origin.foreign,
            dead_exits=origin.dead_exits,
            second_exits=origin.second_exits,
            opaque=origin.opaque,
            saved_gradient=origin.saved_gradient,
            plain_root=origin.live is not None and not getattr(origin.live, "building_function", False),
        )


if TYPE_CHECKING:
    from typing import Protocol

    class GradientOracle(Protocol):
        """The source of answers: the installed TensorFlow, or a column of the gradient table; ``label`` names it."""

        label: str

        def asker(self, origin: GraphMetadata) -> AskGradient:
            """Return the function that answers questions about the ops of one graph."""

        def behavior(self, origin: GraphMetadata) -> TensorFlowBehavior:
            """Return how TensorFlow treats the surroundings of an op, in a graph of that origin."""
