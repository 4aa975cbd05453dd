"""The pattern of an op: for each output, the inputs that get a gradient, and the inputs to which it carries.

*Connected*: TensorFlow does not answer ``None``. *Carries*: the answer is not provably zero. An edge that is
not connected, or connected and not carrying, has a barrier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import FrozenSet, Optional, Tuple

from graphcut.results import BarrierKind

Inputs = Tuple[int, ...]
_WIDE = 1024


@dataclass(frozen=True)
class GradientPattern:
    """The pattern: ``connected`` and ``carries`` hold the inputs for each output, ``barriers`` the barriers by input.

    ``raises``: TensorFlow raises as soon as a gradient arrives. ``sparse`` are the inputs whose gradient is made as
    ``IndexedSlices``, ``passes`` those that get the gradient of an output untouched. ``independent_of_output`` are the inputs
    whose gradient is nonzero and does not depend on an upstream gradient: it exists as soon as the op is connected. ``waits``
    are those of them whose gradient reads an upstream gradient nevertheless, so it exists only in runs in which that one does.
    ``assumed``: a guess, and why.
    """

    connected: Tuple[Inputs, ...]
    carries: Tuple[Inputs, ...]
    barriers: Tuple[Optional[BarrierKind], ...]
    raises: Optional[BarrierKind] = None
    sparse: FrozenSet[int] = frozenset()
    passes: FrozenSet[int] = frozenset()
    independent_of_output: FrozenSet[int] = frozenset()
    waits: FrozenSet[int] = frozenset()
    assumed: Optional[str] = None


def pass_all(outputs: int, inputs: int, carried: Inputs, barrier: Optional[BarrierKind] = None) -> GradientPattern:
    """Return a pattern in which every output carries to the same inputs; the other inputs have ``barrier``."""
    is_wide = outputs + inputs > _WIDE  # caching a few of these would keep more objects alive than all the others
    return (_cached_pass_all.__wrapped__ if is_wide else _cached_pass_all)(outputs, inputs, carried, barrier)


@lru_cache(maxsize=4096)
def _cached_pass_all(outputs: int, inputs: int, carried: Inputs, barrier: Optional[BarrierKind]) -> GradientPattern:
    passes = frozenset(carried)
    barriers = tuple(None if index in passes else barrier for index in range(inputs))
    return GradientPattern((carried,) * outputs, (carried,) * outputs, barriers, passes=passes)


def blocked_pattern(outputs: int, inputs: int, barrier: BarrierKind) -> GradientPattern:
    """Return a pattern in which no output carries to any input."""
    return pass_all(outputs, inputs, (), barrier)


def raising_pattern(outputs: int, inputs: int, barrier: BarrierKind) -> GradientPattern:
    """Return the pattern of an op at which TensorFlow raises an error when a gradient arrives."""
    return GradientPattern(((),) * outputs, ((),) * outputs, (barrier,) * inputs, raises=barrier)


def dense(row: GradientPattern) -> GradientPattern:
    """Return the same pattern for an op that makes ``IndexedSlices`` dense."""
    return replace(row, passes=frozenset())


def assumed_pattern(
    outputs: int, inputs: int, carried: Inputs, reason: str, barrier: Optional[BarrierKind] = None
) -> GradientPattern:
    """Return a guess: every output carries to ``carried``, and a zero upstream gradient may still give a nonzero one."""
    free = frozenset(carried)
    barriers = tuple(None if index in free else barrier for index in range(inputs))
    return GradientPattern(
        (carried,) * outputs, (carried,) * outputs, barriers, independent_of_output=free, waits=free, assumed=reason
    )


def pass_to(row: GradientPattern, opened: Inputs) -> GradientPattern:
    """Return the same pattern, but every output also carries to the inputs ``opened``, as an edit assumes."""
    if not opened:
        return row
    barriers = tuple(None if index in opened else each for index, each in enumerate(row.barriers))
    connected = tuple(tuple(sorted({*inputs, *opened})) for inputs in row.connected)
    carried = tuple(tuple(sorted({*inputs, *opened})) for inputs in row.carries)
    return replace(row, connected=connected, carries=carried, barriers=barriers, raises=None)


def zero_input(row: GradientPattern, index: int) -> GradientPattern:
    """Return the same pattern, but no output carries to one input; the input stays connected."""
    barriers = tuple(BarrierKind.ZERO if place == index else each for place, each in enumerate(row.barriers))
    carried = tuple(tuple(each for each in inputs if each != index) for inputs in row.carries)
    return replace(row, carries=carried, barriers=barriers, passes=row.passes - {index})
