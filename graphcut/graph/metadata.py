"""Facts about a graph besides its ops: its origin, outputs, variables and collections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from graphcut.graph.flat import Shape


class PartitionedVariable(NamedTuple):
    """The partitioned variable that a variable is a part of."""

    name: str
    shape: Shape


class Variable(NamedTuple):
    """A variable of the graph.

    ``tensors`` are the names of its handles or references, empty if it is not in the graph; ``trainable`` is ``None`` if
    unknown; ``objects`` are the live objects that stand for it.
    """

    name: str
    tensors: Tuple[str, ...]
    trainable: Optional[bool]
    dtype: str
    shape: Shape
    objects: Tuple[Any, ...] = ()
    whole: Optional[PartitionedVariable] = None


class SavedGradient(NamedTuple):
    """A custom gradient that was saved with the graph: a graph that computes it, as bytes.

    ``upstream`` are the tensors in it that stand for the gradients of the op's outputs, ``gradients`` those of its inputs.
    """

    graph: bytes
    upstream: Tuple[str, ...]
    gradients: Tuple[Optional[str], ...]


Place = Tuple[Optional[str], str]


@dataclass(frozen=True)
class GraphMetadata:
    """Facts about a graph besides its ops.

    ``label`` says what was read; ``outputs`` maps keys to tensor names; ``collected`` holds the ``losses`` collection;
    ``foreign``: built by another process; ``dead_exits``, ``second_exits``: see ``TensorFlowBehavior``; ``opaque``:
    functions that are not opened because they have a gradient of their own; ``where`` finds an op's place in the user's
    code, ``shapes`` the shapes of an op's outputs, ``operation`` the live op; ``live`` is the TensorFlow graph itself,
    ``owner`` what keeps it (TensorFlow takes the graph of a function apart once nobody holds the function), or the path or
    message that was read. ``tensorflow_version`` and ``producer`` say which TensorFlow wrote a file, as far as it tells.
    ``asks_for_outputs``: a signature was named; ``signatures``: the outputs of each of a SavedModel, where none was chosen;
    ``functions``: the functions of its objects, which are not in its graph unless a signature calls them. ``step``: where the
    function takes its gradients, if it is a training step. ``arguments`` are the tensors that a function was traced with, each
    with the input that stands for it. ``value_holders`` maps the ``id`` of a live variable to the ops that hold its value
    without reading it. ``saved_gradient`` finds a custom gradient that the file holds, by the type that it is registered for.
    ``answered`` maps ops of the graph to the inputs for which their own gradient functions were seen to answer, ``replaced``
    maps tensors that replaced a variable to the ``file:line`` that made them.
    """

    label: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    variables: Tuple[Variable, ...] = ()
    collected: Tuple[str, ...] = ()
    foreign: bool = True
    dead_exits: FrozenSet[Place] = frozenset()
    second_exits: FrozenSet[Place] = frozenset()
    opaque: FrozenSet[str] = frozenset()
    where: Callable[[Optional[str], str], Tuple[Optional[str], bool]] = lambda function, name: (None, False)
    shapes: Callable[[Optional[str], str], Optional[Tuple[Shape, ...]]] = lambda function, name: None
    operation: Callable[[Optional[str], str], Any] = lambda function, name: None
    live: Any = None
    owner: Any = None
    op_defs: Callable[[str], Any] = lambda op_type: None
    saved_gradient: Callable[[str], Optional[SavedGradient]] = lambda op_type: None
    knows_variables: bool = False
    asks_for_outputs: bool = False
    signatures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    functions: Tuple[str, ...] = ()
    tensorflow_version: str = ""
    producer: int = 0
    step: Optional[str] = None
    arguments: Tuple[Tuple[Any, str], ...] = ()
    value_holders: Mapping[int, Tuple[Place, ...]] = field(default_factory=dict)
    answered: Mapping[str, Tuple[Optional[bool], ...]] = field(default_factory=dict)
    replaced: Mapping[str, Optional[str]] = field(default_factory=dict)
