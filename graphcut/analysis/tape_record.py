"""The record of a traced step as plain data: the gradient calls, their arguments and their answers.

An op's *position* is its number among the ops of its graph, in order of creation. A *span* is a range of positions, ``[start,
end)``, of ops created while a tape recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, FrozenSet, Mapping, Optional, Tuple, Union

from graphcut.graph.metadata import Variable

Span = Tuple[int, int]
Start = Union[None, str, bool]


@dataclass(frozen=True)
class Tape:
    """The spans in which a tape recorded, and the tensors that it watched, each from a position on.

    ``automatic``: it watches each trainable variable that is read. ``paused`` are positions at which TensorFlow itself kept
    every tape from recording; ``captured`` are those of ops that stand for a tensor of an outer graph, ``arguments`` those of
    the ones that a call received outside of the tape. ``depths``, for a graph
    inside another, says for each of ``watched`` in which graph its position is; the innermost is 0. It is empty if all are in
    this graph.
    """

    spans: Tuple[Span, ...]
    watched: Tuple[Tuple[str, int], ...]
    automatic: bool = True
    paused: FrozenSet[int] = frozenset()
    captured: FrozenSet[int] = frozenset()
    depths: Tuple[int, ...] = ()
    placeholders: FrozenSet[str] = frozenset()
    began_before: bool = False
    arguments: FrozenSet[int] = frozenset()

    def records(self, position: int) -> bool:
        """Return whether an op at that position was made while the tape recorded."""
        return any(start <= position < end for start, end in self.spans)


@dataclass(frozen=True)
class Source:
    """A variable or tensor with respect to which a gradient was taken.

    ``facts`` name the tensor that stands for it in the graph, or none, and the objects that it was given as; ``identity``
    tells it from others. ``updated``: whether the step writes it, ``None`` where nobody knows or the step writes nothing;
    ``handle`` is how that is found out. ``optimizer_got_gradient``: whether an optimizer received a gradient for it; ``None``
    if no optimizer received the variable.
    """

    facts: Variable
    is_variable: bool
    identity: int
    handle: int = 0
    updated: Optional[bool] = None
    optimizer_got_gradient: Optional[bool] = None


@dataclass(frozen=True)
class GradientCall:
    """One gradient that a step took: of ``targets`` (tensor names) with respect to ``sources``.

    ``message`` is the graph as it was just before; ``inside`` maps the ``id`` of tensors outside of it to the names of those
    that stand for them. ``answers`` tells for each source whether a tensor came back (not ``None``); it is ``None`` where
    TensorFlow raised ``error`` instead. ``raised`` is what the step itself raised after it, if it did. ``tape`` is ``None``
    where ``tf.gradients`` took it. ``zeros``: ``unconnected_gradients`` asked for zeros. ``where`` is ``file:line`` in the
    user's code; ``call`` identifies the place of the call, including its callers. ``owner`` keeps the graph alive: TensorFlow
    dismantles the graph of a function when the last reference to the function is gone. ``outer_graphs`` are the graphs around
    that of ``targets``, innermost first, each with what the tape recorded of it. Where ``message`` holds ops of theirs
    ``places`` maps the names of these to the graph and the name there, and ``outside`` are the tensors that ``tf.gradients``
    does not go on to. ``reads`` are the values of variables that the step gave to Python. ``starts`` are the targets, each
    with what its gradient starts from (``output_gradients=``, ``grad_ys=``): ones (``None``), the tensor of that name, a value
    that is all zeros (``True``) or not. ``changed`` says which variables have a different ``trainable`` now than when the step
    ran. ``value_holders`` maps the ``id`` of a variable to the ops that hold its value without reading it. ``written`` are the
    ``id`` of the handles of all variables that the step writes, and those of the variables that an optimizer received a
    gradient for; ``None`` if that is unknown. ``owned`` are the variables of the step's models, as ``models.trainable_flags``
    lists them; ``of_model``: the step is that of a Keras model that lists Keras' own variables alone.
    """

    api: str
    graph: Any
    message: bytes
    inside: Mapping[int, str]
    targets: Tuple[str, ...]
    sources: Tuple[Source, ...]
    stops: Tuple[str, ...]
    tape: Optional[Tape]
    zeros: bool
    where: Optional[str]
    call: Tuple[Tuple[str, int], ...]
    answers: Optional[Tuple[bool, ...]] = None
    error: str = ""
    raised: str = ""
    owner: Any = None
    outer_graphs: Tuple[Tuple[Any, Optional[Tape]], ...] = ()
    places: Mapping[str, Tuple[Any, str]] = field(default_factory=dict)
    outside: Tuple[str, ...] = ()
    reads: Tuple[Any, ...] = ()
    starts: Tuple[Tuple[str, Start], ...] = ()
    changed: str = ""
    value_holders: Mapping[int, Tuple[Tuple[Optional[str], str], ...]] = field(default_factory=dict)
    written: Optional[FrozenSet[int]] = None
    owned: Mapping[int, Tuple[Any, bool]] = field(default_factory=dict)
    of_model: bool = False


@dataclass(frozen=True)
class UnrecordedSource:
    """Facts about a source that got ``None``, for a gradient whose ops were not recorded.

    ``was_read``: an op read the variable while the tape recorded; ``None`` of a tensor.
    """

    name: str
    is_variable: bool
    trainable: bool
    was_read: Optional[bool]
