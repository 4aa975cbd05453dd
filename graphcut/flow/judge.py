"""The verdicts of one loss: what TensorFlow answers for each tensor, each judged as if it were the only one asked for.

``RAISES`` beats the others; ``NONE``: *connected* does not lead to the tensor; ``ZERO``: *connected* does, *carries* does not;
``CONDITIONAL``: one branch lies on every carrying path; else ``FLOWS`` (which may be generous: not provably cut).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Iterable, Mapping, Optional, Sequence, Tuple

from graphcut.flow import walk as walking
from graphcut.flow.conditions import conditions
from graphcut.flow.sparse import sparse_tensors
from graphcut.flow.walk import Fill, Walk
from graphcut.reading.order import topological
from graphcut.rules.table import Rules
from graphcut.terms import Condition, Verdict


@dataclass(frozen=True)
class Flow:
    """All that follows from one loss: both walks, the ops that raise and what feeds them, conditions, sparse gradients."""

    rules: Rules
    losses: Tuple[int, ...]
    seeds: Tuple[int, ...]
    stopped: FrozenSet[int]
    fills: Mapping[int, Fill]
    connected: Walk
    carried: Walk
    feeding: Mapping[int, Tuple[int, int]]
    conditions: Mapping[int, Tuple[Condition, ...]]
    sparse: FrozenSet[int]
    order: Sequence[int]

    def verdict(self, tensor: Optional[int]) -> Verdict:
        """TensorFlow's answer for one tensor; ``None`` stands for a variable that the graph does not hold."""
        if tensor is None:
            return Verdict.NONE
        if tensor in self.seeds:
            return Verdict.FLOWS
        if tensor in self.feeding:
            return Verdict.RAISES
        if not self.connected.reaches(tensor):
            return Verdict.NONE
        if not self.carried.reaches(tensor):
            return Verdict.ZERO
        return Verdict.CONDITIONAL if tensor in self.conditions else Verdict.FLOWS


def flow(rules: Rules, losses: Iterable[int], stopped: FrozenSet[int]) -> Flow:
    """Everything about one loss. ``losses`` are tensors, of which those that cannot carry a gradient count for nothing."""
    losses = tuple(losses)
    seeds = tuple(tensor for tensor in losses if rules.passing[tensor])
    fills = walking.fills(rules)
    connected = walking.walk(rules, seeds, stopped, walking.connected, fills)
    carried = walking.walk(rules, seeds, stopped, walking.carries, {})
    order = topological(rules.flat)
    return Flow(
        rules, losses, seeds, stopped, fills, connected, carried,
        walking.feeding(rules, connected.raising),
        conditions(rules, carried, order, stopped),
        sparse_tensors(rules, connected, order, stopped),
        order,
    )  # fmt: skip
