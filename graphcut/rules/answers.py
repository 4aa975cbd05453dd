"""The question put to TensorFlow about one kind of op, what it gave, and the answer that follows, as plain data."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, FrozenSet, NamedTuple, Optional, Tuple

from graphcut.dag import Shape


class Question(NamedTuple):
    """One op alone: type, attributes as ``AttrEntry`` bytes, dtypes of inputs and outputs.

    ``zeros``: the inputs known to be all zeros. ``shapes`` and ``constants`` are given for a second, exact
    question alone: shapes of the inputs, and for each input the attributes of the constant that feeds it.
    """

    type: str
    attrs: Tuple[bytes, ...]
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]
    zeros: Tuple[int, ...] = ()
    shapes: Optional[Tuple[Shape, ...]] = None
    constants: Tuple[Optional[Tuple[bytes, ...]], ...] = ()


class Gradient(NamedTuple):
    """The tensor that a gradient function gave one input; ``sparse`` where it came as ``IndexedSlices``."""

    tensor: str
    sparse: bool


@dataclass(frozen=True)
class Asked:
    """What TensorFlow gave: the scratch graph's bytes, in it the placeholders ``given`` as gradients of the outputs,
    and for each input the gradient returned.

    ``missing``: TensorFlow raises, nothing is registered or the gradient is forbidden. ``failed``: why the question
    could not be put. ``custom``: the gradient function is the user's. ``registered``: false where TensorFlow knows by
    registration that there is no gradient.
    """

    graph: bytes = b""
    given: Tuple[Optional[str], ...] = ()
    gradients: Tuple[Optional[Gradient], ...] = ()
    missing: bool = False
    failed: Optional[str] = None
    custom: bool = False
    registered: bool = True


@dataclass(frozen=True)
class InputAnswer:
    """The gradient of one input: the outputs it carries from, whether it is made as ``IndexedSlices``, and whether it
    is the gradient of the first output, handed on untouched."""

    outputs: FrozenSet[int]
    sparse: bool = False
    passes: bool = False


Ask = Callable[[Question], Asked]
